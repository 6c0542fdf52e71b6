import type { JobFacts, Project, StepFacts } from "../../read/project.ts";
import { isOwnMachine } from "../../read/changes.ts";
import type { Ran } from "../../read/scripts.ts";
import { dockerCall } from "../../read/shell/docker.ts";
import { lineOf } from "../../read/shell/program.ts";
import type { Hit, Rule } from "../types.ts";

export const rule: Rule = {
  id: "pointer-before-pull",
  severity: "error",
  title: "The pointer to the release moves before the image is there",
  why: "When the pull fails, the file names a release that the host does not have: the next restart or `up` of anything takes the site down.",
  mend: "pull the image by its full name first, and write the file when it is there",
  find,
};

function find(project: Project): readonly Hit[] {
  return project.jobs.filter(({ deploys }) => deploys).flatMap((facts) => hitsOf(facts));
}

function hitsOf(facts: JobFacts): readonly Hit[] {
  const all = facts.steps.flatMap((step) =>
    step.ran.filter((ran) => isOnHost(facts, ran)).map((ran) => ({ step, ran })),
  );
  const pull = all.findIndex(({ ran }) => /^(?:pull|compose pull)$/.test(dockerCall(ran.program)?.verb ?? ""));
  if (pull === -1) return [];
  return all.slice(0, pull).flatMap(({ step, ran }) => hitOf(step, ran));
}

function hitOf(step: StepFacts, ran: Ran): readonly Hit[] {
  const target = pointerWritten(ran);
  if (target === null) return [];
  const sentence = `${target} names the new release before its image is pulled: if the pull fails, the file points at something that the host does not have`;
  return [{ file: step.file, place: ran.place, sentence }];
}

function isOnHost({ job }: JobFacts, { script }: Ran): boolean {
  return script.where === "host" || isOwnMachine(job);
}

const file =
  /(?:^|\/)(?:\.env[\w.-]*|[\w.-]*\.env|(?:docker-)?compose[\w.-]*\.ya?ml|(?:image[-_.]?)?tag(?:\.txt)?|version(?:\.txt)?|current[-_]?(?:tag|version|release)?(?:\.txt)?)$/i;
const release = /\b\w*(?:TAG|IMAGE|VERSION|RELEASE|SHA|COMMIT|DIGEST)\w*\s*[=:|]/i;

/** The file, where a command writes into it which release is meant. */
function pointerWritten({ command, program }: Ran): string | null {
  const line = lineOf(command);
  const written = command.redirects.find(
    ({ operator, target }) => operator.startsWith(">") && target !== null && file.test(target.text),
  );
  const body = command.redirects.map((each) => each.body?.text ?? "").join("\n");
  if (
    written?.target !== undefined &&
    written.target !== null &&
    speaksOfRelease(written.target.text, `${line}\n${body}`)
  )
    return written.target.text;
  const words = program.args.map(({ text }) => text);
  if (program.name === "sed" && words.some((word) => /^-\w*i|^--in-place/.test(word))) {
    const target = words.findLast((word) => file.test(word));
    return target !== undefined && release.test(line) ? target : null;
  }
  return null;
}

/** A file that holds a tag and nothing else says what it is by its name. */
function speaksOfRelease(target: string, text: string): boolean {
  return (
    release.test(text) ||
    (/(?:tag|version|release)/i.test(target.slice(target.lastIndexOf("/") + 1)) && /\$/.test(text))
  );
}
