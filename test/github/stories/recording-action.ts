import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { JobRun, WorkflowRun } from "../runner/types.ts";

/** An action with the inputs of ours that does nothing and says what it was asked, for tests of what workflows ask. */
export type RecordingAction = Disposable & { readonly folder: string };

/** What a step asked of the action. */
export type Asked = {
  readonly job: string;
  /** Those that were given. */
  readonly inputs: Readonly<Record<string, string>>;
  /** The commit that lies in the workspace. */
  readonly commit: string;
  /** Of the names that the test asks about, those in the step's environment. */
  readonly variables: Readonly<Record<string, string>>;
};

const marker = "asked: ";

export type RecordingOptions = {
  /** Names of variables that are told. */
  readonly watched?: readonly string[];
  /** While it exists, a step that changes an environment goes on. */
  readonly holdFile?: string;
  /** Checks that fail. */
  readonly failing?: readonly string[];
};

export function createRecordingAction({ watched, holdFile, failing }: RecordingOptions): RecordingAction {
  const folder = mkdtempSync(join(tmpdir(), "recording-"));
  mkdirSync(join(folder, "action"));
  copyFileSync(resolve(import.meta.dirname, "../../../action.yml"), join(folder, "action.yml"));
  const script = `
const { execFileSync } = require("node:child_process");
const { existsSync, appendFileSync } = require("node:fs");
if (process.env.STATE_main === "true") process.exit(0);
appendFileSync(process.env.GITHUB_STATE, "main=true\\n");
const inputs = Object.fromEntries(
  Object.entries(process.env)
    .filter(([name, value]) => name.startsWith("INPUT_") && name !== "INPUT_TOKEN" && value !== "")
    .map(([name, value]) => [name.slice(6).toLowerCase(), value]),
);
const commit = execFileSync("git", ["rev-parse", "HEAD"], { encoding: "utf8" }).trim();
const variables = Object.fromEntries(
  ${JSON.stringify(watched ?? [])}.filter((name) => name in process.env).map((name) => [name, Buffer.from(process.env[name]).toString("hex")]),
);
console.log(${JSON.stringify(marker)} + JSON.stringify({ inputs, commit, variables }));
const wait = () => (existsSync(${JSON.stringify(holdFile ?? "")}) ? setTimeout(wait, 10) : undefined);
if (${JSON.stringify(failing ?? [])}.includes(inputs.checks)) process.exit(1);
if (!["check", "hold"].includes(inputs.command)) wait();
`;
  writeFileSync(join(folder, "action/index.js"), script);
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

/** What the jobs of these runs asked, in the order in which they began. */
export function askedBy(runs: readonly Pick<WorkflowRun, "jobs">[]): Asked[] {
  return runs.flatMap(({ jobs }) => jobs.flatMap(askedIn));
}

function askedIn(job: JobRun): Asked[] {
  const lines = job.rawLog().split("\n");
  return lines
    .filter((line) => line.startsWith(marker))
    .map((line) => {
      const { inputs, commit, variables } = JSON.parse(line.slice(marker.length)) as Omit<Asked, "job">;
      const texts = Object.entries(variables).map(([name, hex]) => [name, Buffer.from(hex, "hex").toString("utf8")]);
      return { job: job.id, inputs, commit, variables: Object.fromEntries(texts) };
    });
}
