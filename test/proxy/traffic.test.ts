import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Assignment } from "../../src/deploy/types.ts";
import { createFakeFiles, makeFolders } from "../../src/hosts/fake-files.ts";
import { canonical, caddyTraffic, sameAssignment } from "../../src/proxy/caddy/traffic.ts";

const folder = "/home/deploy/proxy";

const assignmentArbitrary: fc.Arbitrary<Assignment> = fc.dictionary(
  fc.constantFrom("web", "api", "admin"),
  fc.uniqueArray(
    fc.record({
      slot: fc.constantFrom("a" as const, "b" as const, "c" as const),
      replica: fc.integer({ min: 1, max: 3 }),
      weight: fc.nat(4),
    }),
    {
      selector: ({ slot, replica }) => `${slot}${replica}`,
      maxLength: 4,
    },
  ),
);

function open() {
  const disk = makeFolders(new Map(), folder);
  const files = createFakeFiles({
    host: "one",
    home: "/home/deploy",
    root: "/home/deploy",
    uid: 1,
    gid: 1,
    disk,
    now: () => 0,
  });
  const upstreams = [
    { address: "shop-web-a-1:3000", num_requests: 2 },
    { address: "shop-web-a-11:3000", num_requests: 5 },
    { address: "web-a:3000", num_requests: 1 },
  ];
  const traffic = caddyTraffic({
    files,
    folder,
    upstreams: async () => async () => upstreams,
    names: (replica) => [
      `shop-${replica.service}-${replica.place}-${replica.replica}`,
      `${replica.service}-${replica.place}`,
    ],
  });
  return { disk, files, traffic };
}

describe("traffic of an environment", () => {
  it("whatever was assigned is what is in place, and stays when it is assigned again", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(assignmentArbitrary, { minLength: 1, maxLength: 4 }), async (assignments) => {
        const { traffic } = open();
        for (const assignment of assignments) {
          await traffic.assign(assignment);
          await traffic.assign(assignment);
          assert.ok(sameAssignment(await traffic.current(), assignment));
        }
      }),
      { numRuns: 40 },
    );
  });

  it("every request finds a replica of the assignment, whichever bucket it falls into", async () => {
    await fc.assert(
      fc.asyncProperty(assignmentArbitrary, async (assignment) => {
        const { files, traffic } = open();
        await traffic.assign(assignment);
        for (const [service, shares] of Object.entries(assignment)) {
          const weighty = shares.filter((share) => share.weight > 0);
          const allowed = new Set(weighty.map((share) => `/sockets/${service}-${share.slot}-${share.replica}.sock`));
          const names =
            (await files.list(`${folder}/live/${service}`))
              ?.filter((entry) => entry.kind === "symlink")
              .map((entry) => entry.name) ?? [];
          assert.equal(names.length, weighty.length === 0 ? 0 : 256);
          for (const name of names)
            assert.ok(allowed.has((await files.readlink(`${folder}/live/${service}/${name}`)) ?? ""));
        }
      }),
      { numRuns: 20 },
    );
  });

  it("nothing is in place before the first assignment", async () => {
    assert.deepEqual(await open().traffic.current(), {});
  });

  it("a folder that somebody changed by hand is not guessed at: a person is told", async () => {
    const { files, traffic } = open();
    await files.symlinkAtomic("sets/mine", `${folder}/live`);
    await assert.rejects(traffic.current(), { code: "proxy/assignment-unreadable", blame: "person" });
  });

  it("requests in flight are counted for the replica itself and for the name of its slot, not for one whose name begins alike", async () => {
    const { traffic } = open();
    const inFlight = await traffic.counter();
    assert.deepEqual(
      await inFlight([
        { service: "web", place: "a", replica: 1 },
        { service: "api", place: "a", replica: 1 },
      ]),
      [3, 0],
    );
  });

  it("the same assignment has the same text, whatever order it was written in", () => {
    assert.equal(
      canonical({ web: [{ slot: "a", replica: 1, weight: 1 }], api: [] }),
      canonical({ api: [], web: [{ weight: 1, replica: 1, slot: "a" }] }),
    );
  });
});
