import { styleText } from "node:util";

/** What the demo writes for the person who watches it. */
export type Paper = {
  /** A new chapter; they are numbered. */
  chapter(title: string): void;
  /** A sentence of the demo itself. */
  say(text: string): void;
  /** What is being prepared, without a chapter. */
  aside(text: string): void;
  /** A command as one would type it, and in whose terminal. */
  command(line: string, who: string): void;
  /** A line that the command wrote. */
  output(line: string): void;
  /** A result that is as it should be, or not. */
  verdict(good: boolean, text: string): void;
};

type Stream = NodeJS.WriteStream;

/** @param stream styled only where it is a terminal that wants colour */
export function createPaper(stream: Stream): Paper {
  let chapters = 0;
  const write = (line: string): void => {
    stream.write(`${line}\n`);
  };
  const style = (format: Parameters<typeof styleText>[0], text: string): string => styleText(format, text, { stream });
  return {
    chapter: (title) => {
      chapters += 1;
      write(`\n${style(["bold", "cyan"], `${chapters}. ${title}`)}`);
    },
    say: (text) => write(`   ${text}`),
    aside: (text) => write(style("dim", `   ${text}`)),
    command: (line, who) => write(`\n   ${style("bold", `${who}$ ${line}`)}`),
    output: (line) => write(line === "" ? "" : `     ${line}`),
    verdict: (good, text) => write(`   ${good ? style("green", "✓") : style("red", "✗")} ${text}`),
  };
}
