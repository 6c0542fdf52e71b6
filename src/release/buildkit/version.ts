import { ShiplockError } from "../../errors.ts";

/** The first buildx that writes BuildKit's event stream (`--progress=rawjson`): March 2024. */
const firstMinor = 13;

/**
 * Looks that a buildx is new enough.
 * @param said what `docker buildx version` says; a version that cannot be read passes
 * @returns the same text
 * @throws ShiplockError `build/buildx-old`
 */
export function requireBuildx(said: string): string {
  const [, major = "", minor = ""] = /\bv?(\d+)\.(\d+)\.\d+/.exec(said) ?? [];
  if (major === "0" && Number(minor) < firstMinor) throw buildxTooOld();
  return said;
}

export function buildxTooOld(): ShiplockError {
  return new ShiplockError({
    code: "build/buildx-old",
    blame: "usage",
    message: "the buildx plugin here is older than 0.13, which first writes what happens in a form that programs read",
    remedy: "install buildx 0.13 (March 2024) or later; `docker buildx version` says which one there is",
  });
}
