import type { GateName } from "../config/types-gates.ts";
import type { DeploymentKind } from "../deploy/types.ts";
import { changedKeys } from "../release/changed-keys.ts";
import type { ReleaseDocument } from "../release/types.ts";
import type { Judgement } from "./gates/types.ts";
import type { EnvironmentState, HealthyRelease } from "./record/types.ts";

/**
 * One thing that should be known before a deployment. `not-asked`: nothing demands it here, or nobody measures it. `passed-by-emergency`: it would have stopped the
 * deployment.
 */
export type ChecklistRow = {
  readonly item: string;
  readonly state: "ok" | "not-ok" | "not-asked" | "passed-by-emergency";
  /** One sentence without its end, masked with the plan that holds it. */
  readonly text: string;
};

/** All that the checklist is made of: what the gates said, the releases, the environment's record, and what was seen on the hosts. */
export type ChecklistFacts = {
  readonly kind: DeploymentKind;
  readonly judgement: Judgement;
  readonly document: ReleaseDocument;
  /** The live release; null where nothing is live. */
  readonly previous: ReleaseDocument | null;
  readonly state: EnvironmentState;
  /** What runs of the live release; null where nothing is live. */
  readonly seen:
    | {
        readonly drift: readonly string[];
        readonly containers: readonly { name: string; status: string; health: string | null }[];
      }
    | { readonly unknown: string }
    | null;
  /** Whether the migration of this release succeeded before; null where it never ended here. */
  readonly migratedBefore: boolean | null;
  /** Names of images that hosts lack of the release that a rollback would choose afterwards; null where that could not be told. */
  readonly wayBackLacks: readonly string[] | null;
  /** Hosts on which both releases do not fit beside each other, each a sentence. */
  readonly shortages: readonly string[];
};

type Row = Omit<ChecklistRow, "item">;

/** How a row comes about: by the answers of gates, or by what is known otherwise. A new one is one line here. */
const items: readonly (readonly [item: string, from: readonly GateName[] | ((facts: ChecklistFacts) => Row)])[] = [
  ["checks", ["checks", "statuses"]],
  ["coverage", coverage],
  ["review", ["reviewed"]],
  ["approvals", ["reviewers"]],
  ["leaks", ["leaks"]],
  ["scan", ["scan"]],
  ["migration", migration],
  ["configuration", configuration],
  ["order", ["order"]],
  ["freeze", ["freeze"]],
  ["hold", ["guard", "hold"]],
  ["drift", drift],
  ["health", health],
  ["way back", wayBack],
  ["room", room],
];

const mostNamed = 3;

/** The readiness checklist of a deployment. Pure: the same facts give the same rows, in the same order; what a gate without a row of its own has against it comes last. */
export function makeChecklist(facts: ChecklistFacts): ChecklistRow[] {
  const rows = items.map(
    ([item, from]): ChecklistRow => ({
      item,
      ...(typeof from === "function" ? from(facts) : ofGates(facts, from)),
    }),
  );
  const shown = new Set(items.flatMap(([, from]) => (typeof from === "function" ? [] : from)));
  const others = [...new Set(facts.judgement.decisions.map(({ gate }) => gate))]
    .filter((gate) => !shown.has(gate) && gate !== "drift")
    .map((gate): ChecklistRow => ({ item: gate, ...ofGates(facts, [gate]) }))
    .filter(({ state }) => state !== "ok");
  return [...rows, ...others];
}

/** Several gates make one row: the worst of their answers counts, and what passes is only told where nothing else is. */
function ofGates({ judgement }: ChecklistFacts, gates: readonly GateName[]): Row {
  const { decisions, passedByEmergency } = judgement;
  const asked = decisions.filter(({ gate }) => gates.includes(gate));
  const over = passedByEmergency.filter(({ gate }) => gates.includes(gate));
  const against = asked.filter(({ answer }) => answer !== "pass");
  if (against.length > 0) return notOk(sentences(against));
  if (over.length > 0) return { state: "passed-by-emergency", text: sentences(over) };
  if (asked.length === 0) return notAsked("nothing demands it here");
  return ok(sentences(asked));
}

function coverage({ document }: ChecklistFacts): Row {
  const measured = Object.entries(document.release.checks?.coverage ?? {});
  if (measured.length === 0) return notAsked("no check measures it");
  return ok(measured.map(([job, percent]) => `${job} covers ${percent.toFixed(1)} % of the lines`).join(", "));
}

function migration({ kind, document, previous, migratedBefore }: ChecklistFacts): Row {
  const own = document.snapshot.migration;
  if (kind === "rollback") {
    const left = previous?.snapshot.migration ?? null;
    return ok(left === null ? "none" : "none runs on the way back; the schema stays as the release after it left it");
  }
  if (own === null) return ok("none");
  if (migratedBefore === true) return ok("ran for this release before, and does not run again");
  if (migratedBefore === false) return notOk(`failed for this release before: ${own.command.join(" ")}`);
  return ok(`runs once: ${own.command.join(" ")} in ${own.service}`);
}

function configuration({ document, previous }: ChecklistFacts): Row {
  if (previous === null) return ok("the first here");
  const keys = changedKeys(previous, document).map(({ key }) => key);
  const secrets = differing(previous.snapshot.secrets.names, document.snapshot.secrets.names);
  const changes = [...keys, ...secrets.map((name) => `the secret ${name}`)];
  return ok(changes.length === 0 ? "as it is live" : `${counted(changes.length, "change")}: ${listed(changes)}`);
}

function drift({ judgement, seen }: ChecklistFacts): Row {
  const asked = ofGates({ judgement } as ChecklistFacts, ["drift"]);
  if (asked.state === "not-ok" || asked.state === "passed-by-emergency") return asked;
  if (seen === null) return notAsked("nothing is live");
  if ("unknown" in seen) return notOk(`what runs could not be seen: ${seen.unknown}`);
  return seen.drift.length === 0 ? ok("what runs is what is recorded") : notOk(listed(seen.drift, "; "));
}

function health({ seen }: ChecklistFacts): Row {
  if (seen === null) return notAsked("nothing is live");
  if ("unknown" in seen) return notOk(`what runs could not be seen: ${seen.unknown}`);
  const ailing = seen.containers
    .filter(({ status, health: said }) => status !== "running" || said === "unhealthy")
    .map(({ name, status, health: said }) => `${name} is ${status === "running" ? (said ?? status) : status}`);
  if (ailing.length > 0) return notOk(listed(ailing));
  if (seen.containers.length === 0) return notOk("no container of the live release is there");
  return ok(
    `${counted(seen.containers.length, "container")} of what is live ${seen.containers.length === 1 ? "runs" : "run"}, none unhealthy`,
  );
}

/**
 * Where a rollback would go once a deployment has made a release live; null where there would be nothing to go back to. What a rollback leaves is withdrawn, and never
 * gone back to by itself.
 */
export function wayBackOf(state: EnvironmentState, kind: DeploymentKind, to: string): HealthyRelease | null {
  const withdrawn = new Set(state.withdrawn.map(({ release }) => release));
  if (kind === "rollback" && state.live !== null) withdrawn.add(state.live.release);
  return state.healthy.find(({ release }) => release !== to && !withdrawn.has(release)) ?? null;
}

function wayBack({ kind, state, document, wayBackLacks: lacks }: ChecklistFacts): Row {
  const back = wayBackOf(state, kind, document.release.id);
  if (back === null) return notOk("there would be no release to go back to");
  if (lacks === null) return notOk(`${back.release}; whether its images are there could not be seen`);
  if (lacks.length === 0) return ok(`${back.release}, whose images are on the hosts`);
  return ok(`${back.release}; hosts would have to get ${listed(lacks)} anew`);
}

function room({ shortages }: ChecklistFacts): Row {
  return shortages.length === 0 ? ok("enough on every host") : notOk(shortages.join("; "));
}

function differing(left: readonly string[], right: readonly string[]): string[] {
  return [...left.filter((name) => !right.includes(name)), ...right.filter((name) => !left.includes(name))];
}

function sentences(decisions: readonly { reason: string }[]): string {
  return decisions.map(({ reason }) => reason).join("; ");
}

function listed(all: readonly string[], between = ", "): string {
  const rest = all.length - mostNamed;
  return [...all.slice(0, mostNamed), ...(rest > 0 ? [`${rest} more`] : [])].join(between);
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function ok(text: string): Row {
  return { state: "ok", text };
}

function notOk(text: string): Row {
  return { state: "not-ok", text };
}

function notAsked(text: string): Row {
  return { state: "not-asked", text };
}
