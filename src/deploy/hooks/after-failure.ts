import { messageOf } from "../../errors.ts";
import type { Masker } from "../../secrets/mask.ts";
import type { StepEvent } from "../run.ts";
import { afterFailureOf, hookStep } from "./steps.ts";
import type { Hook } from "./types.ts";
import type { HookState } from "./variables.ts";
import { failureOf, type HookContext } from "./worker.ts";

export type AfterFailureOptions = {
  /** Reads the secrets of one hook. A hook whose secrets are not here is left out, and that is told. */
  secrets: (hook: Hook) => Promise<Readonly<Record<string, string>>>;
  /** Aborted when the right to change the environment is gone: then somebody else decides how the deployment ends. */
  lost: AbortSignal;
  now: () => Date;
  /** Learns the secrets of each hook before it runs: of an aborted deployment they are read only then. */
  mask: Masker;
  onEvent: (event: StepEvent) => void;
};

/** Runs the hooks for a deployment that did not succeed, one after another. Whatever becomes of them is told and changes nothing. */
export async function runAfterFailure(
  context: Omit<HookContext, "secrets">,
  ended: HookState,
  options: AfterFailureOptions,
): Promise<void> {
  const { lost, now, mask, onEvent } = options;
  for (const [index, hook] of afterFailureOf(context.plan).entries()) {
    if (lost.aborted) return;
    const step = hookStep("afterFailure", hook, index + 1, []);
    const tell = (kind: StepEvent["kind"], more: Partial<StepEvent> = {}): void =>
      onEvent({ kind, step, at: now().toISOString(), ...more });
    const lines = mask.lines<null>((_none, text) => tell("step-log", { text }));
    const log = (line: string): void => lines.push(null, line);
    tell("step-began");
    try {
      const secrets = await options.secrets(hook);
      mask.add(Object.values(secrets));
      const running = failureOf("afterFailure", hook, { ...context, secrets }, ended, { signal: lost, log });
      const failure = await running.finally(lines.end);
      if (failure !== null) throw failure;
      tell("step-done", { evidence: { acted: true, summary: "passed" } });
    } catch (error) {
      tell("step-failed", { text: mask(messageOf(error)) });
    }
  }
}
