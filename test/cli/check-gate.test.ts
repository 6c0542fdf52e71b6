import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { demandChecks } from "../../src/cli/check-gate.ts";
import type { Flags } from "../../src/cli/commands/table.ts";
import type { CommandContext } from "../../src/cli/context.ts";
import { createOutput } from "../../src/cli/output.ts";
import type { CheckedOutCommit } from "../../src/cli/release-source.ts";
import { load, VALID } from "../config/example.ts";

describe("the checks that have to pass before anything is built", () => {
  let folder = "";
  let said = "";
  let context: CommandContext;
  let source: CheckedOutCommit;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "shiplock-check-gate-"));
    const stream = { write: (text: string) => (said += text) };
    const output = createOutput({ json: undefined, stdout: stream, stderr: stream, environment: {} });
    const env = { SHIPLOCK_LEDGER: join(folder, "ledger.db") };
    context = { options: {}, cwd: folder, env, output, signal: new AbortController().signal, commandLine: "" };
    source = {
      commit: {
        hash: "c".repeat(40),
        time: "2026-11-20T10:00:00Z",
        subject: "a hotfix",
        ref: "main",
        refKind: "branch",
      },
      ...{ dirty: false, leftOut: 0, root: folder, folder, remove: async () => undefined },
      config: load(`${VALID}checks: { lint: { process: true, run: "false" } }\n`),
    };
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const demand = (flags: Flags, mayPass: boolean) => demandChecks(context, source, flags, async () => null, mayPass);

  it("an emergency passes them where the environment lets it, says so, and what they said goes on to the review", async () => {
    const { passed, gates } = await demand({ emergency: true }, true);
    assert.deepEqual([passed?.passed, passed?.missing], [[], ["lint"]], "the release says of itself that none passed");
    assert.deepEqual(
      gates.map(({ gate, answer }) => [gate, answer]),
      [["checks", "block"]],
    );
    assert.match(gates[0]?.reason ?? "", /nothing is known about lint/);
    assert.match(said, /checks passed over as an emergency: .*nothing is known about lint/);
  });

  it("without the environment's leave, or without an emergency, nothing is built", async () => {
    await assert.rejects(demand({ emergency: true }, false), { code: "gate/checks", blame: "gate" });
    await assert.rejects(demand({}, true), { code: "gate/checks" });
  });
});
