import { counted } from "../counted.ts";
import { strategies } from "./strategies/table.ts";
import type { DraftStep, Strategy, StrategyOptions, StrategyService } from "./strategies/types.ts";
import { amountOf, drainStep, replicasOf } from "./strategies/types.ts";
import { withHookSteps } from "./hooks/steps.ts";
import type { Hooks } from "./hooks/types.ts";
import type { Assignment, DeploymentKind, Origin, Place, Plan, ReplicaRef, Step, StepAction } from "./types.ts";

export type PlanHost = {
  name: string;
  /** What answers on this host now. */
  assignment: Assignment;
  /** Backing services that have no container yet. */
  missingBacking: readonly string[];
  /** Whether the proxy needs work before the first container: nothing, something that is missing, or another router in the place of the one that has the traffic. */
  proxy: "ready" | "set-up" | "replace";
  /** Whether names, routes or ports are left to change when the old release has gone. */
  settleProxy: boolean;
  /** What of the live release is on this host. */
  live: { place: Place; services: readonly StrategyService[] } | null;
  /** Why two releases do not fit beside each other here, with the figures; null where they do. */
  shortage: string | null;
};

export type PlanMigration = { service: string; command: readonly string[]; timeoutMs: number };

/** All that a plan is made of: facts gathered beforehand, and choices already taken. */
export type PlanFacts = {
  deployment: string;
  kind: DeploymentKind;
  project: string;
  environment: string;
  origin: Origin;
  createdAt: string;
  homeHost: string;
  hosts: readonly PlanHost[];
  /** Configured hosts that are down and left out. */
  skipped: readonly string[];
  release: {
    id: string;
    images: readonly string[];
    services: readonly StrategyService[];
    migration: PlanMigration | null;
  };
  live: { release: string; place: Place } | null;
  place: Place;
  warm: boolean;
  strategy: StrategyOptions;
  /** How long everything must stay healthy before the commit point, in milliseconds. */
  bakeMs: number;
  /** The commands of the team at the points of this deployment; none unless given. */
  hooks?: Hooks;
  /** Facts a person should know, beside those the strategy adds. */
  notes: readonly string[];
};

/**
 * Makes the plan of a deployment: pure data from facts. `plan` prints it and `deploy` runs it.
 * Steps of one host follow each other, except that files are written beside them; hosts of a batch run beside each other, batches one after another; everything that does not touch
 * what serves (files, pulls, backing services, proxy) happens on all hosts before the first container is replaced.
 */
export function assemblePlan(given: PlanFacts): Plan {
  const facts = withoutShortage(given);
  const strategy = strategies[facts.strategy.kind];
  const prepared = facts.hosts.map((host) => prepareHost(host, facts, strategy.proxied));
  const preparedIds = prepared.flatMap(({ ends }) => ends);
  const migration = migrateStep(facts, preparedIds);
  const before = migration === null ? preparedIds : [migration.id];
  const replaced = replaceHosts(facts, before);
  const verify = step(null, "verify", { kind: "verify", bakeMs: facts.bakeMs }, verifyTitle(facts), replaced.ends);
  const commit = step(facts.homeHost, "commit", { kind: "commit" }, `record ${facts.release.id} as live`, [verify.id]);
  const cleaned = facts.hosts.map((host) => cleanHost(host, facts, commit.id, strategy));
  const close = step(
    facts.homeHost,
    "close",
    { kind: "close" },
    "close the operation",
    cleaned.flatMap(({ ends }) => ends),
  );
  const steps = [
    ...prepared.flatMap((stretch) => stretch.steps),
    ...(migration === null ? [] : [migration]),
    ...replaced.steps,
    verify,
    commit,
    ...cleaned.flatMap((stretch) => stretch.steps),
    close,
  ];
  const afterFailure = facts.hooks?.afterFailure ?? [];
  const gap = facts.live === null ? null : strategy.gap(facts.strategy);
  return {
    version: 1,
    deployment: facts.deployment,
    kind: facts.kind,
    project: facts.project,
    environment: facts.environment,
    from: facts.live?.release ?? null,
    to: facts.release.id,
    place: facts.place,
    fromPlace: facts.live?.place ?? null,
    warm: facts.warm,
    strategy: facts.strategy.kind,
    homeHost: facts.homeHost,
    hosts: facts.hosts.map((host) => host.name),
    skipped: facts.skipped,
    steps: facts.hooks === undefined ? steps : withHookSteps(steps, facts.hooks, facts.place),
    ...(afterFailure.length === 0 ? {} : { afterFailure }),
    createdAt: facts.createdAt,
    origin: facts.origin,
    notes: [...skipNotes(facts), ...(gap === null ? [] : [gap]), ...proxyNotes(facts), ...facts.notes],
  };
}

/** Where two releases do not fit beside each other on some host, the old one stops first, and the plan says why. */
function withoutShortage(facts: PlanFacts): PlanFacts {
  const { kind, batch, parallel } = facts.strategy;
  const shortages = facts.hosts.flatMap((host) => host.shortage ?? []);
  if (kind !== "rolling" || shortages.length === 0) return facts;
  const notes = shortages.map(
    (shortage) => `${shortage}: instead of \`rolling\` this deployment is a \`recreate\`, as \`room.onShortage\` says`,
  );
  return { ...facts, strategy: { kind: "recreate", batch, parallel }, notes: [...notes, ...facts.notes] };
}

/** The steps that come before the commit point, in the plan's order: what `abort` undoes. */
export function stepsBeforeCommit(plan: Plan): Step[] {
  const index = plan.steps.findIndex((candidate) => candidate.action.kind === "commit");
  return plan.steps.slice(0, index);
}

/** Steps of a host, and the ids of those that all others of them lie before. */
type Stretch = { steps: Step[]; ends: string[] };

function prepareHost(host: PlanHost, facts: PlanFacts, proxied: boolean): Stretch {
  const { images } = facts.release;
  const files = step(host.name, "ship-files", { kind: "ship-files" }, "write the release's files", []);
  const pull = step(host.name, "pull", { kind: "pull", images }, `pull ${images.join(", ")} by digest`, []);
  const drafts: DraftStep[] = [];
  if (host.missingBacking.length > 0) {
    const names = host.missingBacking.join(", ");
    drafts.push({
      action: { kind: "backing", services: host.missingBacking },
      title: `start backing services for the first time: ${names}`,
    });
  }
  if (proxied && host.proxy !== "ready") {
    const title =
      host.proxy === "set-up"
        ? "set up the proxy"
        : "start a router with the new names and routes beside the one that runs, and hand over to it";
    drafts.push({ action: { kind: "proxy", final: false }, title });
  }
  const rest = chain(host.name, drafts, [files.id, pull.id]);
  return { steps: [files, pull, ...rest], ends: rest.length === 0 ? [files.id, pull.id] : [lastId(rest)] };
}

function migrateStep(facts: PlanFacts, needs: readonly string[]): Step | null {
  const { migration, id } = facts.release;
  if (migration === null) return null;
  return step(
    facts.homeHost,
    "migrate",
    { kind: "migrate", ...migration },
    `migrate with ${migration.command.join(" ")}, once for ${id}`,
    needs,
  );
}

function replaceHosts(facts: PlanFacts, before: readonly string[]): { steps: Step[]; ends: string[] } {
  const size = amountOf(facts.strategy.batch, facts.hosts.length, 1);
  const steps: Step[] = [];
  let needs = before;
  for (let first = 0; first < facts.hosts.length; first += size) {
    const batch = facts.hosts.slice(first, first + size);
    const lanes = batch.map((host) => chain(host.name, replaceDrafts(host, facts), needs));
    steps.push(...lanes.flat());
    needs = lanes.map(lastId);
  }
  return { steps, ends: [...needs] };
}

function replaceDrafts(host: PlanHost, facts: PlanFacts): DraftStep[] {
  const fresh = replicasOf(facts.place, facts.release.services);
  const create: DraftStep = {
    action: { kind: "create", replicas: fresh },
    title: facts.warm
      ? `take up the kept containers in slot ${facts.place}`
      : `create ${counted(fresh.length, "container")} in slot ${facts.place}`,
  };
  const strategy = strategies[facts.strategy.kind];
  const steps = strategy.steps(
    { place: facts.place, services: facts.release.services, live: host.live, assignment: host.assignment },
    facts.strategy,
  );
  return facts.place === "direct" ? steps : [create, ...steps];
}

function cleanHost(host: PlanHost, facts: PlanFacts, after: string, strategy: Strategy): Stretch {
  const keep = facts.place === "direct" ? null : (facts.live?.place ?? null);
  const publish = step(host.name, "publish", { kind: "publish" }, "write compose.yaml and .env for working by hand", [
    after,
  ]);
  const drafts: DraftStep[] = [];
  const drain = strategy.keepsOld ? drainOld(host, facts) : null;
  // Before the old release goes, so that no route leads to what stops.
  if (strategy.proxied && host.settleProxy)
    drafts.push({
      action: { kind: "proxy", final: true },
      title: "take names, routes and ports that only the old release had out of the proxy",
      name: "proxy-final",
    });
  // A strategy may drain before the commit point too, and the two must not share an id.
  if (drain !== null && facts.live?.place !== facts.place) drafts.push({ ...drain, name: "drain-old" });
  drafts.push({ action: { kind: "retire", keep }, title: "stop the old release and keep it for the way back" });
  drafts.push({ action: { kind: "tidy" }, title: "remove what no rollback needs" });
  const cleaned = chain(host.name, drafts, [after]);
  return { steps: [publish, ...cleaned], ends: [publish.id, lastId(cleaned)] };
}

/** What served on a host until now is let finish: the live release, or what a host that was skipped had been left with. */
function drainOld(host: PlanHost, facts: PlanFacts): DraftStep | null {
  const { live, assignment } = host;
  if (live !== null) return drainStep(replicasOf(live.place, live.services), live.services);
  const replicas = Object.entries(assignment).flatMap(([service, shares]) =>
    shares
      .filter((share) => share.slot !== facts.place)
      .map(({ slot, replica }): ReplicaRef => ({ service, place: slot, replica })),
  );
  return drainStep(replicas, facts.release.services);
}

function chain(host: string, drafts: readonly DraftStep[], first: readonly string[]): Step[] {
  const counts = new Map<string, number>();
  let needs = first;
  return drafts.map((draft) => {
    const label = draft.name ?? draft.action.kind;
    const count = (counts.get(label) ?? 0) + 1;
    counts.set(label, count);
    const made = step(host, count === 1 ? label : `${label}-${count}`, draft.action, draft.title, needs);
    needs = [made.id];
    return made;
  });
}

function step(host: string | null, name: string, action: StepAction, title: string, needs: readonly string[]): Step {
  return { id: `${host ?? "environment"}/${name}`, host, action, title, needs: [...needs] };
}

function lastId(steps: readonly Step[]): string {
  const last = steps.at(-1);
  if (last === undefined) throw new Error("a host has no steps");
  return last.id;
}

function verifyTitle(facts: PlanFacts): string {
  const hosts = facts.hosts.length === 1 ? "the host" : `${facts.hosts.length} hosts`;
  const bake = facts.bakeMs === 0 ? "" : ` for ${facts.bakeMs / 1000} s`;
  return `observe digests, health and traffic on ${hosts}${bake}, and the public address`;
}

function skipNotes(facts: PlanFacts): string[] {
  return facts.skipped.map(
    (host) =>
      `${host} is skipped: it keeps what it has and is recorded as behind; see to it that no traffic reaches it until a deployment without --skip-host has brought it up to date`,
  );
}

function proxyNotes(facts: PlanFacts): string[] {
  const replaced = facts.hosts.filter((host) => host.proxy === "replace").map((host) => host.name);
  if (replaced.length === 0) return [];
  return [
    `names or routes change: on ${replaced.join(", ")} another router takes over beside the one that runs, which finishes what it is answering; whoever resolves a service's name only once has to be restarted afterwards`,
  ];
}
