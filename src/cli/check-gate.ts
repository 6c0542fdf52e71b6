import { expandChecks } from "../checks/graph.ts";
import { definitionsHash } from "../checks/key.ts";
import { systemClock } from "../clock.ts";
import { type CheckFacts, judgeChecks } from "../environments/gates/checks.ts";
import type { GateDecision } from "../environments/gates/types.ts";
import { ShiplockError } from "../errors.ts";
import type { CheckRunEntry, GateAnswer } from "../ledger/types.ts";
import type { PassedChecks, Release } from "../release/types.ts";
import { filesToCheck } from "./check-files.ts";
import { summaryLines } from "./check-progress.ts";
import { everyCheck, runChecksOf, sourceName } from "./check-run.ts";
import type { Flags } from "./commands/table.ts";
import { type CommandContext, openHistory } from "./context.ts";
import type { CheckedOutCommit } from "./release-source.ts";

/**
 * Lets a checkout through to be built only when its required checks passed; with `--check`, runs them first.
 * @param live what is live where it goes, or what is promoted; asked only when this machine does not know
 * @param mayPass whether an emergency passes this gate where it goes; the checks are not run then, and what the gate said goes with the release's other answers
 * @throws ShiplockError `gate/checks` (exit 3), `check/failed` when they were run and did not pass
 */
export async function demandChecks(
  context: CommandContext,
  source: CheckedOutCommit,
  flags: Flags,
  live: () => Promise<Release | null>,
  mayPass = false,
): Promise<{ passed: PassedChecks | null; gates: readonly GateAnswer[] }> {
  const { checks, project } = source.config;
  if (Object.keys(checks).length === 0) return { passed: null, gates: [] };
  const files = source.dirty ? await filesToCheck(source) : null;
  const facts: CheckFacts = {
    commit: source.commit.hash,
    source: sourceName(source, files),
    definitions: definitionsHash(checks),
    required: expandChecks(checks).flatMap((job) => (job.check.required ? [job.id] : [])),
    runs: await knownRuns(context, project, source.commit.hash),
    recorded: [],
  };
  const known = judgeChecks(facts);
  if (known.decision.answer === "pass") return through(context, known);
  const remembered = judgeChecks({ ...facts, recorded: recordedIn(await live(), source) });
  if (remembered.decision.answer === "pass") return through(context, remembered);
  if (mayPass && flags["emergency"] === true) return asEmergency(context, facts, remembered.decision);
  if (flags["check"] !== true) throw blocked(remembered.decision);

  const { result, entry } = await runChecksOf(context, source, files ?? (await filesToCheck(source)), everyCheck);
  for (const line of summaryLines(context.output, result.results)) context.output.line(line);
  context.signal.throwIfAborted();
  const judged = judgeChecks({ ...facts, runs: [entry, ...facts.runs] });
  if (judged.decision.answer === "pass") return through(context, judged);
  throw new ShiplockError({
    code: "check/failed",
    message: judged.decision.reason,
    remedy: "look at what the checks wrote, and commit what mends them; nothing was built and nothing deployed",
  });
}

function through(
  context: CommandContext,
  { decision, passed }: { decision: GateDecision; passed: PassedChecks | null },
): { passed: PassedChecks | null; gates: readonly GateAnswer[] } {
  const { output } = context;
  output.line(`${output.paint.green("checks")} ${decision.reason}`);
  const { gate, answer, reason } = decision;
  return { passed, gates: [{ at: Date.now(), gate, answer, reason: output.mask(reason), payload: passed }] };
}

/**
 * What the gate said stands in the answers: the judgement of the request lets it pass, and keeps it for the review. The release says of itself what it lacks, so whoever deploys
 * it again, as no emergency, is asked for it.
 */
function asEmergency(
  { output }: CommandContext,
  { definitions, required }: CheckFacts,
  decision: GateDecision,
): { passed: PassedChecks; gates: readonly GateAnswer[] } {
  const { gate, answer, reason } = decision;
  output.line(`${output.paint.yellow("checks")} passed over as an emergency: ${reason}`);
  const payload = decision.answer === "block" ? { remedy: decision.remedy } : null;
  const passed = { definitions, passed: [], missing: required, at: systemClock.now().toISOString() };
  return { passed, gates: [{ at: Date.now(), gate, answer, reason: output.mask(reason), payload }] };
}

function blocked(decision: GateDecision): ShiplockError {
  return new ShiplockError({
    code: "gate/checks",
    blame: "gate",
    message: decision.reason,
    ...(decision.answer === "block" ? { remedy: decision.remedy } : {}),
  });
}

/** A release that was made of this very commit. One of a working tree says nothing about another working tree. */
function recordedIn(release: Release | null, source: CheckedOutCommit): readonly PassedChecks[] {
  if (release === null || release.dirty || source.dirty || release.commit !== source.commit.hash) return [];
  return release.checks === undefined || release.checks === null ? [] : [release.checks];
}

async function knownRuns(context: CommandContext, project: string, commit: string): Promise<CheckRunEntry[]> {
  const ledger = await openHistory(context);
  return ledger.checkRuns(project, commit).finally(() => ledger.close());
}
