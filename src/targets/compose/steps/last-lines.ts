import { messageOf } from "../../../errors.ts";
import type { ComposeHost } from "../run.ts";

const logLines = 20;

/** The last lines a container wrote; a reason instead where they cannot be had. */
export async function lastLines(host: ComposeHost, container: string): Promise<string[]> {
  try {
    const lines: string[] = [];
    for await (const { line } of host.host.engine.logs(container, { tail: logLines, follow: false })) lines.push(line);
    return lines;
  } catch (error) {
    return [`(its log cannot be read: ${messageOf(error)})`];
  }
}
