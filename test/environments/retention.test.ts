import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { withTicket } from "../../src/environments/queue/changes.ts";
import type { NewTicket } from "../../src/environments/queue/types.ts";
import { emptyState, withEnded, withForgotten, withOperation } from "../../src/environments/record/changes.ts";
import { rollbackCandidates } from "../../src/environments/record/rollback-choice.ts";
import type { EnvironmentState } from "../../src/environments/record/types.ts";
import { decideRetention, keptReleases } from "../../src/environments/retention/decide.ts";
import { isEnvironmentTag } from "../../src/environments/retention/registry.ts";
import type { Retention, RetentionFacts, StoredDocument } from "../../src/environments/retention/types.ts";
import { imageTags } from "../../src/release/tags.ts";
import { environment, project, shop } from "../fakes/shop.ts";
import { at, history, live, planOf, rollBack } from "./states.ts";

const host = "one";
const repository = "registry.test/shop/web";
const versions = ["v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8"];
const keep = 2;

function digest(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}

/** Versions 1 and 2, 3 and 4 and so on have the same worker: nothing in it had changed. */
function documentOf(version: string): StoredDocument {
  const worker = `worker ${Math.ceil(Number(version.slice(1)) / 2)}`;
  const commit = shop(version).release.commit.slice(0, 7);
  const image = (name: string) => ({
    repository,
    digest: digest(`index of ${name}`),
    platforms: [digest(`manifest of ${name}`)],
    tags: [`production-main-${commit}`, `production-main-${commit}-linux-amd64`],
  });
  return {
    name: shop(version).name,
    release: `r-${version}`,
    images: [image(`web ${version}`), image(worker)],
    files: [`files-of-${version}`, "files-of-all"],
  };
}

type Box = { id: string; release: string; running: boolean; imageId: string };

/** All that Shiplock and others have, in memory. */
type World = {
  state: EnvironmentState;
  documents: Map<string, StoredDocument>;
  operations: Set<string>;
  containers: Box[];
  /** Release by tag. */
  images: Map<string, string>;
  files: Set<string>;
  /** Digest by tag, and the manifests that are there. */
  tags: Map<string, string>;
  manifests: Set<string>;
  /** What the staging environment's record names. */
  elsewhere: Set<string>;
  /** Of every version that was named the index, and what it holds. */
  versions: Map<string, readonly string[]>;
  count: number;
};

const foreign = { tag: "nightly", digest: digest("somebody else's"), container: "others", image: "postgres:17" };

function newWorld(): World {
  return {
    state: emptyState(project, environment),
    documents: new Map(),
    operations: new Set(),
    containers: [],
    images: new Map(),
    files: new Set(),
    tags: new Map([[foreign.tag, foreign.digest]]),
    manifests: new Set([foreign.digest]),
    elsewhere: new Set(),
    versions: new Map(),
    count: 0,
  };
}

/** Everything that a deployment leaves before its commit point. */
function build(world: World, version: string): void {
  const document = documentOf(version);
  world.count += 1;
  world.documents.set(document.name, document);
  world.operations.add(`d-${world.count}`);
  for (const hash of document.files) world.files.add(hash);
  for (const [index, image] of document.images.entries()) {
    for (const each of [image.digest, ...image.platforms]) world.manifests.add(each);
    // Both lie in one repository here, so each has one of the two tags.
    world.tags.set(image.tags[index] ?? "", image.digest);
  }
  world.images.set(`shiplock.local/shop-production/web:${document.release}`, document.release);
}

function deploy(world: World, version: string, kind: "deploy" | "rollback" = "deploy"): void {
  build(world, version);
  const before = world.state.live?.release ?? null;
  world.state = live(world.state, version, kind, `d-${world.count}`);
  const release = `r-${version}`;
  if (before === release) return;
  world.containers = [
    ...world.containers.filter((box) => box.release === before).map((box) => ({ ...box, running: false })),
    { id: `c-${world.count}`, release, running: true, imageId: digest(`config of ${version}`) },
  ];
}

function factsOf(world: World): RetentionFacts {
  const indexes = [...world.documents.values()].flatMap(({ images }) =>
    images.map(({ digest: index, platforms }) => ({ digest: index, manifests: platforms })),
  );
  const tagged = new Set(world.tags.values());
  return {
    state: world.state,
    keep,
    documents: [...world.documents.values()],
    operations: [...world.operations],
    hosts: [
      {
        host,
        containers: world.containers.map((box) => ({ ...box, name: box.id })),
        images: [...world.images].map(([tag, release]) => ({
          tag,
          release,
          imageId: digest(`config of ${release.slice(2)}`),
        })),
        inUse: [],
        files: [...world.files],
      },
    ],
    registry: {
      repositories: [
        {
          repository,
          tags: [...world.tags].map(([tag, named]) => ({ tag, digest: named })),
          manifests: [...world.manifests],
          indexes: indexes.filter((index) => tagged.has(index.digest)),
        },
      ],
      neededElsewhere: world.elsewhere,
      prefixes: ["production", "staging"],
    },
  };
}

/** Carries out the first steps of a prune: all of them, unless it is cut off. */
function prune(world: World, steps = Number.POSITIVE_INFINITY): Retention {
  const retention = decideRetention(factsOf(world));
  const work: (() => void)[] = [
    () => (world.state = withForgotten(world.state, retention.forgotten) ?? world.state),
    ...retention.registry.map((removal) => () => {
      world.manifests.delete(removal.digest);
      for (const [tag, named] of world.tags) if (named === removal.digest) world.tags.delete(tag);
    }),
    ...retention.hosts.flatMap(({ containers, images, files }) => [
      ...containers.map(
        ({ id }) =>
          () =>
            (world.containers = world.containers.filter((box) => box.id !== id)),
      ),
      ...images.map(
        ({ tag }) =>
          () =>
            void world.images.delete(tag),
      ),
      ...files.map((hash) => () => void world.files.delete(hash)),
    ]),
    ...retention.operations.map((id) => () => void world.operations.delete(id)),
    ...retention.documents.map((name) => () => void world.documents.delete(name)),
  ];
  for (const step of work.slice(0, steps)) step();
  return retention;
}

function isNothing({ forgotten, registry, hosts, operations, documents }: Retention): boolean {
  const onHosts = hosts.flatMap(({ containers, images, files }) => [...containers, ...images, ...files]);
  return [forgotten, registry, onHosts, operations, documents].every((list) => list.length === 0);
}

/** What has to be true at every moment, whatever happened. */
function checkAll(world: World): void {
  const { state } = world;
  const needed = [...rollbackCandidates(state), ...(state.live === null ? [] : [state.live])];
  for (const entry of needed) {
    const document = world.documents.get(entry.document);
    assert.ok(document !== undefined, `the document of ${entry.release} is gone`);
    for (const each of document.images.flatMap((image) => [image.digest, ...image.platforms]))
      assert.ok(world.manifests.has(each), `an image of ${entry.release} is gone from the registry`);
  }
  const newest = rollbackCandidates(state).slice(0, keep);
  for (const entry of [...newest, ...(state.live === null ? [] : [state.live])]) {
    assert.ok(
      [...world.images.values()].includes(entry.release),
      `the image of ${entry.release} is gone from the host`,
    );
    for (const hash of world.documents.get(entry.document)?.files ?? []) assert.ok(world.files.has(hash), hash);
  }
  const { operation } = state;
  if (operation !== null) {
    assert.ok(world.documents.has(operation.document) && world.operations.has(operation.deployment));
    assert.ok([...world.images.values()].includes(operation.release));
  }
  if (state.live !== null) {
    const from = state.deployments.find((entry) => entry.deployment === state.live?.deployment)?.from ?? null;
    assert.ok(world.containers.some((box) => box.running && box.release === state.live?.release));
    const warm = from !== null && from !== state.live.release;
    if (warm)
      assert.ok(
        world.containers.some((box) => box.release === from),
        "the warm release is cold",
      );
  }
  for (const each of [...world.elsewhere, ...[...world.versions.values()].flat(), foreign.digest])
    assert.ok(world.manifests.has(each), "another environment, a version or somebody else lost an image");
  for (const [name, [named]] of [...world.versions, [foreign.tag, [foreign.digest]] as const])
    assert.equal(world.tags.get(name), named, `${name} is gone`);
}

type Action =
  | { do: "deploy" | "fail" | "fall"; version: string }
  | { do: "rollback" | "prune" | "end" | "name" | "promote" }
  | { do: "cut"; steps: number };

const anyAction: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      do: fc.constantFrom("deploy" as const, "deploy" as const, "deploy" as const, "fail" as const, "fall" as const),
      version: fc.constantFrom(...versions),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom("rollback" as const, "prune" as const, "end" as const, "name" as const, "promote" as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("cut" as const), steps: fc.nat(12) }) },
);

function act(world: World, action: Action): void {
  const { state } = world;
  const digests = (release: string | undefined): string[] => {
    const document = [...world.documents.values()].find((one) => one.release === release);
    return (document?.images ?? []).flatMap((image) => [image.digest, ...image.platforms]);
  };
  switch (action.do) {
    case "deploy":
      if (state.operation === null) deploy(world, action.version);
      return;
    case "rollback":
      if (state.operation === null && rollbackCandidates(state).length > 0)
        deploy(world, rollBack(state).live?.release.slice(2) ?? "", "rollback");
      return;
    case "fail":
    case "fall": {
      if (state.operation !== null) return;
      build(world, action.version);
      const id = `d-${world.count}`;
      const begun = withOperation(state, planOf(action.version, "deploy", id, state), shop(action.version), 1, at);
      world.state = withEnded(begun, id, action.do === "fail" ? "rolled-back" : "failed", "it was unhealthy", at);
      return;
    }
    case "end":
      if (state.operation !== null)
        world.state = withEnded(state, state.operation.deployment, "rolled-back", "aborted", at);
      return;
    case "name": {
      const [index, manifest] = digests(state.live?.release);
      if (index === undefined || manifest === undefined) return;
      world.tags.set(`v1.${world.count}`, index);
      world.versions.set(`v1.${world.count}`, [index, manifest]);
      return;
    }
    case "promote":
      world.elsewhere = new Set([...world.elsewhere, ...digests(state.live?.release)]);
      for (const each of world.elsewhere) world.tags.set(`staging-main-${each.slice(7, 14)}`, each);
      return;
    case "prune":
      prune(world);
      return;
    case "cut":
      prune(world, action.steps);
  }
}

describe("what a prune takes away", () => {
  it("is never anything that a permitted rollback needs, or that Shiplock did not make, whatever happened before; and a second prune does nothing", () => {
    fc.assert(
      fc.property(fc.array(anyAction, { maxLength: 50, size: "max" }), (actions) => {
        const world = newWorld();
        for (const action of actions) {
          act(world, action);
          checkAll(world);
        }
        const candidates = rollbackCandidates(world.state).map(({ release }) => release);
        prune(world);
        checkAll(world);
        assert.deepEqual(
          rollbackCandidates(world.state)
            .map(({ release }) => release)
            .slice(0, keep),
          candidates.slice(0, keep),
          "as many releases can be gone back to as are kept",
        );
        assert.ok(isNothing(prune(world)), "a second prune does something");
        checkAll(world);
      }),
      { numRuns: 600 },
    );
  });

  it("is all there is of releases that are too old, once nobody else needs it", () => {
    const world = newWorld();
    for (const version of versions) deploy(world, version);
    prune(world);
    assert.deepEqual(
      world.state.healthy.map(({ release }) => release),
      ["r-v8", "r-v7", "r-v6"],
    );
    assert.equal(world.documents.size, 3);
    assert.equal(world.images.size, 3);
    assert.deepEqual(world.files, new Set(["files-of-all", "files-of-v6", "files-of-v7", "files-of-v8"]));
    const left = ["web v8", "web v7", "web v6", "worker 4", "worker 3"];
    const digests = left.flatMap((name) => [digest(`index of ${name}`), digest(`manifest of ${name}`)]);
    assert.deepEqual(world.manifests, new Set([...digests, foreign.digest]));
  });

  it("is nothing that a request which waits would make live", () => {
    const world = newWorld();
    for (const version of versions) deploy(world, version);
    const { name, release, files } = documentOf("v1");
    const ticket = { deployment: "d-9", trigger: "manual", release, document: name } as NewTicket;
    world.state = withTicket(world.state, ticket, at);
    const { kept, documents } = prune(world);
    assert.ok(kept.some((each) => each.release === release && each.why === "d-9 asks for it"));
    assert.ok(!documents.includes(name) && world.documents.has(name));
    assert.ok(world.manifests.has(digest("index of web v1")) && world.files.has(files[0] ?? ""));
    world.state = { ...world.state, tickets: [] };
    prune(world);
    assert.ok(!world.documents.has(name) && !world.manifests.has(digest("index of web v1")));
  });

  it("leaves a version's image, and takes the others of that release", () => {
    const world = newWorld();
    deploy(world, "v1");
    act(world, { do: "name" });
    for (const version of ["v3", "v5", "v7"]) deploy(world, version);
    const retention = prune(world);
    assert.deepEqual(retention.forgotten, ["r-v1"]);
    assert.ok(world.manifests.has(digest("index of web v1")) && !world.manifests.has(digest("index of worker 1")));
    assert.ok(world.manifests.has(digest("manifest of web v1")), "an index keeps what it holds");
    assert.match(retention.stays.join("\n"), /which is v1\.1 as well/);
  });

  it("takes an image that is named after another environment as soon as that one's record does not name it", () => {
    const world = newWorld();
    deploy(world, "v1");
    act(world, { do: "promote" });
    for (const version of ["v3", "v5", "v7"]) deploy(world, version);
    prune(world);
    assert.ok(world.manifests.has(digest("index of web v1")));
    world.elsewhere = new Set();
    world.documents.set(documentOf("v1").name, documentOf("v1"));
    prune(world);
    assert.ok(!world.manifests.has(digest("index of web v1")));
  });

  it("leaves the registry alone where another environment cannot be asked, and finishes when it can", () => {
    const world = newWorld();
    for (const version of versions) deploy(world, version);
    const retention = decideRetention({
      ...factsOf(world),
      registry: { leftAlone: "everything, because staging is silent" },
    });
    assert.deepEqual([retention.registry, retention.documents], [[], []]);
    assert.ok(retention.forgotten.length > 0 && retention.stays.includes("everything, because staging is silent"));
    world.state = withForgotten(world.state, retention.forgotten) ?? world.state;
    assert.equal(prune(world).registry.length > 0, true);
    assert.equal(world.documents.size, 3);
  });

  it("leaves files and registry alone where the document of a release that stays is lost", () => {
    const world = newWorld();
    for (const version of versions) deploy(world, version);
    world.documents.delete(shop("v7").name);
    const retention = decideRetention(factsOf(world));
    assert.deepEqual([retention.registry, retention.hosts[0]?.files, retention.documents], [[], [], []]);
    assert.match(retention.stays.join("\n"), /document of r-v7/);
  });

  it("is no container while a deployment was never ended, and never one that runs", () => {
    const world = newWorld();
    for (const version of versions) deploy(world, version);
    const old = { id: "old", release: "r-v1", running: false, imageId: "sha256:old" };
    world.containers.push(old);
    assert.deepEqual(
      decideRetention(factsOf(world)).hosts[0]?.containers.map(({ id }) => id),
      ["old"],
    );
    act(world, { do: "fall", version: "v2" });
    assert.deepEqual(decideRetention(factsOf(world)).hosts[0]?.containers, []);
    act(world, { do: "end" });
    old.running = true;
    const retention = decideRetention(factsOf(world));
    assert.deepEqual(retention.hosts[0]?.containers, []);
    assert.ok(retention.kept.some(({ release, why }) => release === "r-v1" && why === "it runs on one"));
  });

  it("is no image that a container of somebody else has", () => {
    const world = newWorld();
    for (const version of versions) deploy(world, version);
    const facts = factsOf(world);
    const [first] = facts.hosts;
    assert.ok(first !== undefined);
    const inUse = [digest("config of v1")];
    const retention = decideRetention({ ...facts, hosts: [{ ...first, inUse }] });
    assert.ok(!retention.hosts[0]?.images.some(({ release }) => release === "r-v1"));
    assert.match(retention.stays.join("\n"), /web:r-v1 on one, because a container has it/);
  });
});

describe("the releases that stay", () => {
  it("are the live one and the newest that a rollback may choose, each with its reason", () => {
    const back = rollBack(history("v1", "v2", "v3", "v4", "v5"));
    assert.deepEqual(
      [...keptReleases(back, 2)],
      [
        ["r-v4", "live"],
        ["r-v3", "a rollback may go there"],
        ["r-v2", "a rollback may go there"],
      ],
    );
  });

  it("count what a host was left with", () => {
    const state: EnvironmentState = { ...history(...versions), behind: [{ host: "two", since: at, release: "r-v1" }] };
    assert.equal(keptReleases(state, 1).get("r-v1"), "two was left with it");
  });
});

describe("the tag of an environment", () => {
  it("is known by its form, with every length of the hash, a working tree's mark and a platform", () => {
    const commit = shop("v1").release.commit;
    fc.assert(
      fc.property(
        fc.option(fc.string({ minLength: 1, maxLength: 60 })),
        fc.constantFrom("", "-dirty"),
        (ref, suffix) => {
          for (const tag of imageTags("prod", ref, commit, suffix))
            for (const platform of ["", "-linux-amd64", "-linux-arm-v7"])
              assert.ok(isEnvironmentTag(tag + platform, ["prod"]), tag);
        },
      ),
    );
  });

  it("is none of a version, of somebody else or of an environment that is not configured", () => {
    for (const other of [
      "v1.2.0",
      "latest",
      "nightly",
      "eu-main-abc1234",
      "prod",
      "prod-main",
      "prod-main-abc123",
      "production",
    ])
      assert.equal(isEnvironmentTag(other, ["prod"]), false, other);
  });
});
