import type { EnvironmentState } from "../record/types.ts";
import { answersOf, listed, momentText } from "./answers.ts";
import type { EarlierEnvironment, Gate, GateDecision, GateFacts } from "./types.ts";

const { pass, wait, block } = answersOf("order");

/** What one environment that has to come before says about a release. */
type Word =
  | { readonly kind: "fine"; readonly text: string }
  | { readonly kind: "not-yet"; readonly text: string; readonly until: Date | null; readonly on: string }
  | { readonly kind: "no"; readonly text: string; readonly remedy: string };

/**
 * The release has run in the environments that come before, and was healthy there for as long as is asked. The time counts from when it was live there. One that another
 * deployment has replaced since counts if it was there for that long and nobody went back from it. Going back needs no order.
 */
export const orderGate: Gate = { name: "order", judge };

function judge(facts: GateFacts): GateDecision {
  const { kind, policy } = facts;
  if (policy.after.length === 0) return pass("no environment comes before it");
  if (kind === "rollback") return pass("a rollback goes to what was live here before");
  const words = policy.after.map(({ environment, healthyMs }) => wordOf(facts, environment, healthyMs));
  const texts = words.map(({ text }) => text).join("; ");
  const no = words.flatMap((word) => (word.kind === "no" ? [word] : []));
  if (no.length > 0) return block(no.map(({ text }) => text).join("; "), no.map(({ remedy }) => remedy).join("; "));
  const pending = words.flatMap((word) => (word.kind === "not-yet" ? [word] : []));
  if (pending.length === 0) return pass(texts);
  const moments = pending.map(({ until }) => until?.getTime() ?? null);
  const known = moments.flatMap((moment) => (moment === null ? [] : [moment]));
  const until = known.length === moments.length ? new Date(Math.max(...known)) : null;
  return wait(pending.map(({ text }) => text).join("; "), listed(pending.map(({ on }) => on)), until);
}

function wordOf(facts: GateFacts, environment: string, healthyMs: number): Word {
  const { request, earlier } = facts;
  const found: EarlierEnvironment = earlier[environment] ?? { unreachable: "nobody has looked" };
  if ("unreachable" in found) {
    const text = `${environment} cannot be seen: ${found.unreachable}`;
    // Who waits for its time there is not sent away by a connection that ends meanwhile.
    if (request.waiting.some(({ gate }) => gate === "order"))
      return { kind: "not-yet", text, until: null, on: environment };
    return { kind: "no", text, remedy: `try again when \`shiplock status ${environment}\` answers` };
  }
  const { state, same, ailing } = found;
  const live = state?.live ?? null;
  if (live === null || !same.includes(live.release)) return pastWord(facts, environment, healthyMs, found);
  const since = momentText(live.at);
  if (ailing.length > 0)
    return {
      kind: "no",
      text: `${live.release} is not healthy in ${environment}: ${listed(ailing, 3)}`,
      remedy: `look with \`shiplock status ${environment}\`, and deploy when it is well there`,
    };
  const until = new Date(Date.parse(live.at) + healthyMs);
  if (healthyMs > 0 && until > facts.now)
    return {
      kind: "not-yet",
      text: `has to run in ${environment} until ${momentText(until)}, where it is live since ${since}`,
      until,
      on: environment,
    };
  return { kind: "fine", text: `runs in ${environment} since ${since}` };
}

/** The release is not live there now: it may have been for long enough. */
function pastWord(
  { request }: GateFacts,
  environment: string,
  healthyMs: number,
  { state, same }: Extract<EarlierEnvironment, { same: unknown }>,
): Word {
  const live = state?.live ?? null;
  const what = live === null ? "nothing is live there" : `${live.release} is live there`;
  const past = (state?.healthy ?? []).find(({ release }) => same.includes(release));
  const remedy = `deploy it there first: \`shiplock deploy ${environment} --ref ${request.ref?.name ?? request.commit.slice(0, 12)}\``;
  if (state === null || past === undefined)
    return { kind: "no", text: `it has not run in ${environment}; ${what}`, remedy };
  if (state.withdrawn.some(({ release }) => release === past.release))
    return {
      kind: "no",
      text: `${environment} has gone back from ${past.release}`,
      remedy: "mend what was wrong with it, and deploy that",
    };
  const time = healthyMs === 0 ? { from: past.at, until: past.at } : timeLive(state, past);
  if (time !== null && Date.parse(time.until) - Date.parse(time.from) >= healthyMs)
    return {
      kind: "fine",
      text: `ran in ${environment} ${healthyMs === 0 ? momentText(time.from) : `from ${momentText(time.from)} to ${momentText(time.until)}`}`,
    };
  const howLong =
    time === null ? "nobody knows for how long" : `from ${momentText(time.from)} to ${momentText(time.until)} only`;
  return { kind: "no", text: `it ran in ${environment} ${howLong}; ${what}`, remedy };
}

/** From when to when a release was live, until the deployment began that replaced it; null where that is not remembered any more. */
function timeLive(
  { deployments }: EnvironmentState,
  { deployment, at }: { readonly deployment: string; readonly at: string },
): { from: string; until: string } | null {
  const place = deployments.findIndex((entry) => entry.deployment === deployment);
  if (place < 0) return null;
  // One that was taken back left it live; one that is in progress or was never ended may not have.
  const changed = ["succeeded", "running", "verifying", "paused", "interrupted", "failed"];
  // The newest come first in the list, so the first that began after it is the last.
  const next = deployments
    .slice(0, place)
    .filter(({ state, startedAt }) => changed.includes(state) && Date.parse(startedAt) > Date.parse(at))
    .at(-1);
  return next === undefined ? null : { from: at, until: next.startedAt };
}
