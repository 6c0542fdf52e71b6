import { type Clock, systemClock } from "../clock.ts";
import type { GateName } from "../config/types-gates.ts";
import type { Config, Environment } from "../config/types.ts";
import type { DeploymentRequest, Question } from "../deploy/request.ts";
import type { DeploymentKind } from "../deploy/types.ts";
import { judge } from "../environments/gates/judge.ts";
import { orderGate } from "../environments/gates/order.ts";
import { earlyGates } from "../environments/gates/table.ts";
import type { CodeFacts, CommitRelation, GateDecision, GateFacts, Judgement } from "../environments/gates/types.ts";
import type { Identity } from "../environments/identity.ts";
import type { NewTicket } from "../environments/queue/types.ts";
import type { EnvironmentState } from "../environments/record/types.ts";
import type { GateAnswer } from "../ledger/types.ts";
import { relationOf } from "../release/source.ts";
import type { TargetSession } from "../targets/types.ts";
import { codeFacts } from "./ask-code.ts";
import { checksSince } from "./release-since.ts";
import type { CommandContext } from "./context.ts";
import { readEarlier, readEarlierOfCommit } from "./earlier-environments.ts";

export type AskingGates = {
  readonly config: Config;
  readonly environment: Environment;
  readonly session: TargetSession;
  readonly kind: DeploymentKind;
  readonly actor: Identity;
  /** What gates said before the request was made: checks and scan. */
  readonly given: readonly GateAnswer[];
};

/**
 * While a request waits, nothing is looked at more often than this: at first, and when it has waited for long. Each look at an environment is a connection. One at GitHub is several questions, and a
 * workflow's token has a thousand of them an hour.
 */
const lookEveryMs = {
  environment: { first: 5_000, later: 60_000 },
  code: { first: 15_000, later: 300_000 },
};
/** Of the time that it has waited. */
const lookEveryPart = 1 / 20;

/**
 * Asks the gates of one request, as often as it is judged. Facts are gathered at the same moment; what costs a connection is remembered for a few seconds
 * while the request waits, and looked at anew when it is about to act.
 */
export function gatesOf(context: CommandContext, asking: AskingGates): DeploymentRequest["judge"] {
  const { config, environment, session, kind } = asking;
  const { gates: policy } = environment;
  const back = kind === "rollback";
  const relation = relationsIn(config.folder);
  const earlier = remembered(({ document }: Question) =>
    readEarlier(context, config, back ? [] : policy.after.map((one) => one.environment), document.release),
  );
  const drift = remembered(async ({ state, previous }: Question) => {
    if (policy.drift === "report" || back || state.live === null) return null;
    const observed = await session.observe(state, previous);
    return observed.flatMap((each) => each.drift.map((text) => `${each.host}: ${text}`));
  });
  const code = remembered(
    ({ ticket, document, state }: Question) =>
      codeFacts(context, config, {
        ...{ kind, policy, request: ticket, dirty: document.release.dirty },
        live: state.live?.commit ?? null,
      }),
    { every: lookEveryMs.code, keep: whatWasTold },
  );
  const checks = sinceGiven(context, asking);
  return async (question) => {
    const { state, ticket, document, previous } = question;
    const [between, others, different, said, given] = await Promise.all([
      back ? ("unknown" as const) : relation(ticket.commit, state),
      earlier(question),
      drift(question),
      code(question),
      checks(question),
    ]);
    return judge({
      ...commonFacts(asking, state, ticket),
      ...{ relation: between, earlier: others, drift: different, code: said, given },
      dirty: document.release.dirty,
      migrates: { live: (previous?.snapshot.migration ?? null) !== null, next: document.snapshot.migration !== null },
    });
  };
}

/**
 * Asks those gates that need no release, so that what they refuse is neither checked nor built; and that of the order, where the commit was never in an environment that
 * comes before.
 */
export async function askEarlyGates(
  context: CommandContext,
  asking: AskingGates,
  state: EnvironmentState,
  ticket: NewTicket,
  dirty: boolean,
): Promise<Judgement> {
  const { config, environment, kind } = asking;
  const { gates: policy } = environment;
  const names = policy.after.map((one) => one.environment);
  const live = state.live?.commit ?? null;
  const [relation, earlier, code] = await Promise.all([
    relationsIn(config.folder)(ticket.commit, state),
    readEarlierOfCommit(context, config, names, ticket.commit),
    codeFacts(context, config, { kind, policy, request: ticket, live, dirty }),
  ]);
  const neverThere = Object.values(earlier).some((one) => "same" in one && one.same.length === 0);
  const facts = { ...commonFacts(asking, state, ticket), relation, earlier, code, dirty };
  const unknown = { drift: null, given: [], migrates: { live: false, next: false } };
  return judge({ ...facts, ...unknown }, neverThere ? [...earlyGates, orderGate] : earlyGates);
}

function commonFacts(
  { config, environment, kind, actor }: AskingGates,
  state: EnvironmentState,
  request: NewTicket,
): Pick<GateFacts, "now" | "project" | "environment" | "kind" | "policy" | "request" | "actor" | "state"> {
  const { name, gates: policy } = environment;
  return { now: systemClock.now(), project: config.project, environment: name, kind, policy, request, actor, state };
}

/** Which of two commits is older never changes once git knows both. */
function relationsIn(folder: string): (commit: string, state: EnvironmentState) => Promise<CommitRelation> {
  const known = new Map<string, CommitRelation>();
  return async (commit, { live }) => {
    if (live === null) return "unknown";
    const key = `${commit} ${live.commit}`;
    const found = known.get(key) ?? (await relationOf(folder, commit, live.commit));
    if (found !== "unknown") known.set(key, found);
    return found;
  };
}

/** Answers that were given before: they stand until the request is about to act, when the checks are looked at once more. */
function sinceGiven(
  context: CommandContext,
  { kind, given }: AskingGates,
): (question: Question) => Promise<GateDecision[]> {
  const decisions = given.map(decisionOf);
  let checks = decisions.find(({ gate }) => gate === "checks") ?? null;
  return async ({ moment, document }) => {
    if (kind !== "rollback" && (moment === "acting" || checks === null))
      checks = (await checksSince(context, document.release)) ?? checks;
    return [...(checks === null ? [] : [checks]), ...decisions.filter(({ gate }) => gate !== "checks")];
  };
}

/** Who was not let through before has come here only as an emergency. */
function decisionOf({ gate, answer, reason, payload }: GateAnswer): GateDecision {
  if (answer !== "block") return { gate: gate as GateName, answer: "pass", reason };
  const { remedy = "" } = payload as { remedy?: string };
  return { gate: gate as GateName, answer, reason, remedy };
}

/** Who waits is not sent away because GitHub does not answer for a while: what it said last stands, until the request is about to act. */
export function whatWasTold(now: CodeFacts, before: CodeFacts): CodeFacts {
  const last = <T extends object | null>(value: T, known: T): T =>
    value !== null && "unreachable" in value && known !== null ? known : value;
  return {
    statuses: last(now.statuses, before.statuses),
    workflows: last(now.workflows, before.workflows),
    origins: last(now.origins, before.origins),
  };
}

type Remembering<T> = {
  /** The least time between two looks, in milliseconds. */
  readonly every?: { readonly first: number; readonly later: number };
  /** What stands of a look and of the one before, of the same question. */
  readonly keep?: (now: T, before: T) => T;
};

/** What was seen last, for a while that grows with the time that it has waited; always anew for a request that is about to act. */
export function remembered<T>(
  look: (question: Question) => Promise<T>,
  { every = lookEveryMs.environment, keep = (now) => now }: Remembering<T> = {},
  clock: Pick<Clock, "elapsed"> = systemClock,
): (question: Question) => Promise<T> {
  const began = clock.elapsed();
  let seen: { at: number; what: string; value: T } | null = null;
  return async (question) => {
    const now = clock.elapsed();
    const what = `${question.document.name} ${question.state.live?.deployment ?? ""}`;
    const pause = Math.min(Math.max((now - began) * lookEveryPart, every.first), every.later);
    const before = question.moment === "request" && seen?.what === what ? seen : null;
    if (before !== null && now - before.at < pause) return before.value;
    const looked = await look(question);
    const value = before === null ? looked : keep(looked, before.value);
    seen = { at: clock.elapsed(), what, value };
    return value;
  };
}
