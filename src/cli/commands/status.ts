import { systemClock } from "../../clock.ts";
import { documentOf } from "../../deploy/read-record.ts";
import type { ChecklistRow } from "../../environments/checklist.ts";
import { withExpired } from "../../environments/queue/changes.ts";
import { occupiedText } from "../../environments/gates/guard.ts";
import type { EnvironmentState } from "../../environments/record/types.ts";
import { messageOf, ShiplockError } from "../../errors.ts";
import type { Config, Environment } from "../../config/types.ts";
import { summaryText } from "../../release/scan/summary.ts";
import type { Release } from "../../release/types.ts";
import type { Observation } from "../../targets/types.ts";
import { watchWords } from "../../environments/watch/record.ts";
import { optionalArgument } from "../arguments.ts";
import { behindSentences } from "../behind.ts";
import { checklistWords } from "../checklist-lines.ts";
import { type CommandContext, loadProject } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { errorDocument, printable } from "../output.ts";
import { oldSecretsLine } from "../secret-ages.ts";
import { requestLines, type RequestsSeen } from "../request-lines.ts";
import { withSession } from "../session.ts";
import { goneRequests } from "../with-requests.ts";
import type { Flags } from "./table.ts";

type Status = {
  environment: string;
  state: EnvironmentState | null;
  subject: string | null;
  /** What is known of the live images, in a few words; `scan: off` where that was said; null where there is no scan. */
  scan: string | null;
  drift: string[];
  behind: string[];
  observations: Observation[];
  holder: string | null;
  /** Which secrets are older than they should be, in one line; null for none. */
  oldSecrets: string | null;
  /** Requests that have not begun and whose command is gone. */
  gone: string[];
  /** Of the live release, as it was when that was deployed; only where one environment is asked for. */
  checklist: readonly ChecklistRow[];
  error: ShiplockError | null;
};

/** One line per environment: what is live, whose it is, since when, whether it runs. */
export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  _flags: Flags,
): Promise<number> {
  const { output } = context;
  const config = await loadProject(context);
  const { resolveEnvironment } = await import("../../config/environment.ts");
  const named = optionalArgument(args, 0);
  const environments = named === null ? Object.values(config.environments) : [resolveEnvironment(config, named)];
  const statuses = await Promise.all(
    environments.map((environment) => look(context, config, environment, named !== null)),
  );
  output.result(
    statuses.map((status) => ({
      ...status,
      error: status.error === null ? null : errorDocument(status.error),
    })),
  );
  const width = Math.max(...statuses.map((status) => status.environment.length));
  for (const status of statuses) {
    output.line(`${output.paint.bold(status.environment.padEnd(width))}  ${describe(status, context)}`);
    if (status.state !== null)
      for (const line of requestLines(requestsSeen(config, status, status.state), output.paint))
        output.line(`${" ".repeat(width)}  ${line}`);
    const kept = keptFor(config, status);
    if (kept !== null) output.line(`${" ".repeat(width)}  ${output.paint.yellow(printable(kept))}`);
    if (named !== null) details(status, context);
    if (status.oldSecrets !== null) output.line(`${" ".repeat(width)}  ${output.paint.yellow(status.oldSecrets)}`);
    for (const sentence of status.behind) output.line(`${" ".repeat(width)}  ${output.paint.yellow(sentence)}`);
    for (const sentence of status.drift)
      output.line(`${" ".repeat(width)}  ${output.paint.yellow("drift")}: ${sentence}`);
    if (status.error?.remedy !== undefined)
      output.line(`${" ".repeat(width)}  ${output.paint.cyan("what to do")}: ${status.error.remedy}`);
  }
  return statuses.some((status) => status.error !== null) ? exitCodes.failed : exitCodes.done;
}

function requestsSeen(config: Config, { environment, gone }: Status, known: EnvironmentState): RequestsSeen {
  const now = systemClock.now();
  const reviewers = config.environments[environment]?.gates.reviewers;
  return { state: withExpired(known, now), gone: new Set(gone), reviewers, now };
}

async function look(
  context: CommandContext,
  config: Config,
  environment: Environment,
  closely: boolean,
): Promise<Status> {
  const empty = {
    environment: environment.name,
    state: null,
    subject: null,
    scan: scanWords(environment, null),
    drift: [],
    behind: [],
    observations: [],
    holder: null,
    oldSecrets: await oldSecretsLine(context, config, environment),
    gone: [],
    checklist: [],
  };
  try {
    return await withSession(context, config, environment, async (session) => {
      const read = await session.record.read();
      const state = read?.state ?? null;
      const document = await documentOf(session, state?.live?.document ?? null);
      const live = state?.live ?? null;
      const [observations, holder, gone, plan] = await Promise.all([
        session.observe(state, document),
        session.leaseHolder(),
        state === null ? new Set<string>() : goneRequests(session, state),
        live === null || !closely ? null : session.record.readPlan(live.deployment),
      ]);
      return {
        ...empty,
        state,
        subject: document?.release.subject ?? null,
        scan: scanWords(environment, document?.release ?? null),
        behind: behindSentences(state, session.skipped).map(({ host, sentence }) => `${host} ${sentence}`),
        observations,
        drift: observations.flatMap((observation) =>
          observation.drift.map((sentence) => `${observation.host}: ${sentence}`),
        ),
        holder: holder === null ? null : `${holder.owner.who} from ${holder.owner.from} since ${holder.owner.since}`,
        gone: [...gone],
        checklist: plan?.checklist ?? [],
        error: null,
      };
    });
  } catch (error) {
    return {
      ...empty,
      error:
        error instanceof ShiplockError
          ? error
          : new ShiplockError({ code: "bug", blame: "bug", message: messageOf(error) }),
    };
  }
}

function keptFor(config: Config, { environment, state }: Status): string | null {
  const gates = config.environments[environment]?.gates;
  return state === null || gates === undefined ? null : occupiedText(state, gates);
}

function scanWords({ scan: policy }: Environment, live: Release | null): string | null {
  if (policy === "off") return "scan: off";
  if (policy === undefined || live === null) return null;
  // Records of an earlier Shiplock do not have it.
  const found = live.scan ?? null;
  return found === null ? "scan: not done" : `scan: ${summaryText(found)}`;
}

function describe(status: Status, context: CommandContext): string {
  const { paint } = context.output;
  if (status.error !== null) return paint.red(`cannot be seen: ${status.error.message}`);
  const { state } = status;
  const live = state?.live ?? null;
  const parts = [
    live === null
      ? paint.dim("nothing is live")
      : `${paint.bold(live.release)} ${printable(live.ref ?? live.commit.slice(0, 7))}: ${printable(status.subject ?? "")}, by ${live.by} since ${live.at}`,
  ];
  if (live !== null) parts.push(status.drift.length === 0 ? paint.green("runs as recorded") : paint.yellow("drift"));
  if (status.scan !== null) parts.push(status.scan === "scan: off" ? paint.yellow(status.scan) : status.scan);
  const watch = watchWords(state, systemClock.now());
  if (watch !== null) parts.push(watch.bad ? paint.red(printable(watch.words)) : printable(watch.words));
  const operation = state?.operation ?? null;
  if (operation !== null)
    parts.push(
      status.holder === null
        ? paint.red(
            `deployment ${operation.deployment} of ${operation.release} was interrupted: \`shiplock resume ${status.environment}\` or \`shiplock abort ${status.environment}\``,
          )
        : paint.cyan(`${operation.release} is being deployed`),
    );
  if (status.holder !== null) parts.push(paint.cyan(`being changed by ${status.holder}`));
  if (state?.automaticPaused !== null && state?.automaticPaused !== undefined)
    parts.push(paint.yellow(`automatic deployments paused: ${state.automaticPaused.reason}`));
  return parts.join("; ");
}

function details(status: Status, context: CommandContext): void {
  const { output } = context;
  if (status.checklist.length > 0)
    output.line(`  ${output.paint.bold("deployed with")}  ${checklistWords(status.checklist, output)}`);
  for (const observation of status.observations) {
    output.line(`  ${output.paint.bold(observation.host)}`);
    for (const container of observation.containers) {
      const health = container.health === null ? "" : ` (${container.health})`;
      output.line(
        `    ${container.name.padEnd(36)} ${container.status}${health} ${output.paint.dim(`${container.release} slot ${container.place}`)}`,
      );
    }
  }
}
