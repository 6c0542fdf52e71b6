import * as z from "zod";
import { ShiplockError } from "../../errors.ts";
import type { CallOptions, GitHubCall, GitHubClient } from "./types.ts";

/**
 * What GitHub answered, as what it has to be.
 * @param about the route, or in words what was asked
 * @throws ShiplockError `github/unreadable`
 */
export function readAnswer<T>(schema: z.ZodType<T>, body: unknown, about: string): T {
  const read = schema.safeParse(body);
  if (read.success) return read.data;
  throw new ShiplockError({
    code: "github/unreadable",
    message: `GitHub's answer about ${about} is not what its description says: ${z.prettifyError(read.error).replaceAll("\n", " ")}`,
    remedy: "look whether `github.api` is the address of GitHub's REST API; if it is, please report it",
  });
}

/**
 * Every item of a list, page by page.
 * @param under the key under which an answer has the list; null where it is the list itself. An answer that `expect` has let through has none, and so no item
 * @param most how many are asked for at least; the rest of a page may follow
 * @throws ShiplockError `github/unreadable`, and those of the client
 */
export async function readItems<T>(
  client: GitHubClient,
  call: GitHubCall,
  options: CallOptions,
  item: z.ZodType<T>,
  { under = null, most = Infinity }: { under?: string | null; most?: number } = {},
): Promise<T[]> {
  const found: T[] = [];
  const items = client.items(call, options, (body) => listIn(body, under, call.route));
  for await (const one of items) {
    found.push(readAnswer(item, one, call.route));
    if (found.length >= most) break;
  }
  return found;
}

const refusal = z.object({ message: z.string() });

function listIn(body: unknown, under: string | null, route: string): readonly unknown[] {
  if (under === null) return readAnswer(z.union([z.array(z.unknown()), refusal.transform(() => [])]), body, route);
  const list = z.object({ [under]: z.array(z.unknown()) }).transform((answer) => answer[under] ?? []);
  return readAnswer(z.union([list, refusal.transform(() => [])]), body, route);
}
