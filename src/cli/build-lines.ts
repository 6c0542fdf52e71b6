/**
 * What of BuildKit's plain output a person reads: the steps of the Dockerfile that had something to do, when they begin to, and our own lines. Steps answered from the
 * cache say nothing; a build that fails brings its last lines with its error.
 * @returns for each line of one build: the line to show, or null
 */
export function buildLines(): (line: string) => string | null {
  const announced = new Map<string, string>();
  return (line) => {
    const [, step, text] = /^#(\d+) (.*)$/.exec(line) ?? [];
    if (step === undefined || text === undefined) return /^(pushed|built)/.test(line) ? line : null;
    if (/^\[.*\] (RUN|COPY|ADD)/.test(text)) {
      announced.set(step, text);
      return null;
    }
    const heading = announced.get(step) ?? null;
    announced.delete(step);
    if (text.startsWith("ERROR")) return text;
    return text === "CACHED" ? null : heading;
  };
}
