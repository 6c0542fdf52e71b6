import type { CommitOrigin, MergedPull, PullReview } from "../../checks/reviews.ts";
import { counted } from "../../counted.ts";
import { answersOf, listed } from "./answers.ts";
import { commitText } from "./refs.ts";
import type { Gate, GateDecision, GateFacts } from "./types.ts";

const { pass, block } = answersOf("reviewed");

/** What is missing of a commit, and what would bring it. */
type Lack = { readonly text: string; readonly remedy: string };

/**
 * The code came through pull requests that people have approved: what is asked for is what a merge made, and so did everything come that is new with it. Nobody's own approval
 * counts, nor one of an earlier state of the branch. Going back asks nobody: what was live here has passed it.
 */
export const reviewedGate: Gate = { name: "reviewed", judge };

function judge({ kind, policy, request, dirty, code }: GateFacts): GateDecision {
  const { reviewed } = policy;
  if (reviewed === undefined) return pass("no reviewed pull request is asked for");
  if (kind === "rollback") return pass("a rollback goes to what was live here before");
  if (dirty) return block("nobody has reviewed a working tree", "commit it, and open a pull request");
  const told = code.origins ?? { unreachable: "nobody has asked for it" };
  if ("unreachable" in told)
    return block(
      `how ${commitText(request.commit)} came here is unknown: ${told.unreachable}`,
      told.remedy ?? "try again when GitHub can be asked; nothing passes unseen",
    );
  const { commits, stopAt } = told;
  const asked = commits.find(({ commit }) => commit === request.commit);
  if (asked === undefined)
    return block(`GitHub does not know ${commitText(request.commit)}`, "push it, and open a pull request");
  const others = commits.filter(({ commit }) => commit !== request.commit);
  const lacks = [
    ...lackOf(asked, reviewed.approvals, true),
    ...others.flatMap((origin) => lackOf(origin, reviewed.approvals, false)),
  ];
  const [first] = lacks;
  if (first !== undefined) {
    const texts = [...new Set(lacks.map(({ text }) => text))];
    return block(listed(texts, 3), first.remedy);
  }
  if (stopAt !== null)
    return block(
      `more is new with ${commitText(request.commit)} than anybody looks at`,
      `deploy it in steps, \`--ref ${stopAt.slice(0, 12)}\` first`,
    );
  const through = `${commitText(request.commit)} came through ${approvedText(asked, reviewed.approvals)}`;
  return pass(others.length === 0 ? through : `${through}; so did the ${counted(others.length, "commit")} before it`);
}

/** A commit that may be deployed is all of a pull request; one before it may be any part of one. */
function lackOf(origin: CommitOrigin, approvals: number, isAsked: boolean): Lack[] {
  const { commit, subject, pulls } = origin;
  const what = `${commitText(commit)}${isAsked ? "" : ` (${subject})`}`;
  const whole = isAsked ? pulls.filter((pull) => isWhole(pull, commit)) : pulls;
  const [nearest] = whole.toSorted((left, right) => missing(left, approvals) - missing(right, approvals));
  if (nearest !== undefined) return missing(nearest, approvals) <= 0 ? [] : [shortOf(what, nearest, approvals)];
  const [part] = pulls;
  if (part !== undefined)
    return [
      {
        text: `${what} is only a part of #${part.number}`,
        remedy: `deploy what its merge made${part.made === null ? "" : `: --ref ${part.made.slice(0, 12)}`}`,
      },
    ];
  return [
    {
      text: `${what} came through no merged pull request`,
      remedy: isAsked
        ? "open a pull request, let somebody else approve it, and deploy what the merge makes"
        : "somebody has pushed it past every review: look at it together, and pass this gate with --emergency, which leaves a review behind",
    },
  ];
}

/** How many approvals a pull request lacks; somebody's request for changes is as bad as lacking all of them. */
function missing(pull: MergedPull, approvals: number): number {
  const words = lastWords(pull);
  return words.some(({ standing }) => standing === "objects") ? approvals : approvals - approvers(words).length;
}

type LastWord = {
  readonly by: string;
  readonly standing: "approves" | "objects" | "nothing";
  /** Why it is no approval that counts; null where it is one, or never was any. */
  readonly flaw: string | null;
};

/** What each person has said last of a pull request, and what it is worth. */
export function lastWords(pull: MergedPull): LastWord[] {
  const last = new Map(pull.reviews.map((review) => [review.by.toLowerCase(), review]));
  return [...last.values()].map((review) => wordOf(review, pull));
}

function wordOf({ by, answer, commit, counts }: PullReview, { author, head }: MergedPull): LastWord {
  const nothing = (flaw: string | null): LastWord => ({ by, standing: "nothing", flaw });
  if (by.toLowerCase() === author?.toLowerCase()) return nothing(`${by}'s own does not count`);
  if (answer === "dismissed") return nothing(`that of ${by} was dismissed`);
  if (!counts) return nothing(answer === "approved" ? `that of ${by} does not count, who may not write here` : null);
  if (answer === "changes-requested") return { by, standing: "objects", flaw: `${by} has asked for changes` };
  if (commit !== head) return nothing(`that of ${by} was for an earlier state of the branch`);
  return { by, standing: "approves", flaw: null };
}

function approvers(words: readonly LastWord[]): string[] {
  return words.flatMap(({ by, standing }) => (standing === "approves" ? [by] : []));
}

function shortOf(what: string, pull: MergedPull, approvals: number): Lack {
  const words = lastWords(pull);
  const by = approvers(words);
  const has = `${by.length} of ${counted(approvals, "approval")}${by.length === 0 ? "" : ` (${by.join(", ")})`}`;
  const flaws = words.flatMap(({ flaw }) => (flaw === null ? [] : [`; ${flaw}`])).join("");
  const objecting = words.find(({ standing }) => standing === "objects");
  return {
    text: `${what} came through #${pull.number}, which has ${has}${flaws}`,
    remedy:
      objecting === undefined
        ? `let somebody approve ${pull.url} as it was merged (GitHub takes a review after the merge, too), and deploy again`
        : `settle with ${objecting.by} what is asked for in ${pull.url}, or dismiss it there, and deploy again`,
  };
}

function approvedText({ commit, pulls }: CommitOrigin, approvals: number): string {
  const pull = pulls.find((one) => isWhole(one, commit) && missing(one, approvals) <= 0);
  return pull === undefined
    ? "a reviewed pull request"
    : `#${pull.number}, approved by ${listed(approvers(lastWords(pull)))}`;
}

/** Whether a commit is all that a pull request brought: what its merge made, or the last one of its branch. */
function isWhole({ made, head }: MergedPull, commit: string): boolean {
  return made === commit || head === commit;
}
