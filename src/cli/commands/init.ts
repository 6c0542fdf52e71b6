import { type Answers, answersOf, domainOf, registryOf } from "../../config/init/answers.ts";
import { diffLines } from "../../config/init/diff.ts";
import { withExisting } from "../../config/init/existing-answers.ts";
import { type Proposal, propose } from "../../config/init/propose.ts";
import type { Tree } from "../../config/init/tree.ts";
import type { WrittenFile } from "../../config/init/types.ts";
import { ShiplockError } from "../../errors.ts";
import { listFlag, textFlag } from "../arguments.ts";
import { type CommandContext, requireFolder } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { type Ask, terminalAsk } from "../init/ask.ts";
import { readTree } from "../init/read-tree.ts";
import { existingText, writeWhole } from "../init/write-files.ts";
import type { Output } from "../output.ts";
import type { Flags } from "./table.ts";

/** A file, what is there now, and what becomes of it. */
type Outcome = {
  readonly file: WrittenFile;
  readonly before: string | undefined;
  readonly action: "write" | "edit" | "replace" | "keep" | "same";
};

/** Reads the repository and writes a configuration that deploys, and what else is missing for it. */
export async function run(
  context: CommandContext,
  _args: readonly (string | string[] | undefined)[],
  flags: Flags,
): Promise<number> {
  const terminal = context.output.terminal && process.stdin.isTTY;
  const ask =
    terminal && flags["yes"] !== true && flags["dryRun"] !== true
      ? terminalAsk({
          input: process.stdin,
          output: process.stdout,
          signal: context.signal,
          interrupt: () => process.kill(process.pid, "SIGINT"),
        })
      : null;
  try {
    return await runAsking(context, flags, ask);
  } finally {
    ask?.close();
  }
}

/** As `run`, with whoever answers; null where nobody can be asked. */
export async function runAsking(context: CommandContext, flags: Flags, ask: Ask | null): Promise<number> {
  const { output, cwd } = context;
  if (context.options.config !== undefined) throw wrongFlag();
  await requireFolder(context);
  const tree = await readTree(cwd, context.signal);
  const known = withExisting(
    answersOf({
      name: textFlag(flags, "name"),
      hosts: listFlag(flags, "host"),
      domains: listFlag(flags, "domain"),
      registry: textFlag(flags, "registry"),
      tls: textFlag(flags, "tls"),
      buildNetwork: textFlag(flags, "buildNetwork"),
    }),
    tree,
  );
  const first = propose(tree, known, cwd);
  tellFindings(output, first);
  const answers = ask === null ? known : await askAnswers(ask, first.project, known);
  const { proposal, outcomes } = await decide(context, flags, ask, tree, answers);
  const mayWrite = flags["dryRun"] !== true && (ask !== null || flags["yes"] === true || flags["force"] === true);
  if (ask !== null && outcomes.some(({ action }) => action === "write")) {
    output.line(
      `\nnew: ${outcomes
        .filter(({ action }) => action === "write")
        .map(({ file }) => file.path)
        .join(", ")}`,
    );
    if (!(await ask.yes("Write them?"))) return tell(output, proposal, outcomes, false);
  }
  // Not interruptible from here: it takes milliseconds, and each file is whole at every instant.
  if (mayWrite) {
    for (const { file, action } of outcomes)
      if (action !== "keep" && action !== "same") await writeWhole(cwd, file.path, file.text);
  }
  const code = tell(output, proposal, outcomes, mayWrite, flags["dryRun"] === true);
  if (mayWrite || flags["dryRun"] === true || outcomes.every(({ action }) => action === "same")) return code;
  throw new ShiplockError({
    code: "init/nobody-to-ask",
    blame: "usage",
    message: "nothing was written: there is no terminal to ask in",
    remedy: "give --yes to write what is missing, --dry-run to see it in full, or run it in a terminal",
  });
}

function tellFindings(output: Output, { project, findings }: Proposal): void {
  output.line(`${output.paint.bold(project)}: found`);
  for (const { what, where, evidence } of findings)
    output.line(`  ${what}${where === "." ? "" : ` in ${where}`} ${output.paint.dim(`(${evidence.join("; ")})`)}`);
}

/** Asks for what no repository says: hosts, registry, domain. An empty answer leaves an example, which is named at the end. */
async function askAnswers(ask: Ask, project: string, known: Answers): Promise<Answers> {
  const registry =
    known.registry ??
    (await ask.text("Registry and path for images, such as ghcr.io/acme/shop; empty: they travel over SSH", ""));
  const domain = known.environments.every((one) => one.domain !== undefined)
    ? ""
    : await ask.text("Public host name in production; empty for later", "");
  const environments = [];
  let last = "";
  for (const environment of known.environments) {
    const hosts =
      environment.hosts.length > 0
        ? environment.hosts
        : words(await ask.text(`Hosts of ${environment.name} for ${project}, as user@host; empty for later`, last));
    last = hosts.join(" ");
    environments.push({
      ...environment,
      hosts,
      domain: environment.domain ?? domainOf(environment.name, domain === "" ? undefined : domain),
    });
  }
  return {
    ...known,
    environments,
    registry: typeof registry !== "string" ? registry : registry === "" ? undefined : registryOf(registry),
  };
}

/** What becomes of each file. Changes of files that are there are asked for first: a Dockerfile may depend on one. */
async function decide(
  context: CommandContext,
  flags: Flags,
  ask: Ask | null,
  tree: Tree,
  answers: Answers,
): Promise<{ proposal: Proposal; outcomes: readonly Outcome[] }> {
  const { output, cwd } = context;
  const proposal = propose(tree, answers, cwd);
  const outcomes: Outcome[] = [];
  for (const file of [...proposal.files].sort((a, b) => Number(b.kind === "edit") - Number(a.kind === "edit"))) {
    const before = await existingText(cwd, file.path);
    if (before === undefined || before === file.text) {
      outcomes.push({ file, before, action: before === undefined ? "write" : "same" });
      continue;
    }
    if (ask === null) {
      const yes = flags["force"] === true || file.kind === "edit";
      outcomes.push({ file, before, action: yes ? (file.kind === "edit" ? "edit" : "replace") : "keep" });
      continue;
    }
    output.line(`\n${output.paint.bold(file.path)}: ${file.why}`);
    tellDiff(output, file, before);
    const yes =
      flags["force"] === true || (await ask.yes(file.kind === "edit" ? "Change it like this?" : "Replace it?"));
    // Without the change another Dockerfile is right.
    if (!yes && file.kind === "edit") return decide(context, flags, ask, tree, { ...answers, edits: false });
    outcomes.push({ file, before, action: yes ? (file.kind === "edit" ? "edit" : "replace") : "keep" });
  }
  const order = proposal.files.map(({ path }) => path);
  return { proposal, outcomes: outcomes.toSorted((a, b) => order.indexOf(a.file.path) - order.indexOf(b.file.path)) };
}

const words = (text: string): readonly string[] => text.split(/[\s,]+/).filter((word) => word !== "");

const done = {
  write: "written",
  edit: "changed",
  replace: "replaced",
  keep: "kept as it is",
  same: "is as it should be",
} as const;
const would = {
  write: "would be written",
  edit: "would be changed",
  replace: "would be replaced",
  keep: "would be kept as it is",
  same: "is as it should be",
} as const;

function tell(
  output: Output,
  proposal: Proposal,
  outcomes: readonly Outcome[],
  written: boolean,
  inFull = false,
): number {
  const { project, findings, examples, notes } = proposal;
  output.line();
  for (const { file, before, action } of outcomes) {
    output.line(`${output.paint.green(file.path)} ${(written ? done : would)[action]}: ${file.why}`);
    if (before !== undefined && action !== "same") tellDiff(output, file, before);
    else if (inFull && action === "write")
      for (const line of file.text.trimEnd().split("\n")) output.line(`  ${output.paint.dim(line)}`);
  }
  for (const note of notes) output.line(`${output.paint.yellow("note")} ${note}`);
  const kept = outcomes.some(({ file, action }) => /^shiplock\.ya?ml$/.test(file.path) && action === "keep");
  if (examples.length > 0 && !kept) {
    output.line(
      `${output.paint.yellow("to fill in")} these lines of shiplock.yml hold examples, and nothing can be deployed with them:`,
    );
    for (const line of examples) output.line(`  ${line}`);
  }
  if (written) output.line("next: look it over, commit it, then `shiplock doctor` and `shiplock deploy --check`");
  output.result({
    project,
    written,
    findings,
    files: outcomes.map(({ file, before, action }) => ({
      path: file.path,
      action,
      why: file.why,
      ...(before === undefined ? (written ? {} : { text: file.text }) : { diff: diffLines(before, file.text) }),
    })),
    examples,
    notes,
  });
  return exitCodes.done;
}

function tellDiff(output: Output, file: WrittenFile, before: string): void {
  for (const line of diffLines(before, file.text)) {
    const paint = line.startsWith("+")
      ? output.paint.green
      : line.startsWith("-")
        ? output.paint.red
        : output.paint.dim;
    output.line(`  ${paint(line)}`);
  }
}

function wrongFlag(): ShiplockError {
  return new ShiplockError({
    code: "init/no-config",
    blame: "usage",
    message: "init writes shiplock.yml, and takes no --config",
    remedy: "name the folder of the project with --project",
  });
}
