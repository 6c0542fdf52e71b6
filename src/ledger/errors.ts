import { ShiplockError } from "../errors.ts";

/** Something else is recorded under the same key. */
export function conflict(what: string): ShiplockError {
  return new ShiplockError({
    code: "ledger/conflict",
    message: `The ledger already holds another ${what}.`,
    blame: "bug",
    remedy: "Nothing was changed. What was recorded first stays; look at it with `shiplock history`.",
  });
}

/** Nothing was opened under this deployment id. */
export function unknownDeployment(id: string): ShiplockError {
  return new ShiplockError({
    code: "ledger/unknown-deployment",
    message: `The ledger has no deployment ${JSON.stringify(id)}.`,
    blame: "usage",
    remedy: "`shiplock history` lists those it has. Another machine's deployments are in that machine's ledger.",
  });
}

/** The transition table forbids the step from one state to the other. */
export function transitionRefused(deployment: string, from: string, to: string): ShiplockError {
  return new ShiplockError({
    code: "ledger/transition-refused",
    message: `Deployment ${deployment} is ${from} and cannot become ${to}.`,
    remedy: "Someone else may have ended it meanwhile: see `shiplock status` and `shiplock history`.",
  });
}

/** Several releases begin with what was asked for. */
export function ambiguousRelease(prefix: string, ids: readonly string[]): ShiplockError {
  return new ShiplockError({
    code: "ledger/ambiguous-release",
    message: `Several releases begin with ${JSON.stringify(prefix)}.`,
    blame: "usage",
    remedy: "Give more of the id.",
    details: ids,
  });
}

/** Nothing was recorded under this release id. */
export function unknownRelease(id: string): ShiplockError {
  return new ShiplockError({
    code: "ledger/unknown-release",
    message: `The ledger has no release ${JSON.stringify(id)}.`,
    blame: "bug",
    remedy: "Another machine's releases are in that machine's ledger.",
  });
}

/** More bytes than the ledger keeps of one document. */
export function attachmentTooLarge(kind: string, image: string, size: number, most: number): ShiplockError {
  return new ShiplockError({
    code: "ledger/attachment-too-large",
    message: `The ${kind} of the image ${JSON.stringify(image)} has ${size} bytes; the ledger keeps ${most} at most.`,
    remedy: "Nothing was kept of it.",
  });
}

/** A value that JSON cannot carry. */
export function notJson(what: string, cause?: unknown): ShiplockError {
  return new ShiplockError({
    code: "ledger/not-json",
    message: `The ${what} is no JSON value and cannot be recorded.`,
    blame: "bug",
    cause,
  });
}

/** A page that nobody can fill. */
export function badLimit(limit: number): ShiplockError {
  return new ShiplockError({
    code: "ledger/bad-limit",
    message: `A page of the ledger has 1 to 1000 entries, not ${limit}.`,
    blame: "usage",
    remedy: "Ask for fewer, and for the next page with the last entry's id.",
  });
}

/** A backup never replaces a file. */
export function backupExists(path: string): ShiplockError {
  return new ShiplockError({
    code: "ledger/backup-exists",
    message: "There is a file already where the backup should go.",
    blame: "usage",
    where: path,
    remedy: "Choose another name, or remove the file first.",
  });
}

/** The file was written by a Shiplock whose schema this one does not know. */
export function newerSchema(path: string, found: number, known: number): ShiplockError {
  return new ShiplockError({
    code: "ledger/newer-schema",
    message: `The ledger was written by a newer Shiplock (schema ${found}; this one knows up to ${known}).`,
    blame: "usage",
    where: path,
    remedy: "Update Shiplock on this machine, or name another ledger with SHIPLOCK_LEDGER. Nothing was changed.",
  });
}
