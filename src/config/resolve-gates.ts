import type { ConfigInput } from "./schema.ts";
import type { FreezeWindow, GatePolicy, Reviewers } from "./types-gates.ts";
import { milliseconds } from "./units.ts";
import { weekTime } from "./week-time.ts";

type EnvironmentInput = ConfigInput["environments"][string];
type FreezeInput = NonNullable<ConfigInput["freeze"]>[number];

/** The gates of an environment, with the project's freeze windows and teams in them. */
export function resolveGates(input: EnvironmentInput, project: Pick<ConfigInput, "teams" | "freeze">): GatePolicy {
  return {
    on: {
      push: listed(input.on?.push) ?? [],
      tags: listed(input.on?.tags) ?? [],
      checks: listed(input.on?.checks) ?? [],
      schedule: listed(input.on?.schedule) ?? [],
    },
    guard: input.guard ?? false,
    statuses: listed(input.statuses) ?? [],
    reviewed: resolveReviewed(input.reviewed ?? false),
    branches: listed(input.branches),
    tags: listed(input.tags),
    after: resolveAfter(input.after ?? []),
    confirm: input.confirm ?? false,
    reviewers: input.reviewers && resolveReviewers(input.reviewers, project.teams ?? {}),
    waitMs: milliseconds(input.wait ?? 0),
    freeze: [...(project.freeze ?? []), ...(input.freeze ?? [])].map(resolveFreeze),
    emergency: input.emergency && {
      passes: input.emergency.passes,
      reviewWithinMs: milliseconds(input.emergency.review ?? "24h"),
    },
    drift: input.drift ?? "report",
    expiresMs: milliseconds(input.expires ?? "7d"),
  };
}

function listed(written: string | readonly string[] | undefined): readonly string[] | undefined {
  return typeof written === "string" ? [written] : written;
}

function resolveReviewed(written: NonNullable<EnvironmentInput["reviewed"]>): GatePolicy["reviewed"] {
  if (written === false) return undefined;
  return { approvals: (written === true ? undefined : written.approvals) ?? 1 };
}

function resolveAfter(written: NonNullable<EnvironmentInput["after"]>): GatePolicy["after"] {
  if (Array.isArray(written)) return written.map((environment) => ({ environment, healthyMs: 0 }));
  return Object.entries(written).map(([environment, time]) => ({ environment, healthyMs: milliseconds(time) }));
}

function resolveReviewers(
  written: NonNullable<EnvironmentInput["reviewers"]>,
  teams: Readonly<Record<string, readonly string[]>>,
): Reviewers {
  const given = Array.isArray(written) ? { people: written } : written;
  const {
    people = [],
    teams: named = [],
    count,
    selfReview,
    valid,
  }: Exclude<typeof written, readonly string[]> = given;
  return {
    people: [...new Set([...people, ...named.flatMap((team) => teams[team] ?? [])])],
    named: [...people, ...named.map((team) => `team ${team}`)],
    count: count ?? 1,
    selfReview: selfReview ?? false,
    validMs: milliseconds(valid ?? "24h"),
  };
}

function resolveFreeze(written: FreezeInput): FreezeWindow {
  const common = { zone: written.zone ?? "UTC", reason: written.reason ?? "" };
  if (!("weekly" in written))
    return { ...common, kind: "dates", from: localTime(written.from), until: localTime(written.until) };
  return { ...common, kind: "weekly", from: point(written.weekly.from), until: point(written.weekly.until) };
}

function localTime(written: string): string {
  return written.length === "2026-12-20".length ? `${written}T00:00` : written.replace(" ", "T");
}

function point(written: string): { day: number; minute: number } {
  const found = weekTime(written);
  if (found === undefined) throw new TypeError(`${written}: no rule has refused this point of the week`);
  return found;
}
