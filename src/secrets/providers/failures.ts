import { messageOf, ShiplockError } from "../../errors.ts";

/** A provider that cannot answer at all. `happened` must hold no value of a secret. */
export function providerFailed(provider: string, happened: string, remedy: string, cause?: unknown): ShiplockError {
  return new ShiplockError({
    code: "secrets/provider-failed",
    blame: "usage",
    message: `${provider}, where secrets are looked for, cannot be asked: ${happened}`,
    remedy: `${remedy}; nothing was touched`,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** The error for a file that cannot be read. */
export function unreadable(provider: string, cause: unknown, remedy: string): ShiplockError {
  const code = (cause as NodeJS.ErrnoException).code;
  const happened = code === "ENOENT" ? "there is no such file" : (code ?? messageOf(cause));
  return providerFailed(provider, happened, remedy, cause);
}
