import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { auditedRecord } from "../../../src/environments/audit/audited-record.ts";
import { beginning, parseLine, segmentLength, verifyChain } from "../../../src/environments/audit/chain.ts";
import { auditSecrets, type SecretsRead } from "../../../src/environments/audit/secrets.ts";
import type { AuditLog } from "../../../src/environments/audit/types.ts";
import { changeRequests } from "../../../src/environments/record/change-state.ts";
import { emptyState } from "../../../src/environments/record/changes.ts";
import type { EnvironmentRecord, EnvironmentState } from "../../../src/environments/record/types.ts";
import { createFakeFiles, makeFolders } from "../../../src/hosts/fake-files.ts";
import type { HostFiles } from "../../../src/hosts/types.ts";
import { folderAudit } from "../../../src/targets/folder-audit.ts";
import { folderRecord } from "../../../src/targets/folder-record.ts";

const whose = { project: "shop", environment: "production" };
const folder = "/home/deploy/.shiplock/environments/shop-production";
const start = beginning(whose.project, whose.environment);

type Machine = { record: EnvironmentRecord; audit: AuditLog };

/** One home host, and machines that work on it. `fails` says which write of a file of the log does not happen. */
function newHost(fails: (path: string) => boolean = () => false) {
  const disk = makeFolders(new Map(), "/home/deploy");
  const real = createFakeFiles({
    ...{ host: "one", home: "/home/deploy", root: "/home/deploy/.shiplock", uid: 1, gid: 1, disk, now: () => 0 },
  });
  const files: HostFiles = {
    ...real,
    write: async (path, data, options) => {
      if (fails(path)) throw new Error("the connection is gone");
      await real.write(path, data, options);
    },
  };
  function machine(who = "ada", reads: readonly SecretsRead[] = []): Machine {
    const entered = new Map<string, Set<string>>();
    return auditedRecord(
      folderRecord(files, folder),
      folderAudit(files, folder),
      whose,
      {
        who: async () => ({ name: who, aliases: [], source: "local" }),
        from: `${who}'s laptop`,
        mask: (text) => text.replaceAll("s3cret", "***"),
        remarks: () => auditSecrets(reads, entered),
      },
      { now: () => new Date("2026-11-20T10:00:00Z") },
    );
  }
  return { files: real, machine };
}

function held(reason: string): (state: EnvironmentState) => EnvironmentState {
  const by = { name: "ada", aliases: [], source: "local" } as const;
  return (state) => ({ ...state, hold: { by, since: "", until: null, reason, takenFrom: null } });
}

async function hold({ record }: Machine, reason: string): Promise<void> {
  await changeRequests(record, whose, held(reason));
}

async function wholeLog({ audit }: Machine): Promise<string[]> {
  const { head, first, lines } = await audit.read();
  assert.equal(first, 1);
  assert.equal(verifyChain(lines, head, start), null);
  return lines.map((line) => String(parseLine(line)?.details["reason"]));
}

describe("the audit log of an environment", () => {
  it("has who did what, from where and when, in the same write as the change itself", async () => {
    const { machine } = newHost();
    await hold(machine("grace"), "the demo");
    const { head, lines } = await machine().audit.read();
    const entry = parseLine(lines[0] ?? "");
    assert.deepEqual(
      [entry?.sequence, entry?.who.name, entry?.who.source, entry?.from, entry?.action, entry?.at],
      [1, "grace", "local", "grace's laptop", "held", "2026-11-20T10:00:00.000Z"],
    );
    assert.deepEqual([head.sequence, head.hash, lines.length], [1, entry?.hash, 1]);
  });

  it("of many who write at once each has its entry, once, and the log has no branches", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 6 }), fc.integer({ min: 1, max: 20 }), async (machines, each) => {
        const { machine } = newHost();
        const all = Array.from({ length: machines }, (_, index) => machine(`m${index}`));
        const reasons = all.flatMap((_, index) => Array.from({ length: each }, (__, count) => `${index}/${count}`));
        await Promise.all(
          all.map(async (one, index) => {
            for (let count = 0; count < each; count += 1) await hold(one, `${index}/${count}`);
          }),
        );
        assert.deepEqual((await wholeLog(machine())).sort(), reasons.sort());
      }),
      { numRuns: 15 },
    );
  });

  it("older entries lie in files, and the record itself stays small", async () => {
    const { files, machine } = newHost();
    const one = machine();
    for (let count = 0; count < 3 * segmentLength; count += 1) await hold(one, String(count));
    const names = (await files.list(`${folder}/audit`))?.map(({ name, mode }) => [name, mode]);
    assert.deepEqual(names, [
      ["000001.jsonl", 0o600],
      ["000002.jsonl", 0o600],
    ]);
    assert.equal((await one.record.read())?.state.audit.recent.length, segmentLength);
    assert.deepEqual(
      await wholeLog(machine("grace")),
      Array.from({ length: 3 * segmentLength }, (_, count) => String(count)),
    );
    const newest = await one.audit.read(5);
    assert.deepEqual([newest.first, newest.lines.length], [2 * segmentLength + 1, segmentLength]);
  });

  it("a connection that goes while entries get their file loses none and doubles none: the next writer does it again", async () => {
    let cut = false;
    const { machine } = newHost((path) => cut && path.includes("/audit/"));
    for (let count = 0; count < segmentLength; count += 1) await hold(machine(), String(count));
    cut = true;
    await assert.rejects(hold(machine(), "lost"), /the connection is gone/);
    assert.equal((await wholeLog(machine())).length, segmentLength);
    cut = false;
    await hold(machine("grace"), "after");
    assert.deepEqual((await wholeLog(machine())).slice(-2), [String(segmentLength - 1), "after"]);
  });

  it("secrets that were read stand in it by name, with the change they were read for, and no value stands in it", async () => {
    const { machine } = newHost();
    const one = machine("ada", [
      { names: ["TOKEN"], provider: "environment" },
      { names: ["DATABASE_URL", "TOKEN"], provider: "environment" },
    ]);
    assert.equal(await one.record.swap(3, emptyState("shop", "production")), false, "somebody was faster");
    await hold(one, "because of s3cret");
    await hold(one, "again");
    const entries = (await one.audit.read()).lines.map((line) => parseLine(line));
    assert.deepEqual(
      entries.map((entry) => [entry?.action, entry?.details["names"] ?? entry?.details["reason"]]),
      [
        ["secrets-read", ["DATABASE_URL", "TOKEN"]],
        ["held", "because of ***"],
        ["held", "again"],
      ],
    );
  });

  it("whoever writes a state with a log of its own making changes nothing about the log", async () => {
    const { machine } = newHost();
    const one = machine();
    await hold(one, "first");
    await changeRequests(one.record, whose, (state) => ({
      ...held("second")(state),
      audit: { sequence: 0, hash: "", recent: [] },
    }));
    assert.deepEqual(await wholeLog(machine()), ["first", "second"]);
  });

  it("an environment from before there was a log begins it with its next change", async () => {
    const { files, machine } = newHost();
    const { audit: _, ...before } = emptyState("shop", "production");
    await files.createExclusive(`${folder}/record/00000001.json`, JSON.stringify({ revision: 1, state: before }), {
      folders: 0o700,
    });
    await hold(machine(), "first");
    assert.deepEqual(await wholeLog(machine()), ["first"]);
  });

  it("a removed file and a changed line in one are found", async () => {
    const { files, machine } = newHost();
    const one = machine();
    for (let count = 0; count < segmentLength + 2; count += 1) await hold(one, String(count));
    const path = `${folder}/audit/000001.jsonl`;
    const text = new TextDecoder().decode((await files.read(path)) ?? new Uint8Array());
    await files.write(path, text.replace('"reason":"7"', '"reason":"8"'));
    const changed = await machine().audit.read();
    assert.equal(verifyChain(changed.lines, changed.head, start)?.line, 8);
    await files.remove(path);
    const removed = await machine().audit.read();
    assert.deepEqual(verifyChain(removed.lines, removed.head, start), {
      line: 1,
      problem: `entry ${segmentLength + 1} stands where entry 1 should`,
    });
  });
});
