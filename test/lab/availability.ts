import { ShiplockError } from "../../src/errors.ts";
import { canInstall } from "./apt.ts";
import { missingPrerequisites } from "./prerequisites.ts";

export type LabAvailability = { available: true } | { available: false; reason: string };

/**
 * Whether the lab can run on this machine: root on Linux, with what it needs installed or installable. In CI (`CI` is
 * set) it has to be: a reason against it is thrown there as an error, so that no test is left out unseen.
 */
export function labAvailability(env: NodeJS.ProcessEnv = process.env): LabAvailability {
  const reason = reasonAgainst(env);
  if (reason === undefined) return { available: true };
  if (env["CI"] === undefined || env["CI"] === "" || env["CI"] === "false") return { available: false, reason };
  throw new ShiplockError({
    code: "lab-unavailable",
    message: `in CI the tests on hosts in a box may not be missing: ${reason}`,
    remedy: "Run them as root on Debian or Ubuntu.",
  });
}

function reasonAgainst(env: NodeJS.ProcessEnv): string | undefined {
  if (process.platform !== "linux") return `hosts in a box need Linux, this is ${process.platform}`;
  if (process.getuid?.() !== 0) return "hosts in a box need root (namespaces, network)";
  const missing = missingPrerequisites(env);
  if (missing.length > 0 && !canInstall()) return `missing here, and not Debian or Ubuntu: ${missing.join(", ")}`;
  return undefined;
}
