import { messageOf, ShiplockError } from "../../src/errors.ts";
import { labAvailability } from "../../test/lab/availability.ts";
import { lookAtMachineOnce } from "../../test/lab/images/machine.ts";
import { startLab, stopLab } from "../../test/lab/lab.ts";
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
    await lookAtMachineOnce();
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

/** Ends the labs that tests of this run left behind; their images stay cached. Labs of other runs, and of people, are left alone. */
export async function stopLeftLabs(run: string, say: (line: string) => void, root = labRoot()): Promise<boolean> {
  let allEnded = true;
  for (const { name } of allRecords(root).filter((record) => record.run === run)) {
    try {
      if (await stopLab({ name, root })) say(`lab "${name}" is stopped`);
    } catch (error) {
      allEnded = false;
      say(`lab "${name}" could not be stopped: ${messageOf(error)}`);
    }
  }
  return allEnded;
}
