import type { LineMask, Masker } from "../secrets/mask.ts";
import type { LogLine } from "../targets/types.ts";

/** The log of several containers without the values of secrets, also where a service breaks one over lines of its own. Lines of others may come between. */
export async function* maskedLogs(
  lines: AsyncIterable<LogLine>,
  mask: Masker,
): AsyncGenerator<LogLine, void, undefined> {
  const masks = new Map<string, LineMask<LogLine>>();
  const ready: LogLine[] = [];
  try {
    for await (const line of lines) {
      const writer = `${line.host} ${line.container}`;
      const masked = masks.get(writer) ?? mask.lines<LogLine>((from, text) => ready.push({ ...from, line: text }));
      masks.set(writer, masked);
      masked.push(line, line.line);
      yield* ready.splice(0);
    }
  } catch (error) {
    yield* rest();
    throw error;
  }
  yield* rest();

  function rest(): LogLine[] {
    for (const masked of masks.values()) masked.end();
    return ready.splice(0);
  }
}
