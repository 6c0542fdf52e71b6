import { resolveEnvironment } from "../../config/environment.ts";
import { nearest } from "../../config/nearest.ts";
import type { Config } from "../../config/types.ts";
import { ShiplockError } from "../../errors.ts";
import type { Told } from "../../notify/dispatch.ts";
import { type NoticeEvent, noticeEvents, type NoticeRule } from "../../notify/types.ts";
import { repositoryRoot, resolveCommit } from "../../release/source.ts";
import { argument, countFlag, textFlag } from "../arguments.ts";
import { type CommandContext, loadProject, openHistory } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { type NoticeInput, openNotices } from "../notices.ts";
import { printable } from "../output.ts";
import { noticeRules } from "../notifiers.ts";
import type { Flags } from "./table.ts";

/** Somebody waits before the terminal and wants to know: longer than a deployment does. */
const testMs = 30_000;

/** `test` sends a sample to everybody who is told; `log` shows what became of earlier notices. */
export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
): Promise<number> {
  const what = argument(args, 0);
  if (what === "test") return test(context, await loadProject(context), flags);
  if (what === "log") return log(context, await loadProject(context), flags);
  throw unknown("what `shiplock notify` does", what, ["test", "log"]);
}

async function test(context: CommandContext, config: Config, flags: Flags): Promise<number> {
  const { output } = context;
  const event = eventOf(textFlag(flags, "event"));
  const named = textFlag(flags, "environment");
  const environment = named === null ? null : resolveEnvironment(config, named).name;
  const rules = rulesFor(noticeRules(context, config), { event, environment, to: textFlag(flags, "to") });
  const notices = openNotices(context, config, environment ?? Object.keys(config.environments)[0] ?? null, {
    kind: "test",
    rules,
    quiet: true,
  });
  notices.tell({ ...sample(event ?? "succeeded"), commit: await checkedOut(config) });
  const place = new Map(rules.map(({ notifier }, index) => [notifier.name, index]));
  const told = (await notices.flush(testMs)).toSorted(
    (left, right) => (place.get(left.notifier) ?? 0) - (place.get(right.notifier) ?? 0),
  );
  output.result({ event: event ?? "succeeded", deliveries: told.map(deliveryDocument) });
  for (const one of told) output.line(line(context, one));
  if (told.length === 0)
    output.line(`nobody is told of ${event ?? "this"}${environment === null ? "" : ` in ${environment}`}`);
  return told.every(({ delivery }) => delivery.status === "delivered") ? exitCodes.done : exitCodes.failed;
}

/** Everybody, unless an event or an environment was named: then those who would be told. */
function rulesFor(
  rules: readonly NoticeRule[],
  { event, environment, to }: { event: NoticeEvent | null; environment: string | null; to: string | null },
): readonly NoticeRule[] {
  if (rules.length === 0)
    throw new ShiplockError({
      code: "notify/nobody",
      blame: "usage",
      message: "nobody is told of anything: the configuration has no `notify`",
      remedy: "add who shall be told; docs/notifications.md has examples",
    });
  const names = rules.map(({ notifier }) => notifier.name);
  if (to !== null && !names.includes(to)) throw unknown("a notifier", to, names);
  return rules
    .filter(({ notifier }) => to === null || notifier.name === to)
    .map((rule) => ({
      ...rule,
      ...(event === null ? { events: noticeEvents } : {}),
      ...(environment === null ? { environments: null } : {}),
    }));
}

/** What is told beside commits needs one that is really there; null outside of a repository. */
async function checkedOut(config: Config): Promise<string | null> {
  try {
    return (await resolveCommit(await repositoryRoot(config.folder), null)).hash;
  } catch (error) {
    if (error instanceof ShiplockError) return null;
    throw error;
  }
}

function sample(event: NoticeEvent): NoticeInput {
  return {
    event,
    release: "0000000-sample",
    subject: "A sample of a commit's first line",
    outcome: "this is a test of `shiplock notify test`; nothing was deployed",
    steps: [{ title: "a sample of a step", host: "host-1", ms: 1_200, state: "done" }],
    lastLines: ["a sample of what a step wrote"],
  };
}

function line({ output: { paint } }: CommandContext, { notifier, durationMs, delivery }: Told): string {
  const { status, tries, detail } = delivery;
  const how = `${Math.round(durationMs)} ms${tries > 1 ? `, ${tries} tries` : ""}`;
  const name = notifier.padEnd(16);
  if (status === "delivered")
    return `${paint.green("✓")} ${name} delivered ${paint.dim(`${printable(detail)} (${how})`)}`;
  const todo = delivery.remedy === null ? "" : `\n  ${" ".repeat(16)} ${paint.cyan("what to do")}: ${delivery.remedy}`;
  return `${paint.red("✗")} ${name} failed: ${printable(detail)} ${paint.dim(`(${how})`)}${todo}`;
}

function deliveryDocument({ notifier, durationMs, delivery }: Told): Record<string, unknown> {
  const { status, tries, detail } = delivery;
  const remedy = delivery.status === "failed" ? { remedy: delivery.remedy } : {};
  return { notifier, status, tries, milliseconds: Math.round(durationMs), detail, ...remedy };
}

async function log(context: CommandContext, config: Config, flags: Flags): Promise<number> {
  const { output } = context;
  const { paint } = output;
  const limit = countFlag(flags, "limit", 20);
  const ledger = await openHistory(context);
  const found = await ledger.notices({ project: config.project, limit }).finally(() => ledger.close());
  output.result(found.map(({ payload: _payload, ...rest }) => rest));
  if (found.length === 0) output.line("this machine has told nobody anything yet");
  for (const { at, notifier, event, environment, deployment, status, tries, durationMs, detail } of found) {
    const about = [environment, deployment].filter(Boolean).join(" ");
    const how = `${printable(detail)} (${tries} ${tries === 1 ? "try" : "tries"}, ${durationMs} ms)`;
    const mark = status === "delivered" ? paint.green("✓") : paint.red("✗");
    output.line(
      `${mark} ${new Date(at).toISOString()} ${notifier.padEnd(16)} ${event.padEnd(12)} ${about} ${paint.dim(how)}`,
    );
  }
  return exitCodes.done;
}

function eventOf(text: string | null): NoticeEvent | null {
  if (text === null) return null;
  const found = noticeEvents.find((event) => event === text);
  if (found === undefined) throw unknown("an event", text, noticeEvents);
  return found;
}

function unknown(what: string, given: string, known: readonly string[]): ShiplockError {
  const near = nearest(given, known);
  return new ShiplockError({
    code: "notify/unknown",
    blame: "usage",
    message: `${JSON.stringify(given)} is not ${what}${near === undefined ? "" : ` (did you mean "${near}"?)`}`,
    remedy: `name one of: ${known.join(", ")}`,
  });
}
