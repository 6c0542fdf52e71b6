import { ShiplockError } from "../errors.ts";

/** The connection to a host is gone; whether the call had an effect is open. */
export function hostLostError(host: string, reason: string): ShiplockError {
  return new ShiplockError({
    code: "host/lost",
    message: `The connection to ${host} was lost: ${reason}`,
    where: host,
    remedy: "Check that the host is up and reachable, then run `shiplock resume` or `shiplock abort`.",
  });
}

/** A call was given up because its caller asked for that. */
export function cancelledError(host: string, cause?: unknown): ShiplockError {
  return new ShiplockError({
    code: "host/cancelled",
    message: `Cancelled while working on ${host}`,
    where: host,
    cause,
  });
}

/** A call had no answer in time; whether it had an effect is open. */
export function timeoutError(host: string, what: string, timeoutMs: number): ShiplockError {
  return new ShiplockError({
    code: "host/timeout",
    message: `${what} on ${host} had no answer within ${timeoutMs} ms`,
    where: host,
    remedy: "Check the load and the disk of the host, then run the command again.",
  });
}

export type FileProblem = "file-missing" | "permission-denied" | "no-space" | "exists" | "file-failed" | "outside-root";

const FILE_PROBLEMS: Record<FileProblem, { sentence: string; remedy?: string }> = {
  "file-missing": { sentence: "is missing, or a folder above it is" },
  "permission-denied": {
    sentence: "may not be touched by the user of this connection",
    remedy: "Give the user of the SSH connection the right to that folder, or choose another root folder for Shiplock.",
  },
  "no-space": {
    sentence: "cannot be written: the disk of the host is full",
    remedy: "Free room on the host, then run the command again.",
  },
  exists: { sentence: "exists already and is something else" },
  "file-failed": { sentence: "could not be worked on" },
  "outside-root": { sentence: "lies outside of Shiplock's folder and is not removed" },
};

/** An error about one path of a host, with code `host/<problem>`. */
export function fileError(
  host: string,
  problem: FileProblem,
  action: string,
  path: string,
  detail = "",
): ShiplockError {
  const { sentence, remedy } = FILE_PROBLEMS[problem];
  return new ShiplockError({
    code: `host/${problem}`,
    message: `${action}: ${path} on ${host} ${sentence}${detail === "" ? "" : ` (${detail})`}`,
    where: `${host}:${path}`,
    ...(remedy === undefined ? {} : { remedy }),
  });
}
