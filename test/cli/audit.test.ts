import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { rememberHead } from "../../src/cli/audit-memory.ts";
import { stateRules } from "../../src/deploy/states.ts";
import { segmentLength } from "../../src/environments/audit/chain.ts";
import type { AuditEntry, AuditHead } from "../../src/environments/audit/types.ts";
import { openLedger } from "../../src/ledger/open.ts";
import { type HomeHost, openHomeHost } from "./home-host.ts";

const entries = segmentLength + 3;

describe("shiplock audit, while a host that is not the home is down", () => {
  let home: HomeHost;
  before(async () => {
    home = openHomeHost();
    const by = { name: "ada", aliases: [], source: "local" } as const;
    for (let count = 1; count <= entries; count += 1)
      await home.change("ada", (state) => ({
        ...state,
        hold: { by, since: "2026-11-20", until: null, reason: `reason ${count}`, takenFrom: null },
      }));
  });
  after(() => home.remove());

  async function documentOf(
    ...argv: string[]
  ): Promise<Record<string, unknown> & { entries: AuditEntry[]; head: AuditHead }> {
    return JSON.parse((await home.shiplock("ada", "audit", "production", "--json", ...argv)).stdout);
  }

  it("shows who did what, when and from where, the newest at the end", async () => {
    const { exit, stdout } = await home.shiplock("ada", "audit", "production", "--limit", "2");
    assert.equal(exit, 0);
    const lines = stdout.trim().split("\n");
    assert.equal(lines.length, 2);
    assert.match(
      lines[1] ?? "",
      /^ +35 {2}2026-11-20T10:00:00.000Z {2}ada from a laptop {2}held: reason reason 35; was ada$/,
    );
    assert.deepEqual(
      (await documentOf("--limit", "3")).entries.map(({ sequence }) => sequence),
      [33, 34, 35],
    );
    assert.equal((await documentOf("--since", "2026-11-20")).entries.length, entries);
    assert.equal((await documentOf("--since", "2026-11-21")).entries.length, 0);
  });

  it("a log that nobody touched is whole, also by an end that somebody remembers", async () => {
    const { head } = await documentOf();
    const said = await home.shiplock("ada", "audit", "production", "--verify", "--head", head.hash.slice(0, 16));
    assert.deepEqual([said.exit, said.stderr], [0, ""]);
    assert.match(said.stdout, /the audit log is whole: 35 entries, head [0-9a-f]{16}; it fits 1 end of it/);
  });

  it("a changed line and a removed one are found with exit 1, and which it is", async () => {
    const file = join(home.folder, "audit", "000001.jsonl");
    const text = readFileSync(file, "utf8");
    const lines = text.split("\n");
    for (const [tampered, line, says] of [
      [text.replace('"reason 7"', '"reason 8"'), 7, /it was changed/],
      [lines.toSpliced(11, 1).join("\n"), 12, /entry 13 stands where entry 12 should/],
      [lines.toSpliced(20, 0, lines[3] ?? "").join("\n"), 21, /entry 4 stands where entry 21 should/],
    ] as const) {
      writeFileSync(file, tampered);
      const said = await home.shiplock("ada", "audit", "production", "--verify");
      assert.equal(said.exit, 1);
      assert.match(said.stdout, new RegExp(`the audit log was changed: line ${line}: `));
      assert.match(said.stdout, says);
      assert.match(said.stdout, /what to do: /);
    }
    writeFileSync(file, text);
    assert.equal((await home.shiplock("ada", "audit", "production", "--verify")).exit, 0);
  });

  it("a log that was written anew fits itself, and is found by what this machine remembers of its deployments", async () => {
    const ledger = await openLedger({ path: home.ledger, states: stateRules });
    const { head } = await documentOf();
    await ledger.openDeployment({
      ...{ id: "d-1", project: "shop", environment: "production", kind: "deploy", release: "r-v1", fromRelease: null },
      ...{ state: "queued", who: "ada", why: null, origin: "laptop", commit: "c", ref: null, createdAt: 1 },
    });
    await rememberHead(ledger, "d-1", head);
    await rememberHead(ledger, "d-unknown", head);
    await ledger.close();
    assert.equal((await home.shiplock("ada", "audit", "production", "--verify")).exit, 0);

    const anew = openHomeHost();
    for (let count = 0; count < entries; count += 1)
      await anew.change("eve", (state) => ({
        ...state,
        automaticPaused: { since: "", by: "eve", reason: `${count}` },
      }));
    for (const part of ["audit", "record"]) {
      rmSync(join(home.folder, part), { recursive: true });
      const { cpSync } = await import("node:fs");
      cpSync(join(anew.folder, part), join(home.folder, part), { recursive: true });
    }
    anew.remove();
    const said = await home.shiplock("ada", "audit", "production", "--verify");
    assert.equal(said.exit, 1);
    assert.match(
      said.stdout,
      /the audit log was written anew: it fits itself, but does not hold the end .* of this machine's d-1/,
    );
  });

  it("an end and a time that are none are refused before anything is connected to", async () => {
    for (const [argv, code] of [
      [["--head", "abc"], "audit/head"],
      [["--since", "yesterday"], "audit/since"],
    ] as const) {
      const said = await home.shiplock("ada", "audit", "production", ...argv);
      assert.equal(said.exit, 2);
      assert.match(said.stderr, new RegExp(`\\[${code}\\]`));
    }
  });
});
