import type { DeploymentEvent } from "../deploy/request.ts";
import type { DeploymentState } from "../deploy/states.ts";
import type { Plan } from "../deploy/types.ts";
import type { GateDecision } from "../environments/gates/types.ts";
import { messageOf } from "../errors.ts";
import type { GateAnswer, Ledger, NewDeployment } from "../ledger/types.ts";
import type { Release } from "../release/types.ts";
import type { Output } from "./output.ts";
import { nextSequence } from "./ledger-events.ts";

/** States that a deployment is in only once it has begun. */
const afterBeginning: ReadonlySet<DeploymentState> = new Set([
  "running",
  "verifying",
  "paused",
  "interrupted",
  "succeeded",
  "rolled-back",
  "failed",
]);

/** The kind of the event that holds a deployment's readiness checklist. */
export const checklistEvent = "checklist";

type Of<Kind extends DeploymentEvent["kind"]> = Extract<DeploymentEvent, { kind: Kind }>;

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
  /** Those that have begun, as the ledger knows it. */
  const running = new Set<string>();

  async function write(event: DeploymentEvent, at: number): Promise<void> {
    if (event.kind === "requested-early") return ledger.openDeployment(earlyEntry(event)).then(() => undefined);
    if (event.kind === "requested") return open(requestedEntry(event), event.document.release, "requested");
    if (event.kind === "judged") {
      const answers = event.judgement.decisions.filter(
        ({ gate, answer }) => !gates.some((known) => known.gate === gate && known.answer === answer),
      );
      return ledger.recordGateAnswers(
        event.deployment,
        answers.map((decision) => gateAnswer(decision, event, at, mask)),
      );
    }
    if (event.kind === "planned") {
      await open(plannedEntry(event), event.document.release, "planned");
      // What is planned for the first time may still be kept back.
      if (event.purpose !== "run") await run(event.plan.deployment, at);
      const next = await nextSequence(ledger, event.plan.deployment);
      sequence = next - 1;
      const { checklist = [] } = event.plan;
      if (event.purpose !== "run" || checklist.length === 0) return;
      sequence = next;
      await ledger.appendEvents(event.plan.deployment, [
        { sequence, at, kind: checklistEvent, payload: checklist.map((row) => ({ ...row, text: mask(row.text) })) },
      ]);
      return;
    }
    if (event.kind === "state") return moveTo(event.deployment, event, at);
    if (event.kind === "watch") {
      const { kind, ...payload } = event.news;
      // The deployment has ended by then, and what was kept with its end is not known here.
      const next = await nextSequence(ledger, event.deployment);
      return ledger.appendEvents(event.deployment, [{ sequence: next, at, kind: `watch-${kind}`, payload }]);
    }
    if (event.kind !== "step" || deployment === null) return;
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

  /** A deployment that waited is known already, and so is one that another command began. */
  async function open(entry: NewDeployment, release: Release, when: "requested" | "planned"): Promise<void> {
    const known = await ledger.findDeployment(entry.id);
    deployment = entry.id;
    if (known !== null) return;
    await rememberRelease(ledger, release);
    await ledger.openDeployment(entry);
    if (when === "requested") await ledger.recordGateAnswers(entry.id, gates);
  }

  async function run(id: string, at: number): Promise<void> {
    if (running.has(id)) return;
    running.add(id);
    await ledger.transition({ deployment: id, to: "running", at });
  }

  async function moveTo(id: string, event: Extract<DeploymentEvent, { kind: "state" }>, at: number): Promise<void> {
    if (afterBeginning.has(event.state)) await run(id, at);
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

function requestedEntry({ ticket, document, from, project, environment }: Of<"requested">): NewDeployment {
  const { deployment: id, origin, kind, createdAt } = ticket;
  return entryOf({ id, project, environment, kind, from, origin, createdAt }, document.release);
}

/** Its release is none that anybody has recorded: nothing was built. */
function earlyEntry({ ticket, from, project, environment }: Of<"requested-early">): NewDeployment {
  const { deployment: id, origin, kind, createdAt, release, commit, ref } = ticket;
  const asked = { id: release, commit, ref: ref?.name ?? null };
  return entryOf({ id, project, environment, kind, from, origin, createdAt }, asked);
}

function plannedEntry({ plan, document }: Of<"planned">): NewDeployment {
  const { deployment: id, project, environment, kind, from, origin, createdAt } = plan;
  return entryOf({ id, project, environment, kind, from, origin, createdAt }, document.release);
}

function entryOf(
  asked: Pick<Plan, "project" | "environment" | "kind" | "from" | "origin" | "createdAt"> & { id: string },
  release: Pick<Release, "id" | "commit" | "ref">,
): NewDeployment {
  const { id, project, environment, kind, from, origin, createdAt } = asked;
  return {
    ...{ id, project, environment, kind: kind === "preview" ? "deploy" : kind },
    ...{ release: release.id, fromRelease: from, state: "queued" },
    ...{ who: origin.who, why: origin.reason, origin: origin.from },
    ...{ commit: release.commit, ref: release.ref, createdAt: Date.parse(createdAt) },
  };
}

function gateAnswer(
  decision: GateDecision,
  { moment }: Of<"judged">,
  at: number,
  mask: (text: string) => string,
): GateAnswer {
  const { gate, answer, reason } = decision;
  const remedy = answer === "block" ? { remedy: mask(decision.remedy) } : {};
  return { at, gate, answer, reason: mask(reason), payload: { moment, ...remedy } };
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
