import { messageOf, ShiplockError } from "../../src/errors.ts";
import { labAvailability } from "../../test/lab/availability.ts";
import { findLab, startLab, stopLab } from "../../test/lab/lab.ts";
import { ensurePrerequisites } from "../../test/lab/prerequisites.ts";
import { allRecords, labRoot } from "../../test/lab/record.ts";

/**
 * Installs what hosts in a box need. Null when they can be brought up here, otherwise why not; in CI that is said as an error
 * by `labAvailability`.
 */
export async function prepareLabs(say: (line: string) => void): Promise<string | null> {
  try {
    const availability = labAvailability();
    if (!availability.available) return availability.reason;
    await ensurePrerequisites({ log: say, root: labRoot() });
    return null;
  } catch (error) {
    return error instanceof ShiplockError ? `${error.message} ${error.remedy ?? ""}`.trim() : messageOf(error);
  }
}

/** A real engine for the contract tests of hosts, which are told its socket by SHIPLOCK_TEST_ENGINE. */
export async function lendEngine(say: (line: string) => void): Promise<{ socketPath: string; end(): Promise<void> }> {
  const name = "contracts";
  const lab = await startLab({ name, hosts: 1, log: say });
  return {
    socketPath: lab.runnerSocket,
    end: async () => {
      await stopLab({ name });
    },
  };
}

/** Names of the labs that are up. */
export function labsUp(): string[] {
  return allRecords()
    .map((record) => record.name)
    .filter((name) => findLab({ name }) !== undefined);
}

/** What tells the labs of this run from those of another one on the same machine. */
const suffix = process.env["SHIPLOCK_E2E_LAB"] ?? "";

/** Ends the labs that tests left behind; their images stay cached. Those in `keep` were somebody else's before, as are those without the suffix of this run. */
export async function stopLeftLabs(keep: readonly string[], say: (line: string) => void): Promise<boolean> {
  let allEnded = true;
  for (const name of labsUp().filter((up) => up.endsWith(suffix) && !keep.includes(up))) {
    try {
      await stopLab({ name });
      say(`lab "${name}" is stopped`);
    } catch (error) {
      allEnded = false;
      say(`lab "${name}" could not be stopped: ${messageOf(error)}`);
    }
  }
  return allEnded;
}
