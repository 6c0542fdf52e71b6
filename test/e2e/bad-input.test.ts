import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { ConfigChange } from "../lab/app-history.ts";
import { labAvailability } from "../lab/availability.ts";
import { askEngine } from "../lab/engine.ts";
import type { LabHost } from "../lab/host.ts";
import type { Lab } from "../lab/lab.ts";
import { assertRefused, changesNothing } from "./support/assertions.ts";
import { startE2eLab, stopE2eLab } from "./support/lab.ts";
import { appsOf, containersOf, shiplockFolder } from "./support/observe.ts";
import { createProject, type Project } from "./support/project.ts";
import { digestOf, pushUnderTag, removeFromRegistry } from "./support/registry.ts";

const availability = labAvailability();

describe("bad input gets a clear answer and loses nothing", {
  skip: availability.available ? false : availability.reason,
}, () => {
  let lab: Lab;
  let host: LabHost;
  let app: Project;

  before(async () => {
    // host-3 neither forwards sockets nor, later, has an engine or power.
    lab = await startE2eLab({
      name: "bad-input",
      hosts: ["host-1", "host-2", { name: "host-3", sshd: { streamForwarding: false } }],
    });
    host = lab.host("host-1");
    app = await createProject(lab, {
      hosts: { production: ["host-1", "host-2"] },
      configure: [
        { path: ["services", "web", "health"], value: { http: "/healthz", startPeriod: "2s" } },
        { path: ["environments", "pair"], value: environmentOn(["host-1", "host-3"]) },
      ],
    });
    await app.must(["deploy", "staging"]);
  });

  after(async () => {
    await app?.[Symbol.asyncDispose]();
    if (lab !== undefined) await stopE2eLab(lab);
  });

  function unchanged<T>(work: () => Promise<T>): Promise<T> {
    return changesNothing(app, host, "v1", work);
  }

  /** An ssh configuration that differs from the lab's in its known hosts alone. */
  function sshConfigWith(knownHosts: string): string {
    const text = readFileSync(lab.sshConfigPath, "utf8");
    const file = join(app.home, "known_hosts");
    writeFileSync(file, knownHosts, { mode: 0o600 });
    const config = join(app.home, "ssh_config");
    writeFileSync(config, text.replace(/UserKnownHostsFile .*/, `UserKnownHostsFile ${file}`), { mode: 0o600 });
    return config;
  }

  describe("hosts", () => {
    test("a host key that is not the known one stops everything before the first word to the host", async () => {
      const real = readFileSync(
        /UserKnownHostsFile (.*)/.exec(readFileSync(lab.sshConfigPath, "utf8"))?.[1] ?? "",
        "utf8",
      );
      const [, , otherKey = ""] =
        real
          .split("\n")
          .find((line) => line.startsWith("host-2"))
          ?.split(" ") ?? [];
      const env = { SHIPLOCK_SSH_CONFIG: sshConfigWith(`host-1 ssh-ed25519 ${otherKey}\n`) };
      const result = await unchanged(() => app.run(["deploy", "staging", "--json"], { env }));
      assertRefused(result, {
        exit: 1,
        code: "ssh/host-key",
        says: /host key of host-1 is not the one you know/,
        remedy: /ssh-keygen -R.*compare the fingerprint/,
        where: /host-1/,
      });
    });

    test("a host key that nobody has seen is asked for, not trusted", async () => {
      const result = await unchanged(() =>
        app.run(["deploy", "staging", "--json"], { env: { SHIPLOCK_SSH_CONFIG: sshConfigWith("") } }),
      );
      assertRefused(result, {
        exit: 1,
        code: "ssh/host-key",
        says: /host key of host-1 is not known/,
        remedy: /known_hosts/,
      });
    });

    test("a host whose sshd does not forward sockets is told from one without an engine", async () => {
      const result = await unchanged(() => app.run(["deploy", "pair", "--json"]));
      assertRefused(result, {
        exit: 1,
        code: "ssh/forwarding-refused",
        says: /sshd on host-3 does not forward/,
        remedy: /AllowStreamLocalForwarding yes/,
      });
    });

    test("a host whose engine does not run is named, and the other hosts are left alone", async () => {
      await lab.stopEngine(lab.host("host-3"));
      const result = await unchanged(() => app.run(["deploy", "pair", "--json"]));
      assertRefused(result, {
        exit: 1,
        code: "engine/socket-missing",
        says: /host-3 has no engine/,
        remedy: /start Docker there/,
      });
    });

    test("a host that is down is named, and the other hosts are left alone", async () => {
      await lab.powerOff(lab.host("host-3"));
      const result = await unchanged(() => app.run(["deploy", "pair", "--json"]));
      assertRefused(result, {
        exit: 1,
        code: "ssh/unreachable",
        says: /host-3 did not answer within 6000 ms/,
        remedy: /host is up/,
      });
    });
  });

  describe("the machine that deploys", () => {
    test("a machine without the compose plugin is told to install it", async () => {
      const result = await unchanged(() =>
        app.run(["deploy", "staging", "--json"], { env: { HOME: homeWithBroken("docker-compose") } }),
      );
      assertRefused(result, {
        exit: 2,
        code: "compose/missing",
        says: /`docker compose` is not installed here/,
        remedy: /install the Docker Compose plugin/,
      });
    });

    test("a machine without buildx is told to install it", async () => {
      await app.commitVersion("v1-buildx");
      const result = await unchanged(() =>
        app.run(["deploy", "staging", "--json"], { env: { HOME: homeWithBroken("docker-buildx") } }),
      );
      assertRefused(result, {
        exit: 2,
        code: "build/buildx-missing",
        says: /`docker buildx` is not installed here/,
        remedy: /install/,
      });
    });

    test("a machine without an engine to build with is told so", async () => {
      const result = await unchanged(() =>
        app.run(["deploy", "staging", "--json"], { env: { DOCKER_HOST: "unix:///nonexistent/docker.sock" } }),
      );
      assertRefused(result, {
        exit: 2,
        code: "build/no-engine",
        says: /no Docker Engine answers/,
        remedy: /DOCKER_HOST/,
      });
    });

    /** A plugin in the user's own folder goes before the system's; one that does not answer counts as none. */
    function homeWithBroken(plugin: string): string {
      const home = join(app.home, plugin);
      mkdirSync(join(home, ".docker/cli-plugins"), { recursive: true });
      writeFileSync(join(home, ".docker/cli-plugins", plugin), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
      return home;
    }
  });

  describe("registry and images", () => {
    test("a wrong registry password is refused by name of the registry, and is in no output", async () => {
      const password = "wrong-Pa55word!";
      await app.commitVersion("v1-password");
      const result = await unchanged(() =>
        app.run(["deploy", "staging", "--json"], { env: { REGISTRY_PASSWORD: password } }),
      );
      const error = assertRefused(result, {
        exit: 2,
        code: "registry/unauthorized",
        says: /registry does not accept the login/i,
        remedy: /user name and password/,
      });
      assert.doesNotMatch(JSON.stringify(error) + result.stderr, new RegExp(password));
    });

    test("a registry password that is not set is asked for by its name", async () => {
      const result = await unchanged(() =>
        app.run(["deploy", "staging", "--json"], { env: { REGISTRY_PASSWORD: undefined } }),
      );
      assertRefused(result, {
        exit: 2,
        code: "secrets/missing",
        says: /REGISTRY_PASSWORD/,
        remedy: /set it as environment variable/,
      });
    });

    test("who only looks needs no registry password", async () => {
      for (const command of ["status", "drift", "logs", "history"]) {
        const result = await app.run([command, "staging", "--json"], { env: { REGISTRY_PASSWORD: undefined } });
        assert.equal(result.code, 0, `${command}: ${result.stdout}${result.stderr}`);
        assert.equal(result.stderr, "");
      }
    });

    test("a tag that was moved to another image after the build is not followed: what was built is deployed", async () => {
      await using other = await createProject(lab, { name: "moved", hosts: { staging: ["host-2"] } });
      const built = (await other.must(["build", "staging", "--json"])).json as {
        images: { app: { tag: string; digest: string; platforms: Record<string, { config: string }> } };
      };
      const { tag, digest, platforms } = built.images.app;
      await other.commitVersion("v2");
      const { images } = (await other.must(["build", "staging", "--json"])).json as typeof built;
      await pushUnderTag(lab, "moved/app", images.app.digest, tag);
      assert.equal(await digestOf(lab, "moved/app", tag), images.app.digest, "the tag was not moved");
      await other.must(["deploy", "staging", "--ref", "v1"]);
      assert.equal((await other.curl(lab.host("host-2"))).version, "v1");
      const running = await appsOf(lab.host("host-2"), "moved-staging");
      const configs = Object.values(platforms).map(({ config }) => config);
      assert.deepEqual([...new Set(running.map(({ image }) => image))], configs);
      assert.notEqual(digest, images.app.digest);
    });

    test("an image that is gone from the registry is not replaced by another build when it is promoted", async () => {
      const live = app.state(host)?.live;
      const image = await imageOfLive(live?.document ?? "");
      const manifest = await removeFromRegistry(lab, "switchboard/app", image.digest);
      try {
        const result = await unchanged(() => app.run(["promote", "staging", "production", "--json"]));
        assertRefused(result, {
          exit: 1,
          code: "release/image-gone",
          says: /app.*is not in the registry/,
          remedy: /deploy the commit once more where it was tested/,
        });
        assert.equal(app.state(host, "production"), null);
      } finally {
        await manifest.putBack();
      }
    });

    async function imageOfLive(document: string): Promise<{ digest: string }> {
      const file = join(shiplockFolder(host), "environments/switchboard-staging/releases", `${document}.json`);
      const { release } = JSON.parse(readFileSync(file, "utf8")) as {
        release: { images: { app: { digest: string } } };
      };
      return release.images.app;
    }
  });

  describe("releases that do not run", () => {
    test("a release that never becomes healthy is refused with its last log lines, and the old one serves", async () => {
      await app.commitVersion("v2-ill", { healthStatus: 500 });
      const result = await unchanged(() => app.run(["deploy", "staging", "--json"]));
      const error = assertRefused(result, {
        exit: 1,
        code: "health/not-healthy",
        says: /web-b-1 on host-1 was not healthy within 2 s: GET \/healthz answered 500/,
        remedy: /last lines/,
      });
      assert.match(error.details.join("\n"), /listening on 3000/);
      assert.equal((result.json as { state: string }).state, "rolled-back");
    });

    test("a release that exits at once is refused with its exit code and its last log lines, and the old one serves", async () => {
      await app.commitVersion("v2-exits", { startExit: 3 });
      const result = await unchanged(() => app.run(["deploy", "staging", "--json"]));
      const error = assertRefused(result, {
        exit: 1,
        code: "health/restarting",
        says: /-b-1 on host-1 .*exit code 3/,
        remedy: /last lines/,
      });
      assert.match(error.details.join("\n"), /exiting at once with 3, as told/);
      const shown = await app.run(["status", "staging"]);
      assert.match(shown.stdout, /runs as recorded/);
    });
  });

  describe("configuration", () => {
    /** Changes shiplock.yml in a clone, runs a command there, and says what came of it. */
    async function withConfiguration(
      change: (clone: Project) => void,
      args: readonly string[],
      env: Record<string, string | undefined> = {},
    ) {
      const clone = await app.clone();
      try {
        change(clone);
        return await unchanged(() => clone.run([...args, "--json"], { env }));
      } finally {
        await clone[Symbol.asyncDispose]();
      }
    }

    test("an unknown key is named with its place and the nearest valid name", async () => {
      const result = await withConfiguration(
        (clone) => clone.configure([{ path: ["services", "web", "helth"], value: "/x" }]),
        ["deploy", "staging"],
      );
      const error = assertRefused(result, {
        exit: 2,
        code: "config/invalid",
        says: /shiplock.yml is not valid/,
        remedy: /Mend what is listed/,
        where: /shiplock\.yml:\d+:\d+/,
      });
      const all = JSON.stringify(error);
      assert.match(all, /shiplock\.yml:\d+:\d+: services\.web\.helth: unknown key/);
      assert.match(all, /did you mean ..health/);
    });

    test("a key whose feature is not built yet is refused as such", async () => {
      const result = await withConfiguration(
        (clone) => clone.configure([{ path: ["backup"], value: {} }]),
        ["deploy", "staging"],
      );
      const error = assertRefused(result, { exit: 2, code: "config/invalid", says: /./, remedy: /./ });
      assert.match(JSON.stringify(error), /backups of backing services are not built yet/);
    });

    test("a variable that is not set is named with the place that needs it", async () => {
      const result = await withConfiguration(
        (clone) => clone.configure([{ path: ["environments", "staging", "variables", "WEB_HOST"], value: undefined }]),
        ["deploy", "staging", "--dirty"],
      );
      assertRefused(result, {
        exit: 2,
        code: "config/unset-variable",
        says: /WEB_HOST is not set/,
        remedy: /"variables"/,
        where: /services\.web\.route|shiplock\.yml/,
      });
    });

    test("a secret that is missing is asked for by its name before anything is touched", async () => {
      const result = await withConfiguration(
        (clone) => clone.configure([{ path: ["environments", "staging", "secrets"], value: ["API_TOKEN"] }]),
        ["deploy", "staging", "--dirty"],
      );
      assertRefused(result, {
        exit: 2,
        code: "secrets/missing",
        says: /staging needs the secret API_TOKEN/,
        remedy: /environment variable/,
      });
    });

    test("doctor says that a secret is missing, by its name", async () => {
      const result = await withConfiguration(
        (clone) => clone.configure([{ path: ["environments", "staging", "secrets"], value: ["API_TOKEN"] }]),
        ["doctor", "staging"],
      );
      assert.equal(result.code, 1);
      const failed = (result.json as { name: string; ok: boolean; said: string }[]).filter(({ ok }) => !ok);
      assert.deepEqual(
        failed.map(({ name }) => name),
        ["staging: secrets"],
      );
      assert.match(failed[0]?.said ?? "", /needs the secret API_TOKEN/);
    });

    test("an environment that is not there is answered with the nearest one", async () => {
      const result = await withConfiguration(() => undefined, ["deploy", "stagign"]);
      const error = assertRefused(result, {
        exit: 2,
        code: "config/unknown-environment",
        says: /stagign/,
        remedy: /./,
      });
      assert.match(JSON.stringify(error), /staging/);
    });

    test("a bind mount whose source the host lacks is refused before anything is touched", async () => {
      const result = await withConfiguration(
        (clone) => addToWeb(clone, ["volumes: [/srv/missing/settings:/settings:ro]"]),
        ["deploy", "staging", "--dirty"],
      );
      assertRefused(result, {
        exit: 2,
        code: "compose/host-path-missing",
        says: /host-1 does not have \/srv\/missing\/settings/,
        remedy: /create it on the host/,
      });
    });
  });

  describe("neighbours on one host", () => {
    test("a second project that wants the same published port is refused, and told who has it", async () => {
      await using other = await createProject(lab, { name: "second" });
      const result = await unchanged(() => other.run(["deploy", "staging", "--json"]));
      assertRefused(result, {
        exit: 2,
        code: "host/port-taken",
        says: /port 8081 on host-1 is taken by switchboard-staging-shiplock-port-8081-1/,
        remedy: /another port/,
      });
    });

    test("a second project that wants the same route is refused, and told whose it is", async () => {
      await using other = await createProject(lab, {
        name: "third",
        configure: [
          ...ports("9001", "9002"),
          { path: ["environments", "staging", "variables", "WEB_HOST"], value: app.address() },
        ],
      });
      const result = await unchanged(() => other.run(["deploy", "staging", "--json"]));
      assertRefused(result, {
        exit: 2,
        code: "route/taken",
        says: /staging\.switchboard\.example\.com belongs to switchboard-staging on host-1/,
        remedy: /another route/,
      });
    });

    test("an edge port that something foreign listens on is named, and nothing is set up", async () => {
      const second = lab.host("host-2");
      const id = await foreignListener(second, 8099);
      try {
        await using other = await createProject(lab, {
          name: "edgeless",
          hosts: { staging: ["host-2"] },
          configure: [
            { path: ["environments", "staging", "target", "compose", "proxy"], value: { tls: "off", http: 8099 } },
          ],
        });
        await askEngine(second.socketPath, "DELETE", "/containers/shiplock-edge?force=1");
        const before = await containersOf(second);
        const result = await other.run(["deploy", "staging", "--json"]);
        assertRefused(result, {
          exit: 2,
          code: "host/port-taken",
          says: /port 8099 on host-2 is taken by foreign, and the edge wants it/,
          remedy: /another port/,
        });
        assert.deepEqual(await containersOf(second), before);
      } finally {
        await askEngine(second.socketPath, "DELETE", `/containers/${id}?force=1`);
      }
    });

    test("staging and production with the same explicit volume on one host are refused, and told whose it is", async () => {
      await using other = await createProject(lab, {
        name: "volumes",
        hosts: { staging: ["host-2"], production: ["host-2"] },
        configure: ports("9003", "9004"),
      });
      addToWeb(other, ["volumes: [data:/data]"], "volumes:\n  data:\n    name: shop-data\n");
      await other.commit("Keep data");
      await other.must(["setup", "staging"]);
      const second = lab.host("host-2");
      const result = await changesNothing(other, second, null, () => other.run(["deploy", "production", "--json"]));
      assertRefused(result, {
        exit: 2,
        code: "compose/name-collision",
        says: /volume "shop-data" on host-2 belongs to volumes-staging/,
        remedy: /leave out `name:`/,
      });
    });
  });

  describe("names of outside origin", () => {
    const evilBranch = "x';$(touch${IFS}pwned-by-branch)`touch${IFS}pwned`\"|&";
    const bidi = "\u202e\u2066";
    const message = `Fix "it"; $(touch pwned-by-message) \`touch pwned\` \u001b[31mred\u001b[2J ${bidi}reversed\n\nsecond 'line'\n$(touch pwned)`;
    const reason = `because $(touch pwned-by-reason)'"\u001b[2J${bidi}\nnext line`;

    test("branch, tag, commit message and reason full of quotes, $(), colours and bidi marks are only text, here and on the hosts", async () => {
      const clone = await app.clone();
      try {
        await clone.git(["checkout", "--quiet", "-b", evilBranch, "v1"]);
        const commit = await clone.commit(message);
        await clone.git(["tag", `t'$(touch\${IFS}pwned-by-tag)`]);
        await clone.must(["deploy", "staging", "--ref", evilBranch, "--reason", reason]);
        assert.equal((await clone.curl(host)).version, "v1");
        assert.equal(clone.state(host)?.live?.ref, evilBranch);
        assert.equal(clone.state(host)?.live?.commit, commit);
        const shown = [
          ["status"],
          ["status", "staging"],
          ["history"],
          ["history", "staging", "--local"],
          ["diff", "staging", "staging"],
          ["plan", "staging", "--ref", "main"],
        ];
        for (const args of shown) assertPrintable((await clone.run(args)).stdout, args.join(" "));
        const json = (await clone.must(["status", "staging", "--json"])).json as { state: { live: { ref: string } } }[];
        assert.equal(json[0]?.state.live.ref, evilBranch);
        const refused = await clone.run(["deploy", "staging", "--ref", `nothing-${bidi}\u001b[2J`]);
        assert.equal(refused.code, 2);
        assertPrintable(refused.stderr, "an unknown ref");
        const back = await clone.run(["rollback", "staging", "--to", `t'$(touch\${IFS}pwned-by-tag)${bidi}`]);
        assertPrintable(back.stderr, "an unknown rollback");
        assert.deepEqual(await pwned(clone), []);
        // The folder works by hand, whatever the names were.
        const byHand = await host.exec(
          [
            "docker",
            "compose",
            "--project-directory",
            "/home/deploy/.shiplock/environments/switchboard-staging",
            "ps",
            "--format",
            "{{.Name}}",
          ],
          { user: host.sshUser },
        );
        assert.match(byHand.stdout, /switchboard-staging-web-/, byHand.stderr);
        await app.must(["rollback", "staging"]);
        assert.deepEqual(await pwned(clone), []);
      } finally {
        await clone[Symbol.asyncDispose]();
      }
    });

    function assertPrintable(text: string, what: string): void {
      assert.doesNotMatch(
        text,
        /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/,
        `${what} prints control characters: ${JSON.stringify(text)}`,
      );
    }

    /** Files that could only be there if a part of a name had been executed. */
    async function pwned(clone: Project): Promise<string[]> {
      const onHost = await host.exec(["find", "/", "-xdev", "-name", "pwned*", "-not", "-path", "/proc/*"]);
      const here = [clone.folder, clone.home, clone.temporary, process.cwd(), "/", "/tmp"].flatMap((folder) =>
        ["pwned", "pwned-by-branch", "pwned-by-message", "pwned-by-tag", "pwned-by-reason"]
          .map((name) => join(folder, name))
          .filter((path) => existsSync(path)),
      );
      return [...onHost.stdout.split("\n").filter((line) => line !== ""), ...here];
    }
  });

  /** Adds lines to the compose file's service `web`, and text at its end. */
  function addToWeb(project: Project, lines: readonly string[], end = ""): void {
    const file = join(project.folder, "compose.yml");
    const text = readFileSync(file, "utf8").replace(
      "    build: .\n",
      `    build: .\n${lines.map((line) => `    ${line}\n`).join("")}`,
    );
    writeFileSync(file, `${text}\n${end}`);
  }

  /** A container that is none of ours and has the port. */
  async function foreignListener(where: LabHost, port: number): Promise<string> {
    const body = {
      Image: "caddy:2",
      HostConfig: { PortBindings: { "80/tcp": [{ HostPort: String(port) }] } },
      ExposedPorts: { "80/tcp": {} },
    };
    const created = await askEngine(where.socketPath, "POST", "/containers/create?name=foreign", { body });
    const { Id } = JSON.parse(created.body) as { Id: string };
    await askEngine(where.socketPath, "POST", `/containers/${Id}/start`);
    return Id;
  }
});

/** Published ports of staging and production, so that projects on one host do not meet where they are not meant to. */
function ports(staging: string, production: string): ConfigChange[] {
  return [
    { path: ["environments", "staging", "variables", "WEB_PORT"], value: staging },
    { path: ["environments", "production", "variables", "WEB_PORT"], value: production },
  ];
}

function environmentOn(hosts: readonly string[]): unknown {
  return {
    target: { compose: { hosts, proxy: { tls: "off" }, connectTimeout: "6s" } },
    variables: { WEB_HOST: `pair.switchboard.example.com`, WEB_PORT: "8089" },
    bake: 0,
  };
}
