import { systemClock } from "../../clock.ts";
import { parseDuration } from "../../config/units.ts";
import { parseLine, shortestHead } from "../../environments/audit/chain.ts";
import { headText, judgeLog, type KnownHead, type LogProblem } from "../../environments/audit/judge-log.ts";
import type { AuditEntry, AuditReading } from "../../environments/audit/types.ts";
import { ShiplockError } from "../../errors.ts";
import { argument, countFlag, textFlag } from "../arguments.ts";
import { rememberedHeads } from "../audit-memory.ts";
import { type CommandContext, loadEnvironment, openHistory } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import type { TargetSession } from "../../targets/types.ts";
import { withSession } from "../session.ts";
import type { Flags } from "./table.ts";

const shownUnlessAsked = 50;

/** Who did what in an environment, oldest first; with `--verify`, whether the log is what it was. */
export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
): Promise<number> {
  const { output } = context;
  const limit = countFlag(flags, "limit", shownUnlessAsked);
  const since = sinceFlag(flags, systemClock.now());
  const given = headFlag(flags);
  const verify = flags["verify"] === true || given !== null;
  const { config, environment } = await loadEnvironment(context, argument(args, 0));
  const read = async (session: TargetSession): Promise<number> => {
    const reading = await session.audit.read(verify || since !== null ? undefined : limit);
    const whose = { project: config.project, environment: environment.name };
    const known = verify ? [...(await ownMemory(context, whose)), ...(given === null ? [] : [given])] : [];
    const problem = verify ? judgeLog(reading, whose, known) : null;
    const asked = reading.lines
      .map((line, index) => ({ line: reading.first + index, entry: parseLine(line) }))
      .filter(({ entry }) => since === null || entry === null || entry.at >= since);
    // Who only verifies wants to know the answer; entries are listed on top of it when they were asked for.
    const listed = verify && since === null && textFlag(flags, "limit") === null ? [] : asked.slice(-limit);
    output.result({
      ...whose,
      head: reading.head,
      entries: listed.map(({ line, entry }) => entry ?? { line, unreadable: true }),
      ...(verify ? { verified: problem === null, problem, remembered: known.length } : {}),
    });
    for (const { line, entry } of listed) output.line(entry === null ? unreadable(line, output) : text(entry, output));
    if (!verify && reading.head.sequence === 0) output.line("nothing was entered yet");
    if (!verify) return exitCodes.done;
    tell(output, reading, problem, known);
    return problem === null ? exitCodes.done : exitCodes.failed;
  };
  return withSession(context, config, environment, read, { kind: "record" });
}

/** Ends of the log that this machine's deployments left in its history. */
async function ownMemory(
  context: CommandContext,
  { project, environment }: { project: string; environment: string },
): Promise<KnownHead[]> {
  const ledger = await openHistory(context);
  const heads = await rememberedHeads(ledger, project, environment).finally(() => ledger.close());
  return heads.map(({ hash, sequence, deployment }) => ({ hash, sequence, from: `this machine's ${deployment}` }));
}

function tell(output: Output, { head }: AuditReading, problem: LogProblem | null, known: readonly KnownHead[]): void {
  const { paint } = output;
  if (problem === null) {
    const against =
      known.length === 1 ? "1 end of it that is remembered" : `${known.length} ends of it that are remembered`;
    output.line(
      `${paint.green("the audit log is whole")}: ${headText(head)}${known.length === 0 ? "; nobody here remembers an earlier end of it" : `; it fits ${against}`}`,
    );
    return;
  }
  if (problem.kind === "line")
    output.line(`${paint.red("the audit log was changed")}: line ${problem.line}: ${problem.problem}`);
  else
    output.line(
      `${paint.red("the audit log was written anew")}: it fits itself, but does not hold the end ${problem.head.hash.slice(0, 16)} of ${problem.head.from}`,
    );
  output.line(
    `${paint.cyan("what to do")}: find out who may write the folder \`audit\` and the record of this environment on its home host; compare with a backup`,
  );
}

function text({ sequence, at, who, from, action, subject, details }: AuditEntry, { paint }: Output): string {
  const told = Object.entries(details).flatMap(([key, value]) => {
    // Who acted stands in front.
    if (key === "by" && value === who.name) return [];
    const words = Array.isArray(value) ? value.join(", ") : value;
    return words === null || words === "" ? [] : [`${key} ${String(words)}`];
  });
  const what = [paint.bold(action), ...(subject === null ? [] : [subject])].join(" ");
  const vouched = who.source === "local" ? "" : ` (${who.source})`;
  return `${String(sequence).padStart(5)}  ${at}  ${who.name}${vouched} ${paint.dim(`from ${from}`)}  ${what}${told.length === 0 ? "" : `: ${told.join("; ")}`}`;
}

function unreadable(line: number, { paint }: Output): string {
  return `${String(line).padStart(5)}  ${paint.red("is no entry; `--verify` says more")}`;
}

function headFlag(flags: Flags): KnownHead | null {
  const hash = textFlag(flags, "head");
  if (hash === null) return null;
  if (new RegExp(`^[0-9a-f]{${shortestHead},64}$`, "i").test(hash)) return { hash, sequence: null, from: "--head" };
  throw new ShiplockError({
    code: "audit/head",
    blame: "usage",
    message: `--head takes the hash that a deployment told, at least its first ${shortestHead} characters, not ${JSON.stringify(hash)}`,
    remedy: "copy it from the last lines of a deployment, or from `shiplock audit --json`",
  });
}

/** A day, a point in time, or how long ago; as ISO 8601. */
function sinceFlag(flags: Flags, now: Date): string | null {
  const written = textFlag(flags, "since");
  if (written === null) return null;
  const ago = parseDuration(written);
  const at = ago === undefined ? Date.parse(/^\d{4}-\d{2}-\d{2}/.test(written) ? written : "") : now.getTime() - ago;
  if (!Number.isNaN(at)) return new Date(at).toISOString();
  throw new ShiplockError({
    code: "audit/since",
    blame: "usage",
    message: `--since takes a day, a point in time or a duration, not ${JSON.stringify(written)}`,
    remedy: "write --since 2026-11-20, --since 2026-11-20T08:00Z or --since 2d",
  });
}
