import type { JournalEntry } from "../../environments/record/types.ts";
import type { Masker } from "../../secrets/mask.ts";
import type { ReleaseDocument } from "../../release/types.ts";
import type { DeploymentOutcome, DeploymentPorts, DeploymentRequest } from "../request.ts";
import type { StepWorker } from "../run.ts";
import type { Plan } from "../types.ts";
import { runAfterFailure } from "./after-failure.ts";
import { withHooks } from "./worker.ts";

export type HookedDeployment = {
  plan: Plan;
  document: ReleaseDocument;
  /** Of the hooks that are steps of the plan. */
  secrets: Readonly<Record<string, string>>;
  /** Of the same deployment, from before this run. */
  journal: readonly JournalEntry[];
  lost: AbortSignal;
  mask: Masker;
};

/** The worker of a deployment that also runs its hooks, and what is done about them once it has ended. */
export type Hooked = {
  worker: StepWorker;
  /** Runs the hooks for a failure, and says whether a rollback has to follow. The deployment has ended, and its end is what it was. */
  ended(outcome: DeploymentOutcome): Promise<DeploymentOutcome>;
};

/** Attaches the hooks of a plan to its worker. */
export function attachHooks(
  worker: StepWorker,
  deployment: HookedDeployment,
  { hooks }: Pick<DeploymentRequest, "hooks">,
  ports: DeploymentPorts,
): Hooked {
  if (hooks === undefined) return { worker, ended: async (outcome) => outcome };
  const { plan, document, secrets, journal, lost, mask } = deployment;
  const context = { runner: hooks.runner, plan, document };
  const hooked = withHooks(worker, { ...context, secrets }, journal);
  return {
    worker: hooked,
    async ended(outcome) {
      const { state } = outcome;
      // What was interrupted has not ended: whoever takes it up runs them.
      if (state === "rolled-back" || state === "failed")
        await runAfterFailure(
          context,
          { state, outcome: outcome.outcome },
          {
            secrets: (hook) => hooks.secrets(hook.secrets),
            lost,
            now: () => ports.clock.now(),
            mask,
            onEvent: (event) => ports.tell({ kind: "step", event }),
          },
        );
      const why = state === "succeeded" ? hooked.wantsRollback() : null;
      return why === null ? outcome : { ...outcome, wantsRollback: mask(why) };
    },
  };
}
