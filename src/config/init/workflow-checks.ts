import { asList, asObject, asText, type Json, type JsonObject } from "../../json.ts";
import { readYaml } from "../read-yaml.ts";
import { freeName } from "./names.ts";
import { packageCaches } from "./package-caches.ts";
import { has, type Tree } from "./tree.ts";
import type { CheckDraft } from "./types.ts";

export type WorkflowChecks = {
  readonly checks: readonly CheckDraft[];
  /** By the check's name, the job that it was made of. */
  readonly sources: ReadonlyMap<string, CheckSource>;
  readonly notes: readonly string[];
};

/** Commands that look at the sources and change nothing outside. */
const looks =
  /\b(lint|test|tests|pytest|ruff|eslint|tsc|mypy|pyright|vitest|jest|type-?check|typecheck|check|flake8|black|isort|biome|prettier|tox|nox|ava|mocha|playwright|unittest)\b/;
/** Commands that have no place in a check: they deploy, publish, or need the runner's own machine. */
const outside =
  /\b(docker|docker-compose|kubectl|helm|ssh|scp|rsync|aws|gcloud|az|gh|sudo|systemctl|terraform|git push|npm publish|twine)\b/;

/** Why a step of a check is not taken over; null for one that is. */
export function isLeftOut(command: string): { readonly why: string; readonly instead: string } | null {
  if (withMatrixVariable(command).includes("${{"))
    return {
      why: "it holds an expression of GitHub's, which only a workflow fills in",
      instead: "write the command into `run` with a variable from `env` or `secrets` in its place",
    };
  return outside.test(command)
    ? {
        why: "it needs the runner's own machine, or changes something outside",
        instead: "what belongs to the check goes into its image; what a deployment does, Shiplock does",
      }
    : null;
}

/** The jobs of GitHub workflows that lint or test, as checks. What cannot be taken over is named. */
export function workflowChecks(tree: Tree): WorkflowChecks {
  const files = tree.paths.filter((path) => /^\.github\/workflows\/[^/]+\.ya?ml$/.test(path));
  const checks: CheckDraft[] = [];
  const sources = new Map<string, CheckSource>();
  const notes: string[] = [];
  for (const file of files) {
    const { raw, problems } = readYaml(file, tree.text(file) ?? "");
    const workflow = asObject(raw as Json | undefined);
    if (problems.length > 0 || workflow === undefined) {
      notes.push(`${file} is no YAML that can be read: its jobs are left out`);
      continue;
    }
    const names = new Map<string, string>();
    for (const [id, value] of Object.entries(asObject(workflow["jobs"]) ?? {})) {
      const job = readJob(tree, file, id, workflow, asObject(value) ?? {});
      if (job === undefined) continue;
      const name = freeName(
        id.replaceAll(/[^A-Za-z0-9_-]/g, "-"),
        checks.map((check) => check.name),
      );
      names.set(id, name);
      sources.set(name, { file, job: id });
      notes.push(...job.notes);
      checks.push({ ...job.check, name, needs: job.check.needs.flatMap((need) => names.get(need) ?? []) });
    }
  }
  return { checks, sources, notes };
}

/** What a check was made of, for those who show where. */
export type CheckSource = { readonly file: string; readonly job: string };

type Job = { readonly check: CheckDraft; readonly notes: readonly string[] };

function readJob(tree: Tree, file: string, id: string, workflow: JsonObject, job: JsonObject): Job | undefined {
  const steps = asList(job["steps"]).flatMap((step): JsonObject[] => {
    const one = asObject(step);
    return one === undefined ? [] : [one];
  });
  // What runs only after a failure looks at what went wrong, and checks nothing.
  const runs = steps.filter(
    (step) => typeof step["run"] === "string" && !/\b(?:failure|cancelled)\(/.test(asText(step["if"]) ?? ""),
  );
  if (job["environment"] !== undefined || !runs.some((step) => looks.test(asText(step["run"]) ?? ""))) return undefined;
  // No container is a machine of these.
  if (/^\W*(?:windows|macos)/.test([asText(job["runs-on"]) ?? asList(job["runs-on"])].flat().join(" ")))
    return undefined;
  const notes: string[] = [];
  const matrix = matrixOf(job);
  const set = imageOf(tree, steps, matrix, asText(job["container"]) ?? asText(asObject(job["container"])?.["image"]));
  if (set === undefined)
    notes.push(
      `${file}: ${id} sets up no tool that is known here: its check runs in debian:stable-slim, which may lack some`,
    );
  const image = set ?? "debian:stable-slim";
  const services = servicesOf(job);
  const directories = runs.map((step) => directoryOf(workflow, job, step));
  const directory = directories.every((one) => one === directories[0]) ? (directories[0] ?? "") : "";
  const variables = [workflow, job, ...runs].flatMap((one) => Object.entries(asObject(one["env"]) ?? {}));
  const env: Record<string, string> = {};
  const secrets: string[] = [];
  for (const [name, value] of variables) {
    const text = withMatrix(String(value));
    const secret = /^\$\{\{\s*secrets\.(\w+)\s*\}\}$/.exec(String(value))?.[1];
    if (secret === name) secrets.push(name);
    else if (secret !== undefined || text.includes("${{"))
      notes.push(`${file}: ${id} gets ${name} from an expression of GitHub's: it is left out`);
    else env[name] = reachable(text.replaceAll(/\$(?!\{[A-Z_]+\})/g, "$$$$"), services);
  }
  const lines: string[] = [...toolLines(steps)];
  for (const [index, step] of runs.entries()) {
    const command = withMatrixVariable(asText(step["run"]) ?? "").trim();
    if (isLeftOut(command) !== null) notes.push(`${file}: a step of ${id} is left out: ${command.split("\n")[0]}`);
    else
      lines.push(
        directories[index] === directory || directories[index] === ""
          ? command
          : `(cd ${directories[index]} && ${command.split("\n").join(" && ")})`,
      );
  }
  if (!lines.some((line) => looks.test(line))) return undefined;
  const minutes = job["timeout-minutes"];
  const needs =
    typeof job["needs"] === "string" ? [job["needs"]] : asList(job["needs"]).flatMap((need) => asText(need) ?? []);
  const used = Object.fromEntries(
    Object.entries(matrix).filter(
      ([name]) =>
        image.includes(`\${${name}}`) ||
        lines.some((line) => line.includes(`$${name}`)) ||
        Object.values(env).some((text) => text.includes(`\${${name}}`)),
    ),
  );
  return {
    check: {
      ...draft(file, id),
      image,
      run: lines.join("\n"),
      directory,
      needs,
      matrix: used,
      env,
      secrets: [...new Set(secrets)],
      services,
      caches: cachesOf(tree, steps, directory, image),
      ...(typeof minutes === "number" && Number.isInteger(minutes) && minutes > 0 ? { timeout: `${minutes}m` } : {}),
    },
    notes,
  };
}

function draft(file: string, id: string): CheckDraft {
  return {
    name: id,
    from: `From the job ${id} of ${file}.`,
    image: "debian:stable-slim",
    run: "true",
    directory: "",
    needs: [],
    matrix: {},
    env: {},
    secrets: [],
    services: {},
    caches: [],
  };
}

/** The matrix' lists of plain values; its variables as names. */
function matrixOf(job: JsonObject): Readonly<Record<string, readonly string[]>> {
  const matrix = asObject(asObject(job["strategy"])?.["matrix"]) ?? {};
  return Object.fromEntries(
    Object.entries(matrix).flatMap(([name, values]) => {
      const list = asList(values).filter((value) => typeof value === "string" || typeof value === "number");
      if (name === "include" || name === "exclude" || name === "os" || list.length === 0) return [];
      return [[variableOf(name), list.map((value) => majorOf(name, String(value)))]];
    }),
  );
}

function variableOf(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9]/g, "_").toUpperCase();
}

function majorOf(name: string, value: string): string {
  return /node/i.test(name) ? (/^(\d+)(\.x|\.\d+)*$/.exec(value)?.[1] ?? value) : value;
}

function withMatrix(text: string): string {
  return text.replaceAll(/\$\{\{\s*matrix\.([\w-]+)\s*\}\}/g, (_found, name: string) => `\${${variableOf(name)}}`);
}

/** In a command the shell fills it in. */
function withMatrixVariable(text: string): string {
  return text.replaceAll(/\$\{\{\s*matrix\.([\w-]+)\s*\}\}/g, (_found, name: string) => `$${variableOf(name)}`);
}

function imageOf(
  tree: Tree,
  steps: readonly JsonObject[],
  matrix: Readonly<Record<string, unknown>>,
  container: string | undefined,
): string | undefined {
  if (container !== undefined && !container.includes("${{")) return container;
  for (const [action, name, key, newest] of [
    ["actions/setup-python", "python", "python-version", "3.13"],
    ["astral-sh/setup-uv", "python", "python-version", "3.13"],
    ["actions/setup-node", "node", "node-version", "24"],
    ["pnpm/action-setup", "node", "node-version", "24"],
    ["actions/setup-go", "golang", "go-version", "1.25"],
    ["ruby/setup-ruby", "ruby", "ruby-version", "3.4"],
    ["actions/setup-java", "eclipse-temurin", "java-version", "21"],
    ["shivammathur/setup-php", "php", "php-version", "8.4"],
  ] as const) {
    const step = steps.find((one) => (asText(one["uses"]) ?? "").startsWith(`${action}@`));
    if (step === undefined) continue;
    const given = asObject(step["with"]);
    const written = withMatrix(String(given?.[key] ?? ""));
    const variable = /^\$\{(\w+)\}$/.exec(written)?.[1];
    const slim = { golang: "", "eclipse-temurin": "", php: "-cli" }[name as string] ?? "-slim";
    if (variable !== undefined && matrix[variable] !== undefined) return `${name}:\${${variable}}${slim}`;
    const fromFile = asText(given?.[`${key}-file`]);
    const text = /^\d/.test(written)
      ? written
      : fromFile !== undefined && has(tree, fromFile)
        ? (tree.text(fromFile) ?? "")
            .replace(/^[^]*^go (?=\d)/m, "")
            .trim()
            .replace(/^v/, "")
        : "";
    const whole = name === "node" || name === "eclipse-temurin";
    const version = (whole ? /^\d+/ : /^\d+\.\d+/).exec(text)?.[0] ?? newest;
    return `${name}:${version}${slim}`;
  }
  return undefined;
}

/** Tools that an action brings and an image does not have. */
function toolLines(steps: readonly JsonObject[]): readonly string[] {
  const tools = [
    ["astral-sh/setup-uv", "pip install uv"],
    ["snok/install-poetry", "pip install poetry"],
    ["pnpm/action-setup", "corepack enable"],
  ] as const;
  return tools.flatMap(([action, line]) =>
    steps.some((step) => (asText(step["uses"]) ?? "").startsWith(`${action}@`)) ? [line] : [],
  );
}

function servicesOf(job: JsonObject): CheckDraft["services"] {
  return Object.fromEntries(
    Object.entries(asObject(job["services"]) ?? {}).flatMap(([name, value]) => {
      const service = asObject(value) ?? {};
      const image = asText(service["image"]);
      if (image === undefined || image.includes("${{") || !/^[a-z0-9][a-z0-9-]*$/.test(name)) return [];
      const health = /--health-cmd[= ]+(?:"([^"]*)"|'([^']*)'|(\S+))/.exec(asText(service["options"]) ?? "");
      const command = health?.[1] ?? health?.[2] ?? health?.[3] ?? usualHealth(image);
      const env = Object.fromEntries(
        Object.entries(asObject(service["env"]) ?? {}).flatMap(([key, one]) =>
          String(one).includes("${{") ? [] : [[key, String(one).replaceAll("$", "$$$$")]],
        ),
      );
      return [[name, { image, env, ...(command === undefined ? {} : { health: command }) }]];
    }),
  );
}

function usualHealth(image: string): string | undefined {
  if (/(^|\/)(postgres|postgis|pgvector)/.test(image)) return "pg_isready";
  return /(^|\/)(redis|valkey)/.test(image) ? "redis-cli ping" : undefined;
}

/** On GitHub's runners services are at the machine's own address; beside a check they have names. */
function reachable(text: string, services: CheckDraft["services"]): string {
  const names = Object.entries(services);
  const byPort = (port: string): string | undefined =>
    names.find(
      ([, { image }]) =>
        (port.startsWith("543") && /postg/.test(image)) ||
        (port.startsWith("637") && /redis|valkey/.test(image)) ||
        (port.startsWith("330") && /mysql|mariadb/.test(image)),
    )?.[0];
  const only = names.length === 1 ? names[0]?.[0] : undefined;
  return text.replaceAll(/\b(?:localhost|127\.0\.0\.1)(?::(\d+))?\b/g, (found, port: string | undefined) => {
    const name = port === undefined ? only : (byPort(port) ?? only);
    return name === undefined ? found : `${name}${port === undefined ? "" : `:${port}`}`;
  });
}

function directoryOf(workflow: JsonObject, job: JsonObject, step: JsonObject): string {
  const standard = (one: JsonObject): string | undefined =>
    asText(asObject(asObject(one["defaults"])?.["run"])?.["working-directory"]);
  return (asText(step["working-directory"]) ?? standard(job) ?? standard(workflow) ?? "")
    .replace(/^\.\//, "")
    .replace(/\/$/, "")
    .replace(/^\.$/, "");
}

function cachesOf(tree: Tree, steps: readonly JsonObject[], directory: string, image: string): CheckDraft["caches"] {
  const wanted = steps.some(
    (step) =>
      asObject(step["with"])?.["cache"] !== undefined || (asText(step["uses"]) ?? "").startsWith("actions/cache@"),
  );
  return wanted ? packageCaches(tree, directory, image) : [];
}
