import type { Project } from "../../read/project.ts";
import { recordsMadeBy } from "../records.ts";
import type { Hit, Rule } from "../types.ts";

export const rule: Rule = {
  id: "branch-record",
  severity: "error",
  title: "A deployment record names a branch",
  why: "GitHub looks the branch up when the record is made, so a push in between makes the record say another commit than the one that was deployed.",
  mend: "give the full commit: `github.sha`, or the one that was checked out",
  find,
};

const branch =
  /^\$\{\{\s*(?:github\.(?:ref|ref_name|head_ref|event\.pull_request\.head\.ref)|(?:github\.event\.)?inputs\.\w*branch\w*)\s*\}\}$|^\$\{?(?:GITHUB_REF(?:_NAME)?|GITHUB_HEAD_REF|\w*BRANCH\w*)\}?$|^(?:context\.ref|process\.env\.GITHUB_(?:REF(?:_NAME)?|HEAD_REF))$|^(?:refs\/heads\/.+|main|master|develop|staging|production)$/i;

function find(project: Project): readonly Hit[] {
  return project.jobs.flatMap((facts) =>
    recordsMadeBy(facts).flatMap(({ file, ref }): Hit | readonly Hit[] => {
      if (ref === null || !branch.test(ref.text.trim())) return [];
      const sentence = `the record names ${JSON.stringify(ref.text.trim())}, a branch or tag that may have moved on, and not the commit that is deployed`;
      return { file, place: ref.place, sentence };
    }),
  );
}
