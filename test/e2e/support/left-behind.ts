import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gunzipSync } from "node:zlib";
import { askEngine } from "../../lab/engine.ts";
import type { LabHost } from "../../lab/host.ts";
import type { Lab } from "../../lab/lab.ts";
import type { CommandResult } from "./command.ts";
import { filesBelow, filesWith, formsOf } from "./disk.ts";
import type { Project } from "./project.ts";
import { blobsOf } from "./registry.ts";

/** Everywhere that a deployment of a project may have left something, by the name of the place. */
export type Places = {
  lab: Lab;
  host: LabHost;
  project: Project;
  /** By what was run, what it said. */
  said: Readonly<Record<string, CommandResult>>;
};

/** The programs that Shiplock starts on the machine that deploys. */
const programs = ["docker", "git", "ssh"];

/** From now on, every program that the project's commands start writes down its argument list before it runs. A check's own shell is the user's. */
export function recordArguments(project: Project): void {
  const folder = join(project.folder, "..", "recorded");
  const wrappers = join(folder, "bin");
  mkdirSync(wrappers, { recursive: true });
  const path = project.env["PATH"] ?? "";
  for (const program of programs) {
    const wrapper = join(wrappers, program);
    const lines = [
      "#!/bin/sh",
      `for one in "$@"; do printf '%s\\n' "$one"; done > ${quoted(folder)}/arguments-of-${program}-$$`,
      `PATH=${quoted(path)} exec ${program} "$@"`,
    ];
    writeFileSync(wrapper, `${lines.join("\n")}\n`);
    chmodSync(wrapper, 0o755);
  }
  Object.assign(project.env, { PATH: `${wrappers}:${path}` });
}

/** How often each program was started since, so that a search that finds nothing had something to search. */
export function recordedStarts(project: Project): Record<string, number> {
  const names = readdirSync(join(project.folder, "..", "recorded"));
  return Object.fromEntries(
    programs.map((program) => [program, names.filter((name) => name.startsWith(`arguments-of-${program}-`)).length]),
  );
}

/**
 * The places that hold one of these texts, in any form that programs write: outputs, argument lists, ledger, results and caches of checks, temporary files and home of the machine that deploys;
 * environment record, journal, images and logs on the host's disk; labels of containers and images; manifests, configurations, layers and evidence in the registry.
 */
export async function leftBehind(texts: readonly string[], { lab, host, project, said }: Places): Promise<string[]> {
  const holds = (text: string): boolean => texts.flatMap(formsOf).some((form) => text.includes(form));
  const outputs = Object.entries(said).flatMap(([name, { stdout, stderr }]) =>
    holds(`${stdout}${stderr}`) ? [`what ${name} said`] : [],
  );
  const [machine, disk, labels, blobs] = await Promise.all([
    filesBelow(join(project.folder, ".."), texts),
    filesWith(host, texts),
    labelsOn(host),
    blobsOf(lab, `${project.name}/app`),
  ]);
  return [
    ...outputs,
    ...machine.map((path) => `${path} on the machine that deploys`),
    ...ledgerTexts(project).flatMap(({ name, text }) => (holds(text) ? [`${name} of the ledger`] : [])),
    ...disk.filter((path) => !isEnvironmentOfContainer(path)).map((path) => `${path} on ${host.name}`),
    ...labels.flatMap(({ name, text }) => (holds(text) ? [`labels of ${name}`] : [])),
    ...blobs.flatMap(({ name, text }) => (holds(text) ? [`${name} in the registry`] : [])),
  ];
}

/** The engine itself keeps the environment of each container, and so does what runs it. What a container prints is its own. */
function isEnvironmentOfContainer(path: string): boolean {
  return /^\/(?:var\/)?(?:lib\/docker\/containers|run)\//.test(path);
}

async function labelsOn(host: LabHost): Promise<{ name: string; text: string }[]> {
  const lists = ["/containers/json?all=1", "/images/json?all=1"];
  const answers = await Promise.all(lists.map((path) => askEngine(host.socketPath, "GET", path)));
  const found = answers.flatMap(
    ({ body }) => JSON.parse(body) as { Id: string; Labels: unknown; RepoTags?: unknown }[],
  );
  return found.map(({ Id, Labels, RepoTags }) => ({ name: Id, text: JSON.stringify([Labels, RepoTags]) }));
}

/** Every value in the ledger; evidence lies in it compressed. */
function ledgerTexts(project: Project): { name: string; text: string }[] {
  const database = new DatabaseSync(project.env["SHIPLOCK_LEDGER"] ?? "", { readOnly: true });
  try {
    const tables = database.prepare("select name from sqlite_master where type = 'table'").all();
    return tables.flatMap(({ name }) =>
      database
        .prepare(`select * from "${String(name)}"`)
        .all()
        .map((row) => ({ name: `a row of ${String(name)}`, text: Object.values(row).map(unpacked).join("\n") })),
    );
  } finally {
    database.close();
  }
}

function unpacked(value: unknown): string {
  const bytes = Buffer.from(String(value), "base64");
  return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes).toString("latin1") : String(value);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
