import type { Project } from "../../read/project.ts";
import type { Entry, Place } from "../../read/types.ts";
import { textOf } from "../../read/values.ts";
import type { Hit, Rule } from "../types.ts";

export const rule: Rule = {
  id: "long-lived-cloud-key",
  severity: "warning",
  title: "A key of the cloud that never expires",
  why: "A key that is kept as a secret works from anywhere until somebody remembers to change it; one step that leaks it gives the account away.",
  mend: "let GitHub's identity token ask for a role (`permissions: id-token: write` and `role-to-assume`), which lasts for the job alone",
  find,
};

/** Storage of others speaks the same language, and has no roles to ask for. */
const other = /R2|MINIO|SPACES|WASABI|B2_|BACKBLAZE|SCW|SCALEWAY|HETZNER|OVH|DO_/i;

function find(project: Project): readonly Hit[] {
  const places = new Map<string, Hit>();
  const note = (file: string, found: readonly Place[], what: string): void => {
    const [place] = found;
    if (place === undefined) return;
    const sentence = `this hands the job ${what} that is kept as a secret and never expires`;
    places.set(`${file}:${place.line}`, { file, place, sentence });
  };
  for (const workflow of project.workflows) note(workflow.file, keysIn(workflow.env), "an access key");
  for (const { file, job, steps } of project.jobs) {
    note(file, keysIn(job.env), "an access key");
    for (const { step, file: place } of steps) {
      note(place, keysIn(step.env), "an access key");
      note(place, keysIn(step.with), "an access key");
      note(place, accountsIn(step.with), "the key of a service account");
    }
  }
  return [...places.values()];
}

/** The first of the two halves of a key: one finding is enough. */
function keysIn(entries: readonly Entry[]): readonly Place[] {
  if (entries.some(({ key }) => /endpoint/i.test(key))) return [];
  return entries
    .filter(
      ({ key, value }) =>
        /^aws[-_](?:access[-_]key[-_]id|secret[-_]access[-_]key)$/i.test(key) && isKept(textOf(value)),
    )
    .map(({ place }) => place);
}

function accountsIn(entries: readonly Entry[]): readonly Place[] {
  return entries
    .filter(({ key, value }) => /^(?:credentials_json|service_account_key|creds)$/i.test(key) && isKept(textOf(value)))
    .map(({ place }) => place);
}

function isKept(value: string | null): boolean {
  return value !== null && /\bsecrets\./.test(value) && !other.test(value);
}
