import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import type { LabHost } from "../../lab/host.ts";
import { type CommandResult, errorOf, type ToldError } from "./command.ts";
import { lookAt } from "./observe.ts";
import type { Project } from "./project.ts";

export type Refusal = { exit: number; code: string; says: RegExp; remedy: RegExp; where?: RegExp };

/** Asserts that a command with `--json` was refused in the way a person can act on: exit code, stable code, sentence, remedy. Returns the error. */
export function assertRefused(result: CommandResult, expected: Refusal): ToldError {
  const said = `${result.stdout}\n${result.stderr}`;
  assert.ok(result.code !== 0, `it was not refused:\n${said}`);
  const error = errorOf(result);
  assert.equal(error.code, expected.code, said);
  assert.equal(result.code, expected.exit, said);
  assert.match(error.message, expected.says, said);
  assert.match(error.remedy ?? "(no remedy)", expected.remedy, said);
  if (expected.where !== undefined) assert.match(error.where ?? "(no place)", expected.where, said);
  return error;
}

/**
 * Does something that must change nothing: neither a container, volume, network, route or the traffic of the host, nor what is recorded as live, nor what users
 * see; and the command leaves no temporary file.
 * @param version what staging answers before and after; null where nothing is live there
 */
export async function changesNothing<T>(
  project: Project,
  host: LabHost,
  version: string | null,
  work: () => Promise<T>,
): Promise<T> {
  const before = await lookAt(host);
  const live = project.state(host)?.live ?? null;
  const result = await work();
  assert.deepEqual(await lookAt(host), before);
  const state = project.state(host);
  assert.deepEqual(state?.live ?? null, live, "what is recorded as live changed");
  assert.equal(state?.operation ?? null, null, "an operation was left open");
  if (version !== null) assert.equal((await project.curl(host)).version, version);
  assert.deepEqual(readdirSync(project.temporary), [], "temporary files were left");
  return result;
}
