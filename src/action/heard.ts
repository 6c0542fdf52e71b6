import * as z from "zod";
import type { ToldError } from "../cli/output.ts";
import type { Story, StoryCheck, StoryStep } from "./story.ts";

const gate = z.object({ gate: z.string(), answer: z.string(), reason: z.string() });
const ticket = z.object({
  deployment: z.string(),
  kind: z.string(),
  release: z.string(),
  commit: z.string(),
  ref: z.object({ name: z.string() }).nullish(),
  origin: z.object({ who: z.string(), reason: z.string().nullish() }),
});
const document = z.object({
  release: z.object({ commit: z.string(), subject: z.string(), ref: z.string().nullish() }),
  snapshot: z.object({ publicUrls: z.array(z.string()).default([]) }),
});
/** What `planned` says of its release, where the plan is that of an earlier request. */
const planned = z.object({
  release: z.object({ commit: z.string(), subject: z.string(), ref: z.string().nullish() }).optional(),
  publicUrls: z.array(z.string()).optional(),
});
const asked = z.object({ ticket, from: z.string().nullable(), environment: z.string(), project: z.string() });
const step = z.object({
  at: z.string(),
  step: z.string(),
  host: z.string().nullable(),
  title: z.string(),
  text: z.string().default(""),
  evidence: z.object({ acted: z.boolean(), summary: z.string(), failed: z.literal(true).optional() }).optional(),
});
const place = { file: z.string().optional(), line: z.number().optional() };
const check = z.object({
  job: z.string(),
  outcome: z.string(),
  required: z.boolean(),
  durationMs: z.number().nullable(),
  reasons: z.array(z.string()),
  reports: z
    .object({
      tests: z
        .object({
          tests: z.number(),
          failed: z.number(),
          failures: z.array(z.object({ name: z.string(), message: z.string(), ...place })),
        })
        .nullable(),
      coverage: z.object({ percent: z.number().nullable() }).nullable(),
      warnings: z
        .object({
          findings: z
            .array(
              z.object({
                severity: z.enum(["error", "warning"]),
                message: z.string(),
                file: z.string(),
                line: z.number().optional(),
                column: z.number().optional(),
              }),
            )
            .default([]),
        })
        .nullable(),
    })
    .nullable(),
});

/** What the Action understands of the events; others are for others. */
const events = z.discriminatedUnion("kind", [
  asked.extend({ kind: z.literal("requested"), document }),
  asked.extend({ kind: z.literal("requested-early"), subject: z.string() }),
  z.object({ kind: z.literal("taken-up"), ticket }),
  z.object({
    kind: z.literal("judged"),
    judgement: z.object({ decisions: z.array(gate), passedByEmergency: z.array(gate).default([]) }),
  }),
  z.object({
    kind: z.literal("planned"),
    ...planned.shape,
    plan: z.object({
      deployment: z.string(),
      kind: z.string(),
      project: z.string(),
      environment: z.string(),
      from: z.string().nullable(),
      to: z.string(),
      strategy: z.string(),
      hosts: z.array(z.string()),
      origin: z.object({ who: z.string(), reason: z.string().nullish() }),
    }),
  }),
  ...(["step-began", "step-done", "step-failed", "undo-began", "undo-done", "undo-failed"] as const).map((kind) =>
    step.extend({ kind: z.literal(kind) }),
  ),
  z.object({
    kind: z.literal("state"),
    deployment: z.string(),
    state: z.string(),
    outcome: z.string().nullable(),
  }),
  check.extend({ kind: z.literal("check-ended") }),
]);

type StepEvent = z.infer<typeof step> & { kind: string };

/** The story with one thing more. What it does not know leaves it as it is. */
export function withEvent(story: Story, event: unknown): Story {
  const read = events.safeParse(event);
  if (!read.success) return story;
  const said = read.data;
  switch (said.kind) {
    case "requested":
      return {
        ...withTicket(story, said.ticket),
        environment: said.environment,
        project: said.project,
        from: said.from,
        subject: said.document.release.subject,
        ref: said.document.release.ref ?? null,
        url: said.document.snapshot.publicUrls[0] ?? null,
      };
    case "requested-early":
      return {
        ...withTicket(story, said.ticket),
        environment: said.environment,
        project: said.project,
        from: said.from,
        subject: said.subject,
      };
    case "taken-up":
      return withTicket({ ...story, gates: [], emergency: [], steps: [], state: null, outcome: null }, said.ticket);
    case "judged":
      return { ...story, gates: said.judgement.decisions, emergency: said.judgement.passedByEmergency };
    case "planned": {
      const { deployment, kind, project, environment, from, to, strategy, hosts, origin } = said.plan;
      const about = { deployment, kind, project, environment, from, release: to, strategy, hosts };
      return { ...story, ...about, who: origin.who, reason: origin.reason ?? null, ...releaseOf(said) };
    }
    case "state":
      return { ...story, deployment: said.deployment, state: said.state, outcome: said.outcome ?? story.outcome };
    case "check-ended":
      return { ...story, checks: [...story.checks.filter(({ job }) => job !== said.job), checkOf(said)] };
    default:
      return { ...story, steps: withStep(story.steps, said, story.deployment) };
  }
}

/** A command may mean something else by one of these words. */
const word = z.string().optional().catch(undefined);
const resultFields = z.object({
  deployment: word,
  state: word,
  release: word,
  commit: word,
  environment: word,
  outcome: word,
  result: word,
  /** What followed a deployment that had succeeded: its watch, and the rollback that took it back. */
  watch: z.object({ how: z.string(), said: z.string() }).optional().catch(undefined),
  wentBackFor: word,
  rollback: z.object({ state: z.string(), release: z.string() }).optional().catch(undefined),
});

/** The story with the command's one document. */
export function withResult(story: Story, result: unknown): Story {
  const read = resultFields.safeParse(result);
  if (!read.success) return { ...story, document: result };
  const { deployment, state, release, commit, environment, outcome, ...rest } = read.data;
  return {
    ...story,
    document: result,
    deployment: deployment ?? story.deployment,
    state: state ?? rest.result ?? story.state,
    release: release ?? story.release,
    commit: commit ?? story.commit,
    environment: environment ?? story.environment,
    outcome: outcome ?? story.outcome,
    ...followed(rest),
  };
}

/** A release that went live and was taken back is no success; and of what the events told last, the rollback, is not what was asked for. */
function followed({
  watch,
  wentBackFor,
  rollback,
}: Pick<z.infer<typeof resultFields>, "watch" | "wentBackFor" | "rollback">): Partial<Story> {
  if (wentBackFor === undefined) return watch === undefined ? {} : { outcome: watch.said };
  if (rollback === undefined) return { kind: null, outcome: wentBackFor };
  const back = rollback.state === "succeeded";
  const end = back ? `${rollback.release} serves again` : `going back ended as ${rollback.state}`;
  return { kind: null, state: back ? "rolled-back" : rollback.state, outcome: `${wentBackFor}; ${end}` };
}

export function withError(story: Story, error: ToldError): Story {
  return { ...story, errors: [...story.errors, error] };
}

function withTicket(story: Story, { deployment, kind, release, commit, ref, origin }: z.infer<typeof ticket>): Story {
  const { who, reason } = origin;
  return { ...story, deployment, kind, release, commit, ref: ref?.name ?? null, who, reason: reason ?? null };
}

function releaseOf({ release, publicUrls }: z.infer<typeof planned>): Partial<Story> {
  if (release === undefined) return {};
  const { commit, subject, ref } = release;
  return { commit, subject, ref: ref ?? null, url: publicUrls?.[0] ?? null };
}

/** Steps of two deployments, one after the other, may have the same names. */
function withStep(
  steps: readonly StoryStep[],
  { kind, at, step: name, host, title, text, evidence }: StepEvent,
  deployment: string | null,
): StoryStep[] {
  const id = `${deployment ?? ""} ${name}`;
  const before = steps.find((one) => one.id === id);
  // Going back looks at every step, also where there is nothing to take back.
  if (before === undefined && kind.startsWith("undo-") && evidence?.acted !== true && kind !== "undo-failed")
    return [...steps];
  const time = Date.parse(at);
  const one: StoryStep = before ?? {
    id,
    host,
    title,
    state: "began",
    acted: false,
    said: "",
    beganAt: time,
    endedAt: null,
  };
  const next = ((): StoryStep => {
    switch (kind) {
      case "step-done": {
        const state = evidence?.failed === true ? "failed" : "done";
        return { ...one, state, acted: evidence?.acted ?? false, said: evidence?.summary ?? "", endedAt: time };
      }
      case "step-failed":
        return { ...one, state: "failed", said: text, endedAt: time };
      case "undo-done":
        return evidence?.acted === true && one.state !== "failed"
          ? { ...one, state: "undone", said: evidence.summary }
          : one;
      case "undo-failed":
        return { ...one, state: "stuck", said: text, endedAt: time };
      default:
        return one;
    }
  })();
  return before === undefined ? [...steps, next] : steps.map((other) => (other === before ? next : other));
}

function checkOf({ job, outcome, required, durationMs, reasons, reports }: z.infer<typeof check>): StoryCheck {
  return {
    ...{ job, outcome, required, durationMs, reasons },
    tests: reports?.tests ?? null,
    coverage: reports?.coverage?.percent ?? null,
    findings: (reports?.warnings?.findings ?? []).map(({ line, column, ...rest }) => ({ ...rest, line, column })),
  };
}
