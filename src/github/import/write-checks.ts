import type { WorkflowChecks } from "../../config/init/workflow-checks.ts";
import type { Project } from "../read/project.ts";
import { actionOf, inputOf } from "../read/scripts.ts";
import { entryAt, textsOf } from "../read/values.ts";
import type { Draft } from "./draft.ts";
import type { Sources } from "./sources.ts";
import type { From, Left } from "./types.ts";

/** Beside each line of a check, where its job says it. */
export function writeChecks(
  draft: Draft,
  checks: WorkflowChecks,
  project: Project,
  sources: Sources,
  left: Left[],
): void {
  for (const [name, { file, job: id }] of checks.sources) {
    const facts = project.jobs.find((one) => one.file === file && one.job.id === id);
    if (facts === undefined || !draft.has(["checks", name])) continue;
    const { job } = facts;
    const written = sources.job(facts);
    const steps = facts.steps.filter(({ caller }) => caller === null).map(({ step }) => step);
    const of = (key: string): From | null => {
      const entry = entryAt(written, key);
      return entry === null ? null : { file, line: entry.place.line };
    };
    const stepLine = (found: (typeof steps)[number] | undefined): From | null =>
      found === undefined ? null : { file, line: found.uses?.place.line ?? found.run?.place.line ?? found.place.line };
    const matrix = entryAt(written, "strategy");
    const places: Readonly<Record<string, From | null>> = {
      image: of("container") ?? stepLine(steps.find((step) => /\/(?:setup-|action-setup)/.test(actionOf(step)))),
      run: stepLine(steps.find(({ run }) => run !== null)),
      matrix: matrix === null ? null : { file, line: matrix.place.line },
      needs: of("needs"),
      env: of("env"),
      services: of("services"),
      timeout: of("timeout-minutes"),
      caches: stepLine(steps.find((step) => inputOf(step, "cache") !== null || actionOf(step) === "actions/cache")),
    };
    draft.mark(["checks", name], { file, line: job.place.line });
    for (const [key, from] of Object.entries(places))
      if (from !== null && draft.has(["checks", name, key])) draft.mark(["checks", name, key], from);
    const directory = draft.value(["checks", name, "directory"]);
    const image = draft.value(["checks", name, "image"]);
    if (image === "debian:stable-slim" && of("container") === null)
      draft.ask(
        ["checks", name, "image"],
        undefined,
        { file, line: job.place.line },
        "which image has the tools that this check needs?",
      );
    for (const step of steps.filter((one) => actionOf(one) === "actions/upload-artifact")) {
      const path = inputOf(step, "path");
      if (path === null) continue;
      const inside = path.value
        .split("\n")
        .map((line) => insideOf(line.trim(), typeof directory === "string" ? directory : ""));
      const from = { file, line: path.place.line };
      const usable = inside.flatMap((one) => one ?? []).filter((one) => one !== "");
      if (usable.length > 0) draft.take(["checks", name, "artifacts"], usable, from);
      if (inside.includes(null))
        left.push({
          ...from,
          what: `artifacts of ${id}`,
          why: "patterns, and paths outside of the check's folder, are no artifacts",
          instead: "name the files and folders under `artifacts`",
        });
    }
    if (
      entryAt(entryAt(matrix?.value, "matrix")?.value, "include") !== null ||
      entryAt(entryAt(matrix?.value, "matrix")?.value, "exclude") !== null
    )
      left.push({
        file,
        line: matrix?.place.line ?? job.place.line,
        what: `matrix of ${id}: include or exclude`,
        why: "a matrix of a check is every combination of its values",
        instead: "write a check of its own for what is added",
      });
    const mayFail = entryAt(written, "continue-on-error");
    if (mayFail !== null && textsOf(mayFail.value)[0] === "true")
      draft.take(["checks", name, "required"], false, { file, line: mayFail.place.line });
    const os = entryAt(entryAt(matrix?.value, "matrix")?.value, "os");
    if (os !== null && textsOf(os.value).some((one) => /windows|macos/.test(one)))
      left.push({
        file,
        line: os.place.line,
        what: `matrix of ${id}: ${textsOf(os.value).join(", ")}`,
        why: "checks run in Linux containers",
        instead: "keep a workflow of your own for the other systems; `statuses` makes an environment wait for it",
      });
  }
}

/** A path below the folder that the check runs in; null for one that is not, or is a pattern. */
function insideOf(path: string, directory: string): string | null {
  if (path === "") return "";
  if (/[*?[\]{}$!]|^[/~]|^\.\.|\/\.\.(?:\/|$)/.test(path)) return null;
  const plain = path.replace(/^\.\//, "").replace(/\/$/, "");
  if (directory === "") return plain;
  return plain.startsWith(`${directory}/`) ? plain.slice(directory.length + 1) : null;
}
