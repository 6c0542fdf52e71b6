import { type Blame, ShiplockError } from "../../errors.ts";

export type RegistryErrorCode =
  | "registry/unauthorized"
  | "registry/denied"
  | "registry/not-found"
  | "registry/unavailable"
  | "registry/rate-limited"
  | "registry/bad-answer"
  | "registry/delete-unsupported"
  | "registry/bad-reference";

const CATALOGUE: Readonly<Record<RegistryErrorCode, { blame: Blame; sentence: string; remedy: string }>> = {
  "registry/unauthorized": {
    blame: "usage",
    sentence: "The registry does not accept the login",
    remedy:
      "Check user name and password or token (`docker login` on this machine, or the registry's login in shiplock.yml); one that has expired has to be had anew.",
  },
  "registry/denied": {
    blame: "usage",
    sentence: "The registry refuses this login what was asked for",
    remedy: "Check the repository's name, and that the login may read it (and write it, for a push or a tag).",
  },
  "registry/not-found": {
    blame: "failed",
    sentence: "The registry does not have what was asked for",
    remedy: "Check the name, or build the release again if its image was removed.",
  },
  "registry/unavailable": {
    blame: "failed",
    sentence: "The registry cannot be reached or does not work",
    remedy: "Check the registry's name and the network, then try again. Nothing was changed.",
  },
  "registry/rate-limited": {
    blame: "failed",
    sentence: "The registry allows no more requests for now",
    remedy: "Wait, or log in with an account that is allowed more.",
  },
  "registry/bad-answer": {
    blame: "failed",
    sentence: "The registry answered something that cannot be right",
    remedy: "Check that this is a registry, and that no proxy in between changes what it answers.",
  },
  "registry/delete-unsupported": {
    blame: "failed",
    sentence: "The registry does not let anybody delete images through its API",
    remedy:
      "Delete them with the registry's own retention rules, or allow deletion there; `retention: { registry: false }` in shiplock.yml leaves the registry alone.",
  },
  "registry/bad-reference": {
    blame: "usage",
    sentence: "This is no image reference",
    remedy: "Write it as [host[:port]/]name[:tag][@sha256:digest], the name in lower case.",
  },
};

/** An error of the registry's, with the catalogue's sentence; `what` says what was wanted or found, in a few words. */
export function registryError(
  code: RegistryErrorCode,
  what: string,
  more: { where?: string; details?: readonly string[]; cause?: unknown; remedy?: string } = {},
): ShiplockError {
  const { blame, sentence, remedy } = CATALOGUE[code];
  return new ShiplockError({ code, blame, message: `${sentence}: ${plain(what)}.`, remedy, ...more });
}

/** Text of outside origin as one harmless line of at most 300 characters. */
export function plain(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ").trim();
  return line.length <= 300 ? line : `${line.slice(0, 299)}…`;
}
