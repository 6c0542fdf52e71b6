import type { ConfigInput } from "./schema.ts";
import type { Hook, Hooks, Watch } from "./types-hooks.ts";
import { milliseconds } from "./units.ts";

type HooksInput = NonNullable<ConfigInput["hooks"]>;
type HookInput = NonNullable<HooksInput["before"]>[number];
type WatchInput = NonNullable<ConfigInput["environments"][string]["watch"]>;

/** Characters of a hook's name that was not given. */
const longestName = 50;

/** The hooks of an environment: at each point its own, also where that is an empty list, and else the project's. */
export function resolveHooks(project: HooksInput = {}, environment: HooksInput = {}): Hooks {
  const at = (point: keyof Hooks): Hook[] =>
    (environment[point] ?? project[point] ?? []).map((hook) => resolveHook(hook, point));
  return {
    before: at("before"),
    beforeTraffic: at("beforeTraffic"),
    afterTraffic: at("afterTraffic"),
    after: at("after"),
    afterFailure: at("afterFailure"),
  };
}

function resolveHook(hook: HookInput, point: keyof Hooks): Hook {
  const { run } = hook;
  const late = point === "after" || point === "afterFailure";
  return {
    name: hook.name ?? shortened(typeof run === "string" ? run : run.join(" ")),
    run: typeof run === "string" ? { kind: "shell", line: run } : { kind: "arguments", arguments: run },
    timeoutMs: milliseconds(hook.timeout ?? "5m"),
    onFailure: hook.onFailure ?? (late ? "continue" : "stop"),
    environment: hook.environment ?? {},
    secrets: hook.secrets ?? [],
  };
}

function shortened(text: string): string {
  const [line = ""] = text.trim().split("\n");
  return line.length <= longestName && line === text.trim() ? line : `${line.slice(0, longestName - 1).trimEnd()}…`;
}

/** The watch of an environment; `undefined` where none is wanted. */
export function resolveWatch(watch: WatchInput | undefined): Watch | undefined {
  if (watch === undefined) return undefined;
  return {
    forMs: milliseconds(watch.for),
    everyMs: milliseconds(watch.every ?? "5s"),
    failures: watch.failures ?? 3,
    restarts: watch.restarts ?? 0,
    onFailure: watch.onFailure ?? "rollback",
  };
}
