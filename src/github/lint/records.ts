import type { JobFacts, Project, StepFacts } from "../read/project.ts";
import { actionOf, inputOf, type Ran } from "../read/scripts.ts";
import { lineOf } from "../read/shell/program.ts";
import type { Place } from "../read/types.ts";

/** A command or a step that makes a deployment record on GitHub. */
export type RecordMade = {
  readonly file: string;
  readonly place: Place;
  readonly step: StepFacts;
  /** The commit that it names, as it is written; null where that cannot be seen. */
  readonly ref: { readonly text: string; readonly place: Place } | null;
};

/** The records that a job makes. */
export function recordsMadeBy({ steps }: JobFacts): readonly RecordMade[] {
  return steps.flatMap((step): readonly RecordMade[] => {
    const { file } = step;
    const action = actionOf(step.step);
    const isStart = action === "bobheadxi/deployments" && inputOf(step.step, "step")?.value === "start";
    if (action === "chrnorm/deployment-action" || isStart) {
      const ref = inputOf(step.step, "sha") ?? inputOf(step.step, "ref");
      return [
        {
          file,
          step,
          place: step.step.uses?.place ?? step.step.place,
          ref: ref === null ? null : { text: ref.value, place: ref.place },
        },
      ];
    }
    const script = action === "actions/github-script" ? inputOf(step.step, "script") : null;
    const call = script === null ? null : /\bcreateDeployment\s*\(/.exec(script.value);
    if (script !== null && call !== null) {
      const ref = /\bref\s*:\s*(?<ref>"[^"\n]*"|'[^'\n]*'|`[^`\n]*`|[\w.[\]]+)/.exec(script.value.slice(call.index));
      const place = script.placeAt(call.index);
      const written = ref?.groups?.["ref"];
      if (ref === null || written === undefined) return [{ file, step, place, ref: null }];
      return [
        {
          file,
          step,
          place,
          ref: { text: written.replace(/^["'`]|["'`]$/g, ""), place: script.placeAt(call.index + ref.index) },
        },
      ];
    }
    return step.ran.filter(createsRecord).map((ran) => ({ file, step, place: ran.place, ref: refGiven(ran) }));
  });
}

function createsRecord({ command, program }: Ran): boolean {
  const line = lineOf(command);
  const sends =
    /(?:^|\s)(?:-X\s*POST|--method[ =]POST|--request[ =]POST|-[fFd]\s|--(?:raw-)?field|--input|--data)/.test(line);
  return (program.name === "gh" || program.name === "curl") && sends && /\/deployments(?:["'\s]|$)/.test(line);
}

function refGiven({ program, script }: Ran): RecordMade["ref"] {
  const word = program.args.find(({ text }) => /^ref=./.test(text));
  if (word === undefined) return null;
  return { text: word.text.slice(4), place: script.text.placeAt(word.offsets[0] ?? 0) };
}

/** Whether something gives a record its last status; `always`: also when the deployment fails. */
export function endsRecords({ jobs }: Project): "never" | "on-success" | "always" {
  let found: "never" | "on-success" = "never";
  for (const { steps, job } of jobs)
    for (const { step, ran } of steps) {
      const action = actionOf(step);
      const script = action === "actions/github-script" ? (inputOf(step, "script")?.value ?? "") : "";
      const byAction =
        action === "chrnorm/deployment-status" ||
        (action === "bobheadxi/deployments" && inputOf(step, "step")?.value === "finish");
      const byScript = /createDeploymentStatus\s*\(/.test(script) && !onlyBegins(script);
      const byCommand = ran.filter(
        ({ command }) => /\/deployments\/.*\/statuses\b/.test(lineOf(command)) && !onlyBegins(lineOf(command)),
      );
      if (!byAction && !byScript && byCommand.length === 0) continue;
      const always = [step.if?.value, job.if?.value].some((condition) =>
        /always\(\)|failure\(\)|cancelled\(\)/.test(condition ?? ""),
      );
      const caught =
        /\bcatch\b|\bfinally\b/.test(script) ||
        ran.some(({ program }) => program.name === "trap") ||
        byCommand.some(({ command }) => command.before === "||");
      if (always || caught) return "always";
      found = "on-success";
    }
  return found;
}

/** A status that says that it has begun, and no other. */
function onlyBegins(text: string): boolean {
  return /in_progress|queued|pending/.test(text) && !/success|failure|error|inactive|\$/.test(text);
}
