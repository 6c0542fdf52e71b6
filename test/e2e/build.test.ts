import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { isReferrersTag } from "../../src/release/registry/reference.ts";
import { buildEngine } from "../../src/cli/wiring.ts";
import { ignoreRules, readContext } from "../../src/release/inputs/context.ts";
import type { Release, ReleaseDocument } from "../../src/release/types.ts";
import { isRecorded } from "../../src/targets/compose/steps/images.ts";
import { labAvailability } from "../lab/availability.ts";
import { askEngine } from "../lab/engine.ts";
import type { LabHost } from "../lab/host.ts";
import type { Lab } from "../lab/lab.ts";
import { must } from "../lab/process.ts";
import { standInScanner } from "../release/scan/scanners.ts";
import { assertRefused } from "./support/assertions.ts";
import { filesBelow, filesWith } from "./support/disk.ts";
import { startE2eLab, stopE2eLab } from "./support/lab.ts";
import { leftBehind, recordArguments, recordedStarts } from "./support/left-behind.ts";
import { appsOf, shiplockFolder } from "./support/observe.ts";
import { createProject, type Project } from "./support/project.ts";
import { architectureOf, contentsOf, digestOf, shippedWithAttestation, tagsOf } from "./support/registry.ts";
import { containerdStoreAvailability } from "../lab/containerd-store.ts";
import { ensureBaseImages } from "../lab/images/base-images.ts";

const availability = labAvailability();
const containerdStore = await containerdStoreAvailability();
const platform = process.arch === "x64" ? "linux/amd64" : "linux/arm64";

describe("a release is what was committed, built once and named by what it holds", {
  skip: availability.available ? false : availability.reason,
}, () => {
  let lab: Lab;
  let host: LabHost;
  let app: Project;

  before(async () => {
    lab = await startE2eLab({ name: "build", hosts: 1 });
    host = lab.host("host-1");
    app = await createProject(lab, {
      hosts: { production: ["host-1"] },
      configure: [{ path: ["environments", "production", "tagPrefix"], value: "prod" }],
    });
  });

  after(async () => {
    await app?.[Symbol.asyncDispose]();
    if (lab !== undefined) await stopE2eLab(lab);
  });

  async function build(project: Project, ...args: string[]): Promise<Release> {
    return (await project.must(["build", ...args, "--json"])).json as Release;
  }

  /** The image of a release of the switchboard, which has one. */
  function imageOf(release: Release) {
    const image = release.images["app"];
    assert.ok(image !== undefined);
    return image;
  }

  function liveDocument(project: Project, environment: string): ReleaseDocument {
    const name = project.state(host, environment)?.live?.document ?? "";
    const folder = join(shiplockFolder(host), "environments", `${project.name}-${environment}`, "releases");
    return JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as ReleaseDocument;
  }

  test("what is changed in the working tree is not in the release; with --dirty it is, and output, record, tag and status say so", async (t) => {
    await using dirty = await createProject(lab, { name: "dirty", configure: port("8101") });
    dirty.write("version.json", '{ "version": "not-committed" }\n');
    const without = await dirty.must(["deploy", "staging"]);
    assert.match(without.stdout, /one file of the working tree differs from this commit and is not in the release/);
    assert.equal((await dirty.curl(host)).version, "v1");
    assert.equal(liveDocument(dirty, "staging").release.dirty, false);

    const told = await dirty.must(["deploy", "staging", "--dirty"]);
    assert.match(told.stdout, /working tree, not the commit/);
    assert.equal((await dirty.curl(host)).version, "not-committed");
    const { release } = liveDocument(dirty, "staging");
    assert.equal(release.dirty, true);
    assert.match(imageOf(release).tag, /^staging-main-[0-9a-f]{7}-dirty$/);
    assert.match((await dirty.must(["status", "staging"])).stdout, /[0-9a-f]{7}-[0-9a-f]{6}-dirty main: /);
    assertRefused(await dirty.run(["promote", "staging", "production", "--json"]), {
      exit: 3,
      code: "promote/dirty",
      says: /built from a working tree/,
      remedy: /commit/,
    });
    await t.test("--dirty with --ref is refused: the tree is not that commit", async () =>
      assert.equal((await dirty.run(["build", "staging", "--dirty", "--ref", "v1"])).code, 2),
    );
  });

  test("a commit is built once: for the second time and for another environment the same image is found, and gets a name of its own there", async () => {
    const commit = await app.commitVersion("once");
    const tag = `main-${commit.slice(0, 7)}`;
    const first = await app.must(["build", "staging"]);
    assert.match(first.stdout, new RegExp(`pushed .*:staging-${tag}`));
    for (const environment of ["staging", "production"]) {
      const again = await app.must(["build", environment]);
      assert.match(again.stdout, new RegExp(`built before as staging-${tag}`));
      assert.doesNotMatch(again.stdout, /pushed/);
    }
    const [staging, production] = [await build(app, "staging"), await build(app, "production")];
    assert.equal(production.id, staging.id);
    const { digest } = imageOf(staging);
    assert.equal(await digestOf(lab, "switchboard/app", `staging-${tag}`), digest);
    assert.equal(await digestOf(lab, "switchboard/app", `prod-${tag}`), digest);
  });

  test("a commit that touches nothing of what goes into an image takes over the image of the one before, by digest; so does another machine, from the environment's record", async () => {
    const before = imageOf(await build(app, "staging"));
    app.write("notes.md", "Left out by .dockerignore.\n");
    const commit = await app.commit("Notes");
    const deployed = await app.must(["deploy", "staging"]);
    assert.match(deployed.stdout, new RegExp(`unchanged since ${before.tag}`));
    assert.doesNotMatch(deployed.stdout, /RUN|COPY|pushed/);
    assert.equal(liveDocument(app, "staging").release.commit, commit);
    assert.equal(await digestOf(lab, "switchboard/app", `staging-main-${commit.slice(0, 7)}`), before.digest);

    await using other = await app.clone();
    other.write("notes.md", "Changed elsewhere.\n");
    await other.commit("More notes");
    assert.match((await other.must(["deploy", "staging"])).stdout, /unchanged since staging-main-/);
    assert.equal(imageOf(liveDocument(app, "staging").release).digest, before.digest);
  });

  test("--verify builds every image for a pull request without a login, and pushes and records nothing", async () => {
    // No cache of an earlier run of this test knows it.
    const commit = await app.commitVersion(`verified-${randomUUID()}`);
    const env = { REGISTRY_PASSWORD: undefined };
    const { stdout } = await app.must(["build", "--verify"], { env });
    assert.match(stdout, /app │ \[4\/4\] COPY version\.json/);
    assert.match(stdout, new RegExp(`verified ${commit.slice(0, 7)}: every image builds`));
    await assert.rejects(digestOf(lab, "switchboard/app", `staging-main-${commit.slice(0, 7)}`), /404/);
    const built = await app.must(["build", "staging"]);
    assert.match(built.stdout, /pushed/);
    assert.match(built.stdout, /built; 3 of 3 instructions cached, \d+ MB; \d/);
    assertRefused(await app.run(["build", "--json"]), {
      exit: 2,
      code: "build/no-environment",
      says: /for an environment/,
      remedy: /--verify/,
    });
  });

  test("the files that decide whether an image is unchanged are those that BuildKit gets", async () => {
    const context = join(app.folder, "..", "context");
    const files = ["a/keep.txt", "a/drop.log", "a/b/c.log", "a/b/keep.log", "a/b/d/e.txt", "b/x.md", "b/README.md"];
    const more = ["dist/out.js", "dist/keep/it.js", "x[1].txt", "temp1/t", "tempfile", "deep/er/node_modules/m/i.js"];
    for (const file of [...files, ...more]) {
      mkdirSync(dirname(join(context, file)), { recursive: true });
      writeFileSync(join(context, file), file);
    }
    symlinkSync("a/keep.txt", join(context, "link"));
    const ignore = ["**/*.log", "!a/b/keep.log", "a/b/d", "*.md", "b/*.md", "!b/README.md", "dist", "!dist/keep"];
    const rest = ["x\\[1].txt", "temp?", "**/node_modules", "Dockerfile"];
    writeFileSync(join(context, ".dockerignore"), [...ignore, ...rest].join("\n"));
    writeFileSync(join(context, "Dockerfile"), "FROM scratch\nCOPY . /\n");
    const rules = await ignoreRules(context, "Dockerfile");
    assert.ok(rules !== null);
    const hashed = (await readContext(context, rules)).map(({ path }) => path);

    const got = join(app.folder, "..", "got");
    await must(["docker", "buildx", "build", "--output", `type=local,dest=${got}`, context], { env: app.env });
    assert.deepEqual(hashed.sort(), readdirSync(got, { recursive: true }).map(String).sort());
    assert.ok(hashed.includes("dist/keep/it.js") && !hashed.includes("dist/out.js"));
  });

  test("a tag names environment, branch and commit, with a hash where the branch's name is no tag", async () => {
    await app.git(["checkout", "--quiet", "-b", "feature/checkout"]);
    try {
      const commit = await app.commitVersion("feature");
      const { tag, digest } = imageOf(await build(app, "production"));
      assert.match(tag, new RegExp(`^prod-feature-checkout-[0-9a-f]{6}-${commit.slice(0, 7)}$`));
      assert.equal(await digestOf(lab, "switchboard/app", tag), digest);
    } finally {
      await app.git(["checkout", "--quiet", "main"]);
    }
  });

  test("what did not change is taken from the cache of the last build, also out of a stage that is not in the image", async () => {
    const dockerfile = readFileSync(join(app.folder, "Dockerfile"), "utf8");
    // Makes something else every time it runs; and no cache of an earlier run of this test knows it.
    const random = ["node", "-e", `fs.writeFileSync("/random", crypto.randomUUID() + "${randomUUID()}")`];
    app.write(
      "Dockerfile",
      `FROM node:24-slim AS made\nRUN ${JSON.stringify(random)}\n\n${dockerfile.replace("COPY server.mjs", "COPY --from=made /random ./\nCOPY server.mjs")}`,
    );
    const layers: string[][] = [];
    for (const version of ["cached-1", "cached-2"]) {
      await app.commitVersion(version);
      layers.push((await contentsOf(lab, "switchboard/app", imageOf(await build(app, "staging")).digest)).layers);
    }
    const [first = [], second = []] = layers;
    assert.ok(first.length > 2);
    assert.deepEqual(second.slice(0, -1), first.slice(0, -1));
    assert.notEqual(second.at(-1), first.at(-1));
  });

  /** A project whose Dockerfile makes something else every time it runs, in a stage of its own and in the last, and that keeps its cache in the registry. */
  async function cachedProject(name: string, staging: string): Promise<Project> {
    const project = await createProject(lab, {
      name,
      configure: [{ path: ["registry", "cache"], value: true }, ...port(staging)],
    });
    const dockerfile = readFileSync(join(project.folder, "Dockerfile"), "utf8");
    const run = (file: string): string =>
      `RUN ${JSON.stringify(["node", "-e", `fs.writeFileSync("${file}", crypto.randomUUID() + "${randomUUID()}")`])}`;
    const last = dockerfile.replace("WORKDIR /app", `${run("/last")}\nCOPY --from=made /made /\nWORKDIR /app`);
    project.write("Dockerfile", `FROM node:24-slim AS made\n${run("/made")}\n\n${last}`);
    await project.commit("Something else every time");
    return project;
  }

  /** Layers of two builds, between which the builder forgot everything that it had built. */
  async function layersAcrossForgetting(project: Project): Promise<[string[], string[]]> {
    const layers: string[][] = [];
    for (const version of ["one", "two"]) {
      await project.commitVersion(version);
      const { digest } = imageOf(await build(project, "staging"));
      layers.push((await contentsOf(lab, `${project.name}/app`, digest)).layers);
      const pruned = await askEngine(lab.runnerSocket, "POST", "/build/prune?all=true", { timeoutMs: 30_000 });
      assert.match(pruned.body, /"SpaceReclaimed":[1-9]/);
    }
    const [first = [], second = []] = layers;
    assert.ok(first.length > 3);
    return [first, second];
  }

  test("the layer cache is kept in the registry: a builder that has nothing runs only what changed", async () => {
    await using project = await cachedProject("inline", "8105");
    const [first, second] = await layersAcrossForgetting(project);
    assert.deepEqual(second.slice(0, -1), first.slice(0, -1));
    assert.notEqual(second.at(-1), first.at(-1));
    // The login that reached BuildKit is written nowhere.
    assert.deepEqual(readdirSync(project.temporary), []);
    assert.deepEqual(await filesBelow(join(project.folder, ".."), lab.registry.password), []);
  });

  test("with an engine that keeps images in containerd a release is built, shipped, deployed and recognised, its cache comes from the registry, and an attestation confuses nobody", {
    skip: containerdStore.available ? false : containerdStore.reason,
  }, async () => {
    await lab.useContainerdStore(true);
    try {
      await ensureBaseImages({ socketPath: lab.runnerSocket, only: ["node:24-slim"], log: () => undefined });
      await using project = await cachedProject("stored", "8106");
      const [first, second] = await layersAcrossForgetting(project);
      assert.deepEqual(second.slice(0, -1), first.slice(0, -1));
      assert.notEqual(second.at(-1), first.at(-1));

      await project.must(["deploy", "staging"]);
      assert.equal((await project.curl(host)).version, "two");
      const image = imageOf(liveDocument(project, "staging").release);
      const [running] = await appsOf(host, "stored-staging");
      assert.ok(running !== undefined && isRecorded(image, running.image));

      const { shipped, index } = await shippedWithAttestation(lab, project, platform);
      assert.deepEqual((await contentsOf(lab, "stored/app", index)).platforms, [platform, "unknown/unknown"]);
      const engine = buildEngine({ DOCKER_HOST: `unix://${host.socketPath}` });
      const reference = `${lab.registry.address}/stored/app@${index}`;
      const { address, username, password } = lab.registry;
      await engine.pullImage(reference, { username, password, serverAddress: address });
      const pulled = await engine.inspectImage(reference);
      const recorded = { ...image, digest: index, platforms: { [platform]: shipped } };
      assert.ok(pulled !== null && isRecorded(recorded, pulled.id), pulled?.id);
    } finally {
      await lab.useContainerdStore(false);
    }
  });

  test("values of an environment are baked in, so each has an image of its own, and promotion makes a sibling that names its origin; a build secret stays in none", async (t) => {
    const token = "bu1ld-token-that-nobody-may-see";
    const sessionKey = 'pl4nted "session" & key/of+ada that is long enough for base64 to break it over lines';
    const hash = createHash("sha256").update(token).digest("hex");
    await using baked = await createProject(lab, {
      name: "baked",
      hosts: { production: ["host-1"] },
      configure: [
        { path: ["images", "app", "args"], value: { PUBLIC_URL: "http://${WEB_HOST}" } },
        { path: ["images", "app", "secrets"], value: ["BUILD_TOKEN"] },
        {
          path: ["checks", "spill"],
          value: { process: true, secrets: ["SESSION_KEY"], run: 'echo "key $SESSION_KEY"' },
        },
        { path: ["environments", "staging", "secrets"], value: ["SESSION_KEY"] },
        { path: ["environments", "production", "secrets"], value: ["SESSION_KEY"] },
        ...port("8102", "8103"),
      ],
    });
    Object.assign(baked.env, { BUILD_TOKEN: token, SESSION_KEY: sessionKey });
    recordArguments(baked);
    const spill = `const key = process.env.SESSION_KEY; console.log("key", key); console.log(Buffer.from(key).toString("base64").replace(/.{76}/g, "$$&\\n")); import("./server.mjs")`;
    const compose = readFileSync(join(baked.folder, "compose.yml"), "utf8");
    const service = `    command: ${JSON.stringify(["node", "-e", spill])}\n    environment: { SESSION_KEY: "\${SESSION_KEY}" }\n`;
    baked.write("compose.yml", compose.replace("    ports:\n", `${service}    ports:\n`));
    const dockerfile = readFileSync(join(baked.folder, "Dockerfile"), "utf8");
    // An instruction that was cached by an earlier run of this test would print nothing.
    const script = `/* ${randomUUID()} */ const token = fs.readFileSync("/run/secrets/BUILD_TOKEN");
      console.log("the token is " + token);
      const seen = crypto.createHash("sha256").update(token).digest("hex");
      fs.writeFileSync("version.json", JSON.stringify({ version: process.env.PUBLIC_URL, seen }));`;
    const run = `ARG PUBLIC_URL\nRUN --mount=type=secret,id=BUILD_TOKEN ["node", "-e", ${JSON.stringify(script)}]\nUSER node`;
    baked.write("Dockerfile", dockerfile.replace("USER node", run));
    await baked.commit("An address that the bundler bakes in");

    const deployed = await baked.must(["deploy", "staging", "--check"]);
    assert.match(deployed.stdout, /app │ {3}the token is \*\*\*/);
    assert.match(deployed.stdout, /spill │ key \*\*\*/);
    assert.equal((await baked.curl(host)).version, "http://staging.baked.example.com");
    const promoted = await baked.must(["promote", "staging", "production"]);
    assert.match(promoted.stdout, /a sibling release: app holds values of production/);
    assert.equal(
      (await baked.curl(host, "/", { environment: "production" })).version,
      "http://production.baked.example.com",
    );
    const logs = await baked.must(["logs", "staging", "web"]);
    const [staging, production] = [liveDocument(baked, "staging").release, liveDocument(baked, "production").release];
    assert.equal(production.origin, staging.id);
    assert.equal(production.commit, staging.commit);
    for (const flags of [[], ["--local"]]) {
      const { stdout } = await baked.must(["history", "production", ...flags]);
      assert.match(stdout, new RegExp(`promote +${production.id} \\(sibling of ${staging.id}\\)`));
    }
    assert.deepEqual([staging.environment, production.environment], ["staging", "production"]);
    assert.notEqual(imageOf(production).digest, imageOf(staging).digest);
    await t.test("the tag of what was promoted names the branch too", () =>
      assert.equal(imageOf(production).tag, `production-main-${production.commit.slice(0, 7)}`),
    );

    assert.ok(
      (await filesWith(host, hash)).length > 0,
      "the build did not have the secret, or the search finds nothing",
    );
    // Layers as they are unpacked, the image's configuration and history, records and logs.
    assert.deepEqual(await filesWith(host, token), []);

    await t.test(
      "nor does it stay on the machine that builds: in its ledger, its home, its temporary files",
      async () => {
        const root = join(baked.folder, "..");
        assert.ok((await filesBelow(root, staging.id)).length > 0, "the search finds nothing");
        assert.deepEqual(await filesBelow(root, token), []);
      },
    );
    await t.test("logs show no secret that a service prints, not even in base64 over two lines", () => {
      assert.match(logs.stdout, /│ key \*\*\*\n.*│ \*\*\*\n.*│ \*\*\*\n/);
    });
    await t.test(
      "a container's own secret is left behind nowhere but in its environment, and a registry's password nowhere",
      async () => {
        const said = { deploy: deployed, promote: promoted, logs };
        const places = { lab, host, project: baked, said };
        for (const [program, starts] of Object.entries(recordedStarts(baked)))
          assert.ok(starts > 2, `${program}: ${starts}`);
        assert.ok((await leftBehind([staging.id], places)).length > 8, "the search finds nothing");
        assert.deepEqual(await leftBehind([sessionKey, token, lab.registry.password], places), []);
      },
    );
    await t.test("a build that fails names instruction and line, and masks what it wrote", async () => {
      baked.write("Dockerfile", dockerfile.replace("USER node", run.replace("fs.writeFileSync", "process.exit(7)")));
      const failed = await baked.run(["build", "staging", "--dirty", "--check"]);
      assert.equal(failed.code, 1);
      assert.match(failed.stderr, /\[build\/failed\] Dockerfile:8: the image "app" could not be built .* exit code 7/);
      assert.match(failed.stderr, /the token is \*\*\*/);
      assert.ok(!`${failed.stdout}${failed.stderr}`.includes(token));
    });
    await t.test(
      "an argument that holds its value is refused before anything is built, and so is verifying for no environment",
      async () => {
        // Otherwise it is found as a secret in a file.
        const unseen = { path: ["leaks"], value: "off" };
        baked.configure([unseen, { path: ["images", "app", "args", "SENT"], value: `x${token}x` }]);
        const refused = await baked.run(["build", "staging", "--dirty", "--check", "--json"]);
        const says = /argument SENT of the image "app" holds the value of the secret BUILD_TOKEN/;
        assertRefused(refused, { exit: 2, code: "build/secret-argument", says, remedy: /--mount=type=secret/ });
        assert.ok(!refused.stdout.includes(token));
        const nowhere = await baked.run(["build", "--verify", "--dirty", "--json"]);
        assertRefused(nowhere, {
          exit: 2,
          code: "build/environment-needed",
          says: /"app"/,
          remedy: /staging --verify/,
        });
      },
    );
  });

  test("what blocks is found before an image is pushed; what is known of a release lies in the history and beside its image in the registry, and status says it", async (t) => {
    const scanner = await standInScanner("trivy", scannerScript);
    t.after(() => scanner.remove());
    // A lab that is still up has what an earlier run pushed.
    const name = `scanned-${randomUUID().slice(0, 8)}`;
    await using scanned = await createProject(lab, {
      name,
      configure: [
        { path: ["images", "app", "sbom"], value: undefined },
        { path: ["scan"], value: { with: "trivy" } },
        { path: ["environments", "production", "scan"], value: "off" },
        ...port("8107", "8108"),
      ],
    });
    const env = { PATH: `${scanner.folder}:${scanned.env["PATH"]}`, REPORT_SEVERITY: "HIGH" };
    const blocked = await scanned.run(["build", "staging", "--sarif", "../scan.sarif", "--json"], { env });
    assertRefused(blocked, { exit: 3, code: "gate/scan", says: /1 finding in app blocks/, remedy: /scan\.ignore/ });
    const sarif = JSON.parse(readFileSync(join(scanned.folder, "../scan.sarif"), "utf8")) as {
      runs: { results: unknown[] }[];
    };
    assert.equal(sarif.runs[0]?.results.length, 1);
    assert.deepEqual(await tagsOf(lab, `${name}/app`), []);

    const deployed = await scanned.must(["deploy", "staging"], { env: { ...env, REPORT_SEVERITY: "LOW" } });
    assert.match(deployed.stdout, /scan nothing that blocks was found; known: 1 other \(trivy, /);
    assert.match(
      (await scanned.must(["status"])).stdout,
      /staging .*; scan: 1 other \(trivy, [^]*production .*; scan: off/,
    );
    const image = imageOf(liveDocument(scanned, "staging").release);
    const tags = await tagsOf(lab, `${name}/app`);
    assert.deepEqual(
      tags.filter((tag) => !isReferrersTag(tag)),
      [image.tag],
    );
    assert.equal(tags.length, 2, "documents lie under one more tag, since this registry has no list of referrers");

    // Another machine has no history and finds them in the registry.
    await using other = await scanned.clone({ who: "grace" });
    await other.must(["sbom", "staging", "--out", "../kept"]);
    const sbom = JSON.parse(readFileSync(join(other.folder, "../kept/app.cdx.json"), "utf8")) as {
      components: { purl?: string }[];
    };
    assert.ok(
      sbom.components.some(({ purl }) => purl?.startsWith("pkg:deb/debian/")),
      "Debian's packages are not listed",
    );
    const proof = readFileSync(join(other.folder, "../kept/app.provenance.json"), "utf8");
    assert.match(proof, new RegExp(`"gitCommit": "${liveDocument(scanned, "staging").release.commit}"`));
    assert.ok(!proof.includes(lab.registry.password));

    // The same image again, for an environment that demands what nobody knows there: it is scanned in the registry.
    const again = await other.run(["promote", "staging", "production", "--json"], { env });
    assert.equal(again.code, 0, again.stdout);
    const judged = await other.run(["scan", "staging"], { env });
    assert.equal(judged.code, 3, judged.stdout + judged.stderr);
  });

  test("an image for several platforms is built for each without running the other's instructions; the registry lists both, and a host runs its own", async () => {
    await using both = await createProject(lab, { name: "both" });
    const dockerfile = [
      // Runs on the machine that builds, whatever it builds for.
      "FROM --platform=$BUILDPLATFORM node:24-slim AS pages",
      "ARG TARGETARCH",
      'RUN ["node", "-e", "fs.mkdirSync(`/www`); fs.writeFileSync(`/www/index.html`, `linux/${process.env.TARGETARCH}\\n`)"]',
      "FROM scratch",
      "COPY busybox /bin/",
      "COPY www /www/",
      "COPY --from=pages /www /www/",
      'CMD ["/bin/busybox", "httpd", "-f", "-p", "3000", "-h", "/www"]',
    ];
    both.write("Dockerfile", `${dockerfile.join("\n")}\n`);
    both.write(".dockerignore", "");
    both.write("compose.yml", "services: { web: { build: ., init: true } }\n");
    both.write("www/healthz", "fine\n");
    copyFileSync((await must(["which", "busybox"])).trim(), join(both.folder, "busybox"));
    both.configure([
      { path: ["images", "app", "platforms"], value: ["linux/amd64", "linux/arm64"] },
      { path: ["services", "caller"], value: undefined },
    ]);
    await both.commit("For two platforms");

    await both.must(["deploy", "staging"]);
    const image = imageOf(liveDocument(both, "staging").release);
    assert.deepEqual((await contentsOf(lab, "both/app", image.digest)).platforms, ["linux/amd64", "linux/arm64"]);
    assert.deepEqual(
      await Promise.all(["linux/amd64", "linux/arm64"].map((one) => architectureOf(lab, "both/app", image, one))),
      ["amd64", "arm64"],
    );
    assert.equal(await digestOf(lab, "both/app", image.tag), image.digest);
    const answer = await both.curl(host);
    assert.equal(answer.body.trim(), platform);
    const [running] = await appsOf(host, "both-staging");
    assert.equal(running?.image, image.platforms[platform]?.config);
    const inspected = await askEngine(host.socketPath, "GET", `/images/${running?.image}/json`);
    assert.equal(`linux/${(JSON.parse(inspected.body) as { Architecture: string }).Architecture}`, platform);
  });

  test("after deployments no file of a host holds the registry's password, nor its base64", async () => {
    await app.commitVersion("pulled");
    await app.must(["deploy", "staging"]);
    assert.ok(
      (await filesWith(host, `${lab.registry.address}/switchboard/app`)).length > 0,
      "the search finds nothing",
    );
    assert.deepEqual(await filesWith(host, lab.registry.password), []);
  });
});

/** Reports one finding of the severity that is told, in the place of Trivy. */
const scannerScript = `
  const found = { VulnerabilityID: "CVE-2026-1", PkgName: "node", InstalledVersion: "24", Severity: process.env.REPORT_SEVERITY };
  const results = [{ Target: "app", Class: "os-pkgs", Type: "debian", Vulnerabilities: [found] }];
  console.log(JSON.stringify({ SchemaVersion: 2, ArtifactType: "container_image", Results: results }));`;

/** Published ports, so that the projects of this file do not meet on their host. */
function port(staging: string, production = "8104") {
  return [
    { path: ["environments", "staging", "variables", "WEB_PORT"], value: staging },
    { path: ["environments", "production", "variables", "WEB_PORT"], value: production },
  ];
}
