import { systemClock } from "../../src/clock.ts";
import type { Hook, HookPoint, Hooks } from "../../src/deploy/hooks/types.ts";
import type { HookCall, HookRunner } from "../../src/deploy/hooks/worker.ts";
import type { HookSetup } from "../../src/deploy/request.ts";
import { ShiplockError } from "../../src/errors.ts";

/** What a hook does: it writes lines, and then ends, or goes on until it is stopped, or is no program at all. */
export type HookBehaviour = { lines?: readonly string[]; end?: number | "hangs" | "missing" };

export type FakeHooks = HookRunner & { readonly calls: HookCall[] };

/** Hooks without processes. Those that nothing is said about pass. */
export function fakeHooks(behaviourOf: (hook: Hook) => HookBehaviour | undefined = () => undefined): FakeHooks {
  const calls: HookCall[] = [];
  return {
    calls,
    async run(call, { signal, log }) {
      const { lines = [], end = 0 } = behaviourOf(call.hook) ?? {};
      if (signal.aborted) throw interrupted(call.hook);
      if (end === "missing")
        throw new ShiplockError({
          code: "hook/not-started",
          blame: "usage",
          message: "the program is not installed here",
        });
      calls.push(call);
      for (const line of lines) log(line);
      if (end !== "hangs") return { kind: "ended", exitCode: end, because: null };
      try {
        await systemClock.wait(call.hook.timeoutMs, signal);
      } catch {
        throw interrupted(call.hook);
      }
      return { kind: "timed-out" };
    },
  };
}

function interrupted({ name }: Hook): ShiplockError {
  return new ShiplockError({ code: "hook/interrupted", message: `the hook "${name}" was interrupted` });
}

/** A hook with nothing special about it. */
export function hookOf(name: string, more: Partial<Hook> = {}): Hook {
  return {
    ...{ name, run: { kind: "arguments", arguments: [name] }, timeoutMs: 60_000, onFailure: "stop" },
    ...{ environment: {}, secrets: [] },
    ...more,
  };
}

export const noHooks: Hooks = { before: [], beforeTraffic: [], afterTraffic: [], after: [], afterFailure: [] };

/** One hook at every point, named like it. */
export const oneEverywhere: Hooks = Object.fromEntries(
  Object.keys(noHooks).map((point) => [
    point,
    [hookOf(point, point.startsWith("after") && point !== "afterTraffic" ? { onFailure: "continue" } : {})],
  ]),
) as Record<HookPoint, Hook[]>;

/** @param values of secrets that are there */
export function setupOf(runner: HookRunner, declared: Partial<Hooks>, values: Record<string, string> = {}): HookSetup {
  return {
    declared: { ...noHooks, ...declared },
    runner,
    secrets: async (names) => {
      const missing = names.filter((name) => values[name] === undefined);
      if (missing.length > 0)
        throw new ShiplockError({ code: "secrets/missing", blame: "usage", message: `missing: ${missing.join(", ")}` });
      return Object.fromEntries(names.map((name) => [name, values[name] ?? ""]));
    },
  };
}
