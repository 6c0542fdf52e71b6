import type { DeploymentEvent } from "../deploy/request.ts";
import { messageOf } from "../errors.ts";
import type { GateAnswer, Ledger } from "../ledger/types.ts";
import type { Release } from "../release/types.ts";
import type { Output } from "./output.ts";

/**
 * Writes a deployment into the ledger while it happens, in order. A ledger that cannot be written is told once and stops nothing: the environment record is
 * the authority.
 */
export function recordHistory(
  ledger: Ledger,
  output: Output,
  mask: (text: string) => string,
  gates: readonly GateAnswer[] = [],
): { tell: (event: DeploymentEvent) => void; flush(): Promise<void> } {
  let queue: Promise<void> = Promise.resolve();
  let failed = false;
  let deployment: string | null = null;
  let sequence = 0;

  async function write(event: DeploymentEvent, at: number): Promise<void> {
    if (event.kind === "planned") {
      const { plan, document } = event;
      const { release } = document;
      deployment = plan.deployment;
      await rememberRelease(ledger, release);
      await ledger.openDeployment({
        id: plan.deployment,
        project: plan.project,
        environment: plan.environment,
        kind: plan.kind === "preview" ? "deploy" : plan.kind,
        release: plan.to,
        fromRelease: plan.from,
        state: "queued",
        who: plan.origin.who,
        why: plan.origin.reason,
        origin: plan.origin.from,
        commit: release.commit,
        ref: release.ref,
        createdAt: Date.parse(plan.createdAt),
      });
      await ledger.recordGateAnswers(plan.deployment, gates);
      await ledger.transition({ deployment: plan.deployment, to: "running", at });
      sequence = (await ledger.events(plan.deployment, 0, 1_000)).at(-1)?.sequence ?? 0;
      return;
    }
    if (deployment === null) return;
    if (event.kind === "state") return moveTo(deployment, event, at);
    if (event.kind !== "step") return;
    const { step, kind, text, evidence } = event.event;
    if (kind === "step-log") {
      await ledger.appendLog(deployment, { at, source: step.id, text: mask(`${text ?? ""}\n`) });
      return;
    }
    sequence += 1;
    await ledger.appendEvents(deployment, [
      {
        sequence,
        at,
        kind,
        payload: {
          step: step.id,
          host: step.host,
          title: step.title,
          ...(text === undefined ? {} : { text: mask(text) }),
          ...(evidence === undefined ? {} : { summary: mask(evidence.summary), acted: evidence.acted }),
        },
      },
    ]);
  }

  async function moveTo(id: string, event: Extract<DeploymentEvent, { kind: "state" }>, at: number): Promise<void> {
    if (event.state === "running") return;
    // A deployment passes through verifying on its way to succeeded.
    if (event.state === "succeeded") await ledger.transition({ deployment: id, to: "verifying", at });
    await ledger.transition({
      deployment: id,
      to: event.state,
      at,
      ...(event.outcome === null ? {} : { outcome: mask(event.outcome) }),
    });
  }

  return {
    tell: (event) => {
      const at = Date.now();
      queue = queue.then(async () => {
        if (failed) return;
        try {
          await write(event, at);
        } catch (error) {
          failed = true;
          output.note(`warning: the history on this machine could not be written: ${messageOf(error)}`);
        }
      });
    },
    flush: () => queue,
  };
}

/** A release is recorded where it was first seen; another environment may give the same digests further names. */
export async function rememberRelease(ledger: Ledger, release: Release): Promise<void> {
  const known = await ledger.findRelease(release.project, release.id);
  if (known?.id === release.id) return;
  await ledger.recordRelease({
    id: release.id,
    project: release.project,
    commit: release.commit,
    createdAt: Date.parse(release.createdAt),
    payload: release,
  });
}
