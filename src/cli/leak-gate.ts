import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { type CheckedFiles, treeHash } from "../checks/run/source.ts";
import { declaredSecrets, hookSecrets, withoutPlaces } from "../config/secret-names.ts";
import { judgeLeaks } from "../environments/gates/leaks.ts";
import type { Environment } from "../config/types.ts";
import { messageOf, ShiplockError } from "../errors.ts";
import { ledgerPath } from "../ledger/location.ts";
import type { GateAnswer } from "../ledger/types.ts";
import { openKnownClean } from "../secrets/leaks/known-clean.ts";
import { scanForLeaks } from "../secrets/leaks/scan.ts";
import type { Leak, LeakReport } from "../secrets/leaks/types.ts";
import { rulesVersion } from "../secrets/leaks/version.ts";
import { filesToCheck } from "./check-files.ts";
import type { CommandContext } from "./context.ts";
import { printable } from "./output.ts";
import type { CheckedOutCommit } from "./release-source.ts";
import { attemptSecrets, ownerOf } from "./secrets.ts";

/** So many places are named; there is no end to them where a file of keys was committed. */
const mostNamed = 20;

/** `files` of the checkout, where they are known already. `environment`: its secrets are needed afterwards anyway, so their values are looked for too, from wherever they come. */
export type LeakOptions = { files?: CheckedFiles; environment?: Environment };

/**
 * Lets a checkout through to be checked and built only when no secret is in its files. What it holds is looked through once on a machine.
 * @returns the gate's answer, for the history
 * @throws ShiplockError `gate/leaks` (exit 3), with file, line, column and rule of each, and never a value
 */
export async function demandNoLeaks(
  context: CommandContext,
  source: CheckedOutCommit,
  options: LeakOptions = {},
): Promise<GateAnswer[]> {
  const { output } = context;
  const policy = source.config.leaks;
  const report = policy === "off" ? { leaks: [], tooLong: [] } : await scan(context, source, options);
  if (report.tooLong.length > 0)
    output.note(`not looked through for secrets, since over 1 MB: ${named(report.tooLong.map(printable)).join(", ")}`);
  const { decision, blocking, letThrough } = judgeLeaks({ policy, leaks: report.leaks });
  if (decision.answer === "block")
    throw new ShiplockError({
      code: "gate/leaks",
      blame: "gate",
      message: `${decision.reason}: nothing of ${source.dirty ? "this working tree" : `commit ${source.commit.hash.slice(0, 7)}`} is checked, built or deployed`,
      details: lines(blocking),
      remedy: decision.remedy,
    });
  output.line(`${output.paint.green("secrets")} ${decision.reason}`);
  const { gate, answer, reason } = decision;
  const payload = letThrough.map(({ leak, by }) => ({ ...leak, reason: by.reason }));
  return [{ at: Date.now(), gate, answer, reason: output.mask(reason), payload }];
}

async function scan(
  context: CommandContext,
  source: CheckedOutCommit,
  { files, environment }: LeakOptions,
): Promise<LeakReport> {
  const { env, output, signal } = context;
  const folder = dirname(ledgerPath({ env, home: userInfo().homedir }));
  // A working tree is known by what it holds, a commit by its name.
  const read = files ?? (source.dirty ? await filesToCheck(source) : null);
  return scanForLeaks({
    root: source.root,
    files: async () => (read ?? (await filesToCheck(source))).files,
    tree: source.dirty && read !== null ? treeHash(read) : source.commit.hash,
    secrets: { ...declaredSecrets(source.config, env), ...(await secretsFor(context, source, environment)) },
    rules: async () => (await import("../secrets/leaks/rules.ts")).secretlintRules(),
    rulesVersion,
    known: openKnownClean(join(folder, "leaks", `${source.config.project}.json`), (error) =>
      output.note(`warning: that no secret is committed could not be remembered here: ${messageOf(error)}`),
    ),
    signal,
  });
}

async function secretsFor(
  context: CommandContext,
  { config }: CheckedOutCommit,
  environment: Environment | undefined,
): Promise<Record<string, string>> {
  if (environment === undefined) return {};
  const owner = ownerOf(config, environment.name);
  const without = "so they are not looked for in the commit";
  const names = [...environment.secrets.names, ...withoutPlaces(hookSecrets(environment))];
  const found = await attemptSecrets(context, owner, names, without);
  return Object.fromEntries([...found].map(([name, { value }]) => [name, value]));
}

/** `file:line:column`, as editors make it clickable, with the rule's name as `leaks.ignore` wants it. */
function lines(leaks: readonly Leak[]): string[] {
  return named(
    leaks.map(({ file, line, column, rule, what }) => `${printable(file)}:${line}:${column}  ${rule}: ${what}, ***`),
  );
}

/** The first of them, and how many more there are. */
function named(all: readonly string[]): string[] {
  return all.length > mostNamed ? [...all.slice(0, mostNamed), `and ${all.length - mostNamed} more`] : [...all];
}
