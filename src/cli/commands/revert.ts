import { counted } from "../../counted.ts";
import { chooseRevert, type RevertChoice } from "../../environments/revert-choice.ts";
import { ShiplockError } from "../../errors.ts";
import {
  baseOf,
  commitsToRevert,
  makeRevert,
  pullRequestAddress,
  pushRevert,
  type RevertedCommit,
} from "../../release/revert.ts";
import { originOf as addressOf, repositoryRoot } from "../../release/source.ts";
import { argument, proseFlag, textFlag } from "../arguments.ts";
import { type CommandContext, loadEnvironment, originOf } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { revertPulls } from "../revert-pull.ts";
import { withSession } from "../session.ts";
import type { Flags } from "./table.ts";

/** Opens a branch that takes bad commits back, for the way through the pipeline. Changes neither the environment nor the working tree. */
export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
): Promise<number> {
  const { output, signal } = context;
  const { config, environment } = await loadEnvironment(context, argument(args, 0));
  const pulls = flags["pullRequest"] === true ? await revertPulls(context, config) : null;
  const state = await withSession(
    context,
    config,
    environment,
    async (session) => (await session.record.read())?.state ?? null,
    { kind: "record" },
  );
  const choice = chooseRevert(state, environment.name, {
    deployment: textFlag(flags, "deployment"),
    commit: textFlag(flags, "commit"),
  });
  const where = { repository: await repositoryRoot(config.folder), signal };
  const commits =
    choice.kind === "commit"
      ? await commitsToRevert(where, [choice.commit], null)
      : await commitsToRevert(
          where,
          choice.bad.map(({ commit }) => commit),
          choice.good.commit,
        );
  const [newest] = commits;
  if (newest === undefined) throw nothingBetween(choice);
  const base = await baseOf(where, (choice.kind === "commit" ? choice.live : choice.bad[0]).ref, commits);
  const branch = `revert/${newest.hash.slice(0, 7)}`;
  if (pulls !== null && base.branch === null) throw noBaseBranch();
  output.line(`${whatOf(choice, environment.name)}: ${counted(commits.length, "commit")}`);
  for (const commit of commits) output.line(`  ${commit.hash.slice(0, 7)} ${commit.subject}${mergeNote(commit)}`);
  const message = messageOf(choice, commits, {
    environment: environment.name,
    reason: proseFlag(flags, "reason"),
    who: originOf(context, null).who,
  });
  const document = {
    ...{ environment: environment.name, branch, base },
    commits: commits.map(({ hash, subject }) => ({ hash, subject })),
  };
  const open = await pulls?.openOf(branch);
  if (open !== undefined && open !== null) {
    output.result({ ...document, commit: null, pushed: true, pullRequest: open.url, number: open.number });
    output.line(`its pull request is open already, and was left as it is: ${open.url}`);
    return exitCodes.done;
  }
  const made = await makeRevert(where, { branch, base: base.hash, commits, message, again: pulls !== null });
  output.line(`branch ${output.paint.bold(branch)} is made on ${base.branch ?? base.hash.slice(0, 7)}`);
  const pushes = flags["push"] === true || pulls !== null;
  if (pushes) await pushRevert(where, branch);
  if (pulls !== null && base.branch !== null) {
    const [title = "", ...rest] = message.split("\n\n");
    const { number, url } = await pulls.open({ branch, base: base.branch, title, body: rest.join("\n\n") });
    output.result({ ...document, commit: made, pushed: true, pullRequest: url, number });
    output.line(`pull request #${number} into ${base.branch} is open: ${url}`);
    return exitCodes.done;
  }
  const address = pullRequestAddress(await addressOf(where.repository), base.branch, branch);
  output.result({ ...document, commit: made, pushed: pushes, pullRequest: address });
  if (!pushes) output.line(`push it: git push origin ${branch}`);
  const target = base.branch === null ? "" : ` into ${base.branch}`;
  output.line(`then open a pull request${target}${address === null ? "" : `: ${address}`}`);
  return exitCodes.done;
}

function whatOf(choice: RevertChoice, environment: string): string {
  if (choice.kind === "commit") return `reverted is what --commit names`;
  const bad = choice.bad.map(({ release }) => release).join(", ");
  switch (choice.why) {
    case "rolled-back":
      return `${environment} was rolled back from ${bad} to ${choice.good.release}; reverted is what that one does not have`;
    case "live":
      return `${environment} runs ${bad}; reverted is what came after ${choice.good.release}, which was healthy before`;
    case "named":
      return `${choice.deployment} brought ${bad} to ${environment}; reverted is what ${choice.good.release} did not have`;
  }
}

function messageOf(
  choice: RevertChoice,
  commits: readonly RevertedCommit[],
  { environment, reason, who }: { environment: string; reason: string | null; who: string },
): string {
  const [only, ...more] = commits;
  const subject =
    more.length === 0
      ? `Revert "${only?.subject ?? ""}"`
      : `Revert ${counted(commits.length, "commit")} of ${choice.kind === "range" ? choice.bad[0].release : "history"}`;
  return [
    subject,
    ...(reason === null ? [] : [reason]),
    `Asked for by ${who} with \`shiplock revert\`: ${whatOf(choice, environment)}.${choice.kind === "range" ? ` Deployment ${choice.deployment}.` : ""}`,
    commits.map(reverts).join("\n"),
  ].join("\n\n");
}

/** As git itself says it, so that its tools understand. */
function reverts({ hash, isMerge }: RevertedCommit): string {
  return isMerge
    ? `This reverts commit ${hash}, reversing\nchanges made by that merge to its first parent.`
    : `This reverts commit ${hash}.`;
}

function mergeNote({ isMerge }: RevertedCommit): string {
  return isMerge ? " (a merge: everything that it brought)" : "";
}

function noBaseBranch(): ShiplockError {
  return new ShiplockError({
    code: "revert/no-base-branch",
    blame: "usage",
    message: "a pull request leads to a branch, and the commits are on none that is known here",
    remedy: "check out the branch that has them, or run `git fetch` so that origin's branches are known",
  });
}

function nothingBetween(choice: RevertChoice): ShiplockError {
  return new ShiplockError({
    code: "revert/nothing",
    blame: "usage",
    message:
      choice.kind === "commit"
        ? `${choice.commit} names no commit`
        : `${choice.bad.map(({ release }) => release).join(", ")} has no commit that ${choice.good.release} does not have: they differ in configuration or secrets, or the older commit is the one that is live`,
    remedy: "`shiplock history` has what was deployed; or name a commit with --commit",
  });
}
