import type { Assignment, Place, Plan, Step } from "../types.ts";
import type { Hook, HookPoint, Hooks } from "./types.ts";

const headings: Readonly<Record<HookPoint, string>> = {
  before: "hook, before anything is touched",
  beforeTraffic: "hook, before the new release gets traffic",
  afterTraffic: "hook, once all traffic has moved",
  after: "hook, after success",
  afterFailure: "hook, after the failure",
};

/**
 * Puts the hooks of every point into the steps of a plan, one after another at each point. `before` lies before every other step; `beforeTraffic` before the first step that gives a
 * replica of the new release traffic, once what that step waits for is ready on all hosts of the first batch; `afterTraffic` when all traffic has moved, and before the last look, so
 * that nothing lies between what was observed and the commit point; `after` before the operation is closed. Hooks after a failure are no steps.
 * @param place of the new release
 */
export function withHookSteps(steps: readonly Step[], hooks: Hooks, place: Place): Step[] {
  const before = chain("before", hooks, []);
  const moves = firstMoves(steps, place);
  // Where no traffic moves, what is ready is what will be observed.
  const waiting = moves.length > 0 ? moves : steps.filter(({ action }) => action.kind === "verify");
  const beforeTraffic = chain("beforeTraffic", hooks, [...new Set(waiting.flatMap(({ needs }) => needs))]);
  return inOrder([...before, ...steps.flatMap(placed)]);

  function placed(step: Step): Step[] {
    const { kind } = step.action;
    const own = step === waiting[0] ? beforeTraffic : [];
    const gated = waiting.includes(step) ? waitingFor(beforeTraffic, step) : step;
    if (kind === "verify") return [...own, ...behind(chain("afterTraffic", hooks, gated.needs), gated)];
    if (kind === "close") return behind(chain("after", hooks, step.needs), step);
    return [...own, gated.needs.length === 0 ? waitingFor(before, gated) : gated];
  }
}

/** Names of all secrets that hooks want, each once. */
export function secretsOfHooks(hooks: readonly Hook[]): string[] {
  return [...new Set(hooks.flatMap((hook) => hook.secrets))];
}

/** The hooks that a plan holds, as steps or for its failure. */
export function hooksOfPlan(plan: Plan): Hook[] {
  return [
    ...plan.steps.flatMap(({ action }) => (action.kind === "hook" ? [action.hook] : [])),
    ...afterFailureOf(plan),
  ];
}

/** Plans from before there were hooks hold none. */
export function afterFailureOf(plan: Plan): readonly Hook[] {
  return plan.afterFailure ?? [];
}

/** A hook as a step: also one that is no part of the plan, for those who are told of it. */
export function hookStep(point: HookPoint, hook: Hook, number: number, needs: readonly string[]): Step {
  return {
    id: `environment/hook-${point}-${number}`,
    host: null,
    action: { kind: "hook", point, hook },
    title: `${headings[point]}: ${hook.name}`,
    needs: [...needs],
  };
}

function chain(point: HookPoint, hooks: Hooks, needs: readonly string[]): Step[] {
  const steps: Step[] = [];
  for (const hook of hooks[point]) steps.push(hookStep(point, hook, steps.length + 1, lastOf(steps) ?? needs));
  return steps;
}

/** The hooks, and behind them the step that waits for them. */
function behind(hooks: readonly Step[], step: Step): Step[] {
  return [...hooks, waitingFor(hooks, step)];
}

function waitingFor(hooks: readonly Step[], step: Step): Step {
  return { ...step, needs: lastOf(hooks) ?? step.needs };
}

function lastOf(steps: readonly Step[]): string[] | null {
  const last = steps.at(-1);
  return last === undefined ? null : [last.id];
}

/** The same steps, none before one that it needs, and otherwise in the order in which they are given. */
function inOrder(steps: readonly Step[]): Step[] {
  const placed = new Set<string>();
  const waiting = new Set(steps);
  const ordered: Step[] = [];
  while (waiting.size > 0) {
    const next = [...waiting].find(({ needs }) => needs.every((need) => placed.has(need)));
    if (next === undefined) throw new Error("steps of a plan wait for each other");
    waiting.delete(next);
    placed.add(next.id);
    ordered.push(next);
  }
  return ordered;
}

/** Steps that give the new release traffic, and have none such before them: one for each host of the first batch. */
function firstMoves(steps: readonly Step[], place: Place): Step[] {
  const needsOf = new Map(steps.map((step) => [step.id, step.needs]));
  const moves = steps.filter(({ action }) => action.kind === "shift" && gains(action.before, action.after, place));
  const ids = new Set(moves.map(({ id }) => id));
  return moves.filter((move) => !reaches(move.needs));

  function reaches(needs: readonly string[]): boolean {
    const seen = new Set<string>();
    const open = [...needs];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      if (ids.has(id)) return true;
      if (seen.has(id)) continue;
      seen.add(id);
      open.push(...(needsOf.get(id) ?? []));
    }
    return false;
  }
}

function gains(before: Assignment, after: Assignment, place: Place): boolean {
  const count = (assignment: Assignment, service: string): number =>
    (assignment[service] ?? []).filter(({ slot }) => slot === place).length;
  return Object.keys(after).some((service) => count(after, service) > count(before, service));
}
