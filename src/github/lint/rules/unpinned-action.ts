import type { Project } from "../../read/project.ts";
import type { Text } from "../../read/types.ts";
import type { Hit, Rule } from "../types.ts";

export const rule: Rule = {
  id: "unpinned-action",
  severity: "warning",
  title: "Somebody else's action is not pinned",
  why: "A tag or branch of an action can be moved to other code at any time, and that code then runs with this job's secrets.",
  mend: "write the full commit, with the version in a comment: `uses: owner/action@0123…cdef # v1.2.3`",
  find,
};

function find(project: Project): readonly Hit[] {
  const used = [
    ...project.workflows.flatMap(({ file, jobs }) =>
      jobs.flatMap(({ uses, steps }) =>
        [uses, ...steps.map((step) => step.uses)].map((each) => ({ file, uses: each })),
      ),
    ),
    ...project.actions.flatMap(({ file, steps }) => steps.map(({ uses }) => ({ file, uses }))),
  ];
  return used.flatMap(({ file, uses }) => hitOf(file, uses));
}

function hitOf(file: string, uses: Text | null): readonly Hit[] {
  const written = uses?.value.trim() ?? "";
  if (uses === null || written === "" || written.startsWith("./") || written.includes("${{")) return [];
  if (written.startsWith("docker://"))
    return /@sha256:[\da-f]{64}$/.test(written)
      ? []
      : [
          {
            file,
            place: uses.place,
            sentence: `the image ${written.slice(9)} can be another one tomorrow, and runs with this job's secrets`,
          },
        ];
  const [action = "", ref = ""] = written.split("@");
  // GitHub's own run the runner too: whoever could move their tags needs no action.
  if (/^(?:actions|github)\//.test(action) || /^(?:[\da-f]{40}|[\da-f]{64})$/i.test(ref)) return [];
  const what =
    ref === ""
      ? "no version"
      : `${JSON.stringify(ref)}, which its owner, or whoever has broken into the account, can move`;
  return [{ file, place: uses.place, sentence: `${action} is taken by ${what}` }];
}
