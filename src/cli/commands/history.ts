import { resolveEnvironment } from "../../config/environment.ts";
import type { Config } from "../../config/types.ts";
import type { ChecklistRow } from "../../environments/checklist.ts";
import type { DeploymentEntry } from "../../environments/record/types.ts";
import { messageOf } from "../../errors.ts";
import type { Release } from "../../release/types.ts";
import type { DeploymentEntry as Recorded, Ledger } from "../../ledger/types.ts";
import { countFlag, optionalArgument } from "../arguments.ts";
import { type CommandContext, loadProject, openHistory } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { type Output, printable } from "../output.ts";
import { checklistEvent } from "../record-history.ts";
import { withSession } from "../session.ts";
import type { Flags } from "./table.ts";
import { allEvents } from "../ledger-events.ts";

type Row = Omit<DeploymentEntry, "origin"> & {
  environment: string;
  who: string;
  reason: string | null;
  /** Names that the release was given on this machine. */
  versions: readonly string[];
  /** What was ready when it began, and what was not; only for machines, and null where nobody knows any more or it never began. */
  checklist?: readonly ChecklistRow[] | null;
  /** Of a record on GitHub: its number there, and what GitHub's records say of it. */
  record?: number;
  standing?: "live" | "rollback" | null;
};
type Entry = Omit<Row, "versions">;

/**
 * Deployments of all machines, newest first: what the environments themselves remember, and behind that what this machine does.
 */
export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
): Promise<number> {
  const { output } = context;
  const config = await loadProject(context);
  const named = optionalArgument(args, 0);
  const limit = countFlag(flags, "limit", 20);
  const names = named === null ? Object.keys(config.environments) : [resolveEnvironment(config, named).name];
  const entries =
    flags["github"] === true
      ? await recordedRows(context, config, names, limit)
      : await rememberedRows(context, config, names, { named, limit, local: flags["local"] === true });
  const versions = await versionsByRelease(context, config.project);
  const rows: Row[] = entries
    // What began at the same time stays in the order in which it was asked for.
    .sort((left, right) => Date.parse(right.startedAt) - Date.parse(left.startedAt))
    .slice(0, limit)
    .map((row) => ({ ...row, versions: versions.get(row.release) ?? [] }));
  output.result(rows);
  if (rows.length === 0) output.line("no deployment yet");
  for (const row of rows) {
    const { paint } = output;
    const state =
      row.state === "succeeded"
        ? paint.green(row.state)
        : row.state === "running"
          ? paint.cyan(row.state)
          : paint.yellow(row.state);
    output.line(
      `${row.startedAt}  ${row.environment.padEnd(12)} ${row.kind.padEnd(8)} ${paint.bold(row.release)}${row.versions.map((name) => ` ${paint.cyan(name)}`).join("")}${row.siblingOf === undefined ? "" : ` (sibling of ${row.siblingOf})`} ${printable(row.ref ?? row.commit.slice(0, 7))}  ${state}  ${row.who}${row.reason === null ? "" : ` (${printable(row.reason)})`}${markOf(row.standing, paint)}`,
    );
    if (row.state !== "succeeded" && row.outcome !== null)
      output.line(`${" ".repeat(26)}${paint.dim(printable(row.outcome))}`);
  }
  return exitCodes.done;
}

function markOf(standing: Row["standing"], paint: Output["paint"]): string {
  if (standing === "live") return `  ${paint.green("← live")}`;
  return standing === "rollback" ? `  ${paint.cyan("← a rollback goes back to it")}` : "";
}

/** What the environments themselves remember, and behind that what this machine does. */
async function rememberedRows(
  context: CommandContext,
  config: Config,
  names: readonly string[],
  { named, limit, local: only }: { named: string | null; limit: number; local: boolean },
): Promise<Entry[]> {
  const asked = only ? [] : await Promise.all(names.map((name) => remembered(context, config, name, limit)));
  const remote = asked.flat();
  const local = await localRows(context, config.project, named, limit);
  const known = new Set(remote.map((row) => row.deployment));
  return [...remote, ...local.filter((row) => !known.has(row.deployment))];
}

/** What GitHub has records of. */
async function recordedRows(
  context: CommandContext,
  config: Config,
  names: readonly string[],
  limit: number,
): Promise<Entry[]> {
  const { githubRows } = await import("../github-rows.ts");
  const found = await githubRows(context, config, names, limit);
  return found.map(({ entry, record, standing }) => ({ ...rowOf(entry), record, standing }));
}

/** The names of releases as they stand now: of a name that was moved, its last word counts. */
async function versionsByRelease(context: CommandContext, project: string): Promise<Map<string, string[]>> {
  const ledger = await openHistory(context);
  try {
    const byName = new Map((await ledger.versions(project)).toReversed().map((entry) => [entry.name, entry.release]));
    const names = Map.groupBy(byName, ([, release]) => release);
    return new Map([...names].map(([release, entries]) => [release, entries.map(([name]) => name)]));
  } finally {
    await ledger.close();
  }
}

async function remembered(context: CommandContext, config: Config, name: string, limit: number): Promise<Entry[]> {
  try {
    return await withSession(context, config, resolveEnvironment(config, name), async (session) => {
      const read = await session.record.read();
      const newest = context.output.mode === "human" ? [] : (read?.state.deployments ?? []).slice(0, limit);
      const plans = await Promise.all(newest.map(({ deployment }) => session.record.readPlan(deployment)));
      return (read?.state.deployments ?? []).map(({ origin, ...entry }, index) => ({
        ...entry,
        ...(index < newest.length ? { checklist: plans[index]?.checklist ?? null } : {}),
        environment: name,
        who: origin.who,
        reason: origin.reason,
      }));
    });
  } catch (error) {
    if (context.signal.aborted) throw error;
    context.output.note(
      `warning: ${name} cannot be asked (${messageOf(error)}); what follows is what this machine remembers of it`,
    );
    return [];
  }
}

async function localRows(
  context: CommandContext,
  project: string,
  environment: string | null,
  limit: number,
): Promise<Entry[]> {
  const ledger = await openHistory(context);
  try {
    const entries = await ledger.history({ project, limit, ...(environment === null ? {} : { environment }) });
    const checklists =
      context.output.mode === "human" ? [] : await Promise.all(entries.map(({ id }) => checklistOf(ledger, id)));
    const origins = await Promise.all(
      entries.map(async ({ release }) => {
        const known = (await ledger.findRelease(project, release))?.payload as Release | undefined;
        return known?.origin ?? null;
      }),
    );
    return entries.map((entry, index) => ({
      ...rowOf(entry),
      ...(index < checklists.length ? { checklist: checklists[index] ?? null } : {}),
      ...(typeof origins[index] === "string" ? { siblingOf: origins[index] } : {}),
    }));
  } finally {
    await ledger.close();
  }
}

function rowOf(entry: Recorded): Entry {
  return {
    deployment: entry.id,
    environment: entry.environment,
    kind: entry.kind,
    release: entry.release,
    from: entry.fromRelease,
    commit: entry.commit,
    ref: entry.ref,
    state: entry.state as Row["state"],
    who: entry.who,
    reason: entry.why,
    startedAt: new Date(entry.startedAt ?? entry.createdAt).toISOString(),
    endedAt: entry.endedAt === null ? null : new Date(entry.endedAt).toISOString(),
    outcome: entry.outcome,
  };
}

/** The last checklist that this machine's history has of a deployment. */
async function checklistOf(ledger: Ledger, deployment: string): Promise<readonly ChecklistRow[] | null> {
  const events = await allEvents(ledger, deployment);
  const last = events.findLast(({ kind }) => kind === checklistEvent);
  return last === undefined ? null : (last.payload as ChecklistRow[]);
}
