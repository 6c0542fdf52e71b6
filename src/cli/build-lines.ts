import type { Config } from "../config/types.ts";
import type { BuildEvent } from "../release/build.ts";
import { isBase, isInstruction } from "../release/buildkit/events.ts";
import type { LineMask } from "../secrets/mask.ts";
import { type Output, printable } from "./output.ts";
import type { BuildTellers } from "./release-source.ts";

type LogEvent = Extract<BuildEvent, { kind: "log" }>;

/** A step that took less says nothing of its time. */
const worthTellingMs = 500;
const longestStep = 160;

/** Shows builds that run side by side: each line begins with its image, and with its platform where the image has several. The same lines in a terminal and in CI. */
export function showBuild(output: Output, config: Pick<Config, "images">): BuildTellers {
  const { paint } = output;
  /** What each step of each build writes, by its name. */
  const logs = new Map<string, LineMask<Omit<LogEvent, "line">>>();
  const say = (who: string, text: string): void => output.line(`  ${paint.dim(`${who} │`)} ${text}`);

  return {
    log: (image, line) => {
      output.event({ kind: "build", image, said: line });
      say(image, printable(line));
    },
    tell: (image, platform, event) => {
      const show = (shown: BuildEvent): void => {
        output.event({ kind: "build", image, platform, event: shown });
        const text = lineOf(shown, paint);
        const several = (config.images[image]?.platforms.length ?? 1) > 1;
        if (text !== null) say(several ? `${image} ${platform}` : image, text);
      };
      if (event.kind === "warning") return show(event);
      const key = `${image} ${platform} ${event.step}`;
      if (event.kind === "log") {
        const lines = logs.get(key) ?? output.mask.lines<Omit<LogEvent, "line">>((of, line) => show({ ...of, line }));
        logs.set(key, lines);
        return lines.push({ kind: "log", step: event.step }, event.line);
      }
      // A step that has ended writes no more; what its last line may have begun is none.
      logs.get(key)?.end();
      // Masked before it is cut to a line.
      show({ ...event, step: output.mask(event.step) });
    },
  };
}

/** The line for something that happened in a build; null for what only BuildKit itself needs to do. */
export function lineOf(event: BuildEvent, paint: Output["paint"]): string | null {
  if (event.kind === "warning") return `${paint.yellow("warning")}: ${printable(event.text)}`;
  const step = printable(shortened(event.step));
  const shown = isInstruction(event.step);
  switch (event.kind) {
    case "step-began":
      return shown ? step : null;
    case "step-cached":
      return shown ? paint.dim(`CACHED ${step}`) : null;
    case "step-done":
      return (shown || isBase(event.step)) && event.ms >= worthTellingMs
        ? `${step} ${paint.dim(`took ${seconds(event.ms)}`)}`
        : null;
    case "step-failed":
      return `${paint.red("FAILED")} ${step} ${paint.dim(`after ${seconds(event.ms)}`)}: ${printable(event.reason)}`;
    case "log":
      return `  ${paint.dim(printable(event.line))}`;
  }
}

function shortened(step: string): string {
  const [first = ""] = step.split("\n");
  return first.length < step.length || first.length > longestStep ? `${first.slice(0, longestStep)}…` : first;
}

/** Milliseconds as a person reads them. */
export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
