import type * as z from "zod";
import { ShiplockError } from "../../errors.ts";

/** What GitHub answered, as far as it is looked at. */
export function readAnswer<T>(schema: z.ZodType<T>, body: unknown, what: string): T {
  const read = schema.safeParse(body);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new ShiplockError({
    code: "github/unexpected",
    message: `GitHub's answer about ${what} is not as it is described: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`,
    remedy: "look whether `github.api` is the address of GitHub's API; if it is, please report it",
  });
}

/** An error of this code with another thing to do about it, where more is known than the status says; `as` names it anew. */
export function withRemedy(error: unknown, code: string, remedy: string, as = code): unknown {
  if (!(error instanceof ShiplockError) || error.code !== code) return error;
  return new ShiplockError({ code: as, message: error.message, remedy, cause: error.cause });
}
