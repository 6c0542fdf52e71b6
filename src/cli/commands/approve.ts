import type { Config, Environment } from "../../config/types.ts";
import { documentOf } from "../../deploy/read-record.ts";
import { requestMeant, withApproval } from "../../environments/queue/answers.ts";
import type { Ticket } from "../../environments/queue/types.ts";
import { ShiplockError } from "../../errors.ts";
import type { ReleaseDocument } from "../../release/types.ts";
import { argument, optionalArgument, proseFlag } from "../arguments.ts";
import type { CommandContext } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { type Output, printable } from "../output.ts";
import { approvalLines, waitingLines, waitsForApproval } from "../request-lines.ts";
import { takeUpHere } from "../take-up.ts";
import { approvalSentence, requestNotice } from "../request-notices.ts";
import { type Requests, withRequestsThen } from "../with-requests.ts";
import type { Flags } from "./table.ts";

/** Approves what a request would make live: these digests with this configuration, and nothing else. */
export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
): Promise<number> {
  const runs = flags["run"] === true;
  const answer = (requests: Requests): Promise<Answered> => approve(context, requests, args, flags);
  return withRequestsThen(
    context,
    argument(args, 0),
    answer,
    async ({ config, environment, ticket, gone }, notices) => {
      if (runs && gone) return takeUpHere(context, config, environment, [ticket], flags, notices);
      tellWhatFollows(context, environment, ticket, gone);
      return exitCodes.done;
    },
  );
}

type Answered = { config: Config; environment: Environment; ticket: Ticket; gone: boolean };

async function approve(
  { output }: CommandContext,
  requests: Requests,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
): Promise<Answered> {
  const { config, environment, by, now, session } = requests;
  const { reviewers } = environment.gates;
  const seen = await requests.read();
  const shown = requestMeant(seen, optionalArgument(args, 1), "waiting for an approval", waitsForApproval);
  const document = await documentOf(session, shown.document);
  for (const line of subjectLines(shown, document, seen.live?.release ?? null, output)) output.line(line);
  const written = proseFlag(flags, "comment");
  const comment = written === null ? null : output.mask(written);
  const state = await requests.write((known) => {
    const meant = requestMeant(known, shown.deployment);
    if (meant.subject !== shown.subject) throw changed(environment.name, shown);
    return withApproval(known, meant, { by, comment, now: now() }, reviewers);
  });
  const ticket = requestMeant(state, shown.deployment);
  const sentence = approvalSentence(ticket, by, comment, reviewers, now());
  requests.tell(requestNotice("approved", ticket, sentence, document?.release.subject ?? null));
  const gone = await requests.gone(state);
  const known = { state, gone, reviewers, now: now() };
  for (const line of [...approvalLines(ticket, known), ...waitingLines(ticket, known)]) output.line(line);
  return { config, environment, ticket, gone: gone.has(ticket.deployment) };
}

function tellWhatFollows({ output }: CommandContext, environment: Environment, ticket: Ticket, gone: boolean): void {
  output.line(`  ${nextLine(ticket, environment.name, gone)}`);
  const { deployment, state, release, subject, approvals, waiting } = ticket;
  output.result({ environment: environment.name, deployment, state, release, subject, approvals, waiting, gone });
}

function subjectLines(
  { deployment, origin, createdAt, commit, ref, release, kind }: Ticket,
  document: ReleaseDocument | null,
  live: string | null,
  { paint }: Output,
): string[] {
  const images = Object.values(document?.release.images ?? {});
  return [
    `${paint.bold(`${kind} ${deployment}`)}, asked for by ${printable(origin.who)} from ${printable(origin.from)} ${createdAt}${origin.reason === null ? "" : `: ${printable(origin.reason)}`}`,
    `  release        ${paint.bold(release)}, which replaces ${live ?? "nothing"}`,
    `  commit         ${commit}${ref === null ? "" : ` (${ref.kind} ${printable(ref.name)})`} ${printable(document?.release.subject ?? "")}`,
    ...images.map(({ name, digest }) => `  image          ${name} ${digest}`),
    ...(document === null ? [] : [`  configuration  ${document.name.slice(document.release.id.length + 1)}`]),
  ];
}

function nextLine({ deployment, state }: Ticket, environment: string, gone: boolean): string {
  if (state !== "queued") return "it does not begin yet";
  return gone
    ? `it may begin, and its command is gone: \`shiplock resume ${environment} ${deployment}\` carries it out`
    : "it may begin: the command that asked for it goes on";
}

function changed(environment: string, { deployment }: Ticket): ShiplockError {
  return new ShiplockError({
    code: "approve/changed",
    blame: "gate",
    message: `what ${deployment} is about has changed since it was shown here`,
    remedy: `look at it again with \`shiplock status ${environment}\`, and approve that`,
  });
}
