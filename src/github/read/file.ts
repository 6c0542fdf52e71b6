import type {
  CompositeAction,
  Concurrency,
  Entry,
  Job,
  Place,
  ReadFile,
  Step,
  Text,
  Trigger,
  Unreadable,
  Value,
  Workflow,
} from "./types.ts";
import { entryAt, readValues, textOf, textsOf, valueAt } from "./values.ts";

/**
 * Reads a workflow, or an action. Never throws: what cannot be read is in `problems`, with its place. An action that is not made of steps has
 * nothing to be read, and no content.
 * @param file as findings name it
 */
export function readFile(file: string, source: string): ReadFile {
  const { value, problems } = readValues(source.replace(/^\uFEFF/, ""));
  if (value === null) return { file, source, content: null, problems };
  const read = valueAt(value, "runs") !== null && valueAt(value, "jobs") === null ? readAction : readWorkflow;
  const { content, problem } = read(file, value);
  return { file, source, content, problems: problem === null ? [] : [problem] };
}

/** More than anybody keeps apart; what is asked of jobs and those that they need grows faster than their number. */
const MOST_JOBS = 500;

type Read<T> = { content: T | null; problem: Unreadable | null };

function readWorkflow(file: string, root: Value): Read<Workflow> {
  const failed = (sentence: string, place: Place) => ({ content: null, problem: { place, sentence } });
  if (root.kind !== "map") return failed("this is no workflow: a mapping with `on` and `jobs` is expected", root.place);
  const jobs = entryAt(root, "jobs");
  if (jobs === null) return failed("this is no workflow: it has no `jobs`", root.place);
  if (jobs.value.kind !== "map") return failed("`jobs` has to be a mapping of jobs by their ids", jobs.place);
  if (jobs.value.entries.length > MOST_JOBS)
    return failed(`the workflow has more than ${MOST_JOBS} jobs: nobody looked into it`, jobs.place);
  const content: Workflow = {
    kind: "workflow",
    file,
    name: textOf(valueAt(root, "name")),
    triggers: triggersOf(valueAt(root, "on")),
    concurrency: concurrencyOf(entryAt(root, "concurrency")),
    permissions: valueAt(root, "permissions"),
    env: entriesAt(root, "env"),
    shell: shellOf(root),
    jobs: jobs.value.entries.filter(({ value }) => value.kind === "map").map(jobOf),
    place: jobs.place,
  };
  return { content, problem: null };
}

function readAction(file: string, root: Value): Read<CompositeAction> {
  const runs = valueAt(root, "runs");
  if (textOf(valueAt(runs, "using")) !== "composite") return { content: null, problem: null };
  const content: CompositeAction = {
    kind: "action",
    file,
    inputs: entriesAt(root, "inputs").map(({ key }) => key),
    steps: stepsOf(valueAt(runs, "steps")),
    place: runs?.place ?? root.place,
  };
  return { content, problem: null };
}

function triggersOf(on: Value | null): readonly Trigger[] {
  if (on === null) return [];
  const empty = (place: Place): Value => ({ kind: "empty", place });
  if (on.kind === "map") return on.entries.map(({ key, place, value }) => ({ event: key, place, options: value }));
  const texts = on.kind === "list" ? on.items : [on];
  return texts.flatMap((item) =>
    item.kind === "text" ? { event: item.text.value, place: item.place, options: empty(item.place) } : [],
  );
}

function jobOf({ key, place, value }: Entry): Job {
  const runsOn = valueAt(value, "runs-on");
  return {
    id: key,
    name: textAt(value, "name"),
    if: textAt(value, "if"),
    needs: textsOf(valueAt(value, "needs")),
    runsOn: runsOn?.kind === "map" ? textsOf(valueAt(runsOn, "labels")) : textsOf(runsOn),
    environment: environmentOf(valueAt(value, "environment")),
    concurrency: concurrencyOf(entryAt(value, "concurrency")),
    permissions: valueAt(value, "permissions"),
    env: entriesAt(value, "env"),
    shell: shellOf(value),
    uses: textAt(value, "uses"),
    with: entriesAt(value, "with"),
    matrix: valueAt(valueAt(value, "strategy"), "matrix"),
    steps: stepsOf(valueAt(value, "steps")),
    place,
  };
}

function environmentOf(value: Value | null): Job["environment"] {
  const name = value?.kind === "map" ? valueAt(value, "name") : value;
  if (name?.kind !== "text" || name.text.value === "") return null;
  return { name: name.text, records: textOf(valueAt(value, "deployment")) !== "false" };
}

function concurrencyOf(entry: Entry | null): Concurrency | null {
  if (entry === null) return null;
  const { place, value } = entry;
  if (value.kind === "text") return { group: value.text, cancel: null, queue: null, place };
  if (value.kind !== "map") return null;
  const cancel = entryAt(value, "cancel-in-progress");
  return {
    group: textAt(value, "group"),
    cancel: cancel === null ? null : { text: textOf(cancel.value) ?? "", place: cancel.place },
    queue: textOf(valueAt(value, "queue")),
    place,
  };
}

function stepsOf(value: Value | null): readonly Step[] {
  if (value?.kind !== "list") return [];
  return value.items
    .filter(({ kind }) => kind === "map")
    .map((step) => ({
      id: textOf(valueAt(step, "id")),
      name: textAt(step, "name"),
      if: textAt(step, "if"),
      uses: textAt(step, "uses"),
      run: textAt(step, "run"),
      shell: textOf(valueAt(step, "shell")),
      with: entriesAt(step, "with"),
      env: entriesAt(step, "env"),
      place: step.place,
    }));
}

function shellOf(value: Value): string | null {
  return textOf(valueAt(valueAt(valueAt(value, "defaults"), "run"), "shell"));
}

function entriesAt(value: Value, key: string): readonly Entry[] {
  const found = valueAt(value, key);
  return found?.kind === "map" ? found.entries : [];
}

function textAt(value: Value, key: string): Text | null {
  const found = valueAt(value, key);
  return found?.kind === "text" ? found.text : null;
}
