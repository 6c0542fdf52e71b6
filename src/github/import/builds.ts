import { type JobFacts, type StepFacts } from "../read/project.ts";
import { actionOf, inputOf, type Ran } from "../read/scripts.ts";
import { dockerCall } from "../read/shell/docker.ts";
import { optionValues } from "../read/shell/program.ts";
import type { Step } from "../read/types.ts";
import { filledIn, filledInShell, isKnown, type Reading, rowsOf } from "./texts.ts";
import type { Build, Found, From, Login } from "./types.ts";

type Known = { readonly repository: string | null };

/** Options of `docker build` that take the next word. */
const valued = new Set([
  ...["-t", "--tag", "-f", "--file", "--build-arg", "--target", "--platform", "--secret", "--ssh", "--cache-from"],
  ...["--cache-to", "--label", "--network", "-o", "--output", "--progress", "--builder", "--add-host", "--iidfile"],
  ...[
    "--metadata-file",
    "--build-context",
    "--provenance-mode",
    "--shm-size",
    "--ulimit",
    "-m",
    "--memory",
    "--attest",
  ],
]);

/** The images that a job builds, each with the line of its step. */
export function buildsOf(facts: JobFacts, known: Known): readonly Found<Build>[] {
  return facts.steps.flatMap((each) =>
    rowsOf(facts.job.matrix).flatMap((row) => {
      const reading: Reading = { facts, step: each.step, row, inputs: {}, ...known };
      const own = buildOfAction(each, reading);
      return [...(own === null ? [] : [own]), ...each.ran.flatMap((ran) => buildOfCommand(each, ran, reading) ?? [])];
    }),
  );
}

function buildOfAction({ file, step }: StepFacts, reading: Reading): Found<Build> | null {
  if (actionOf(step) !== "docker/build-push-action") return null;
  const input = (name: string): string | null => {
    const text = inputOf(step, name);
    return text === null ? null : filledIn(text.value, reading);
  };
  const context = input("context") ?? ".";
  const tags = linesOf(input("tags") ?? "")
    .flatMap((line) => line.split(","))
    .map((tag) => tag.trim());
  const named = tags.flatMap((tag) => imagesOfMetadata(tag, reading) ?? [tag]);
  return {
    from: { file, line: step.place.line },
    value: {
      context: folder(context),
      dockerfile: dockerfileIn(folder(context), input("file")),
      target: input("target"),
      platforms: listOf(input("platforms") ?? ""),
      args: linesOf(input("build-args") ?? "").flatMap((line) => pairsOf(line)),
      secrets: linesOf(input("secrets") ?? "").flatMap((line) => pairsOf(line).map(([name]) => name)),
      repository: named[0] === undefined ? null : withoutTag(named[0]),
    },
  };
}

/** The names that docker/metadata-action gives, where a tag is one of its answers. */
function imagesOfMetadata(tag: string, reading: Reading): readonly string[] | null {
  const id = /steps\.([\w-]+)\.outputs\.tags/.exec(tag)?.[1];
  if (id === undefined) return null;
  const step = reading.facts.steps.find((one) => one.step.id === id)?.step;
  const images = step === undefined ? null : inputOf(step, "images");
  return images === null
    ? []
    : linesOf(filledIn(images.value, reading)).flatMap((line) => /^(?:name=)?([^,]+)/.exec(line)?.[1] ?? []);
}

function buildOfCommand(
  { file }: StepFacts,
  { command, program, place, script }: Ran,
  reading: Reading,
): Found<Build> | null {
  const call = dockerCall(program);
  if (call === null || script.where === "host" || command.substituted) return null;
  if (call.verb !== "build" && call.verb !== "buildx build") return null;
  const texts = (...names: readonly string[]): readonly string[] =>
    optionValues(call.args, ...names).map(({ text }) => filledInShell(text, reading));
  let context: string | null = null;
  for (let at = 0; at < call.args.length; at += 1) {
    const text = call.args[at]?.text ?? "";
    if (valued.has(text)) at += 1;
    else if (!text.startsWith("-")) context = filledInShell(text, reading);
  }
  const base = folder(context ?? ".");
  return {
    from: { file, line: place.line },
    value: {
      context: base,
      dockerfile: dockerfileIn(base, texts("-f", "--file")[0] ?? null),
      target: texts("--target")[0] ?? null,
      platforms: texts("--platform").flatMap(listOf),
      args: texts("--build-arg").flatMap((text) => pairsOf(text)),
      secrets: texts("--secret").flatMap((text) => /(?:^|,)id=([^,]+)/.exec(text)?.[1] ?? []),
      repository: texts("-t", "--tag").map(withoutTag)[0] ?? null,
    },
  };
}

/** The registries that a job signs in at. */
export function loginsOf(facts: JobFacts, known: Known): readonly Found<Login>[] {
  return facts.steps.flatMap((each): Found<Login>[] => {
    const reading: Reading = { facts, step: each.step, row: {}, inputs: {}, ...known };
    const from: From = { file: each.file, line: each.step.place.line };
    if (actionOf(each.step) === "docker/login-action") return [{ value: loginOfAction(each.step, reading), from }];
    return each.ran.flatMap(({ program, place }) => {
      const call = dockerCall(program);
      if (call?.verb !== "login") return [];
      const texts = (...names: readonly string[]): string =>
        optionValues(call.args, ...names).map(({ text }) => filledInShell(text, reading))[0] ?? "";
      const server = call.args.findLast(
        ({ text }, at) =>
          !text.startsWith("-") && !/^(?:-u|-p|--username|--password)$/.test(call.args[at - 1]?.text ?? ""),
      );
      const piped =
        each.step.run === null ? "" : (/\S*\s*echo\s+(.+?)\|\s*docker login/.exec(each.step.run.value)?.[1] ?? "");
      const password = texts("-p", "--password") || filledInShell(piped, reading);
      return [
        {
          value: {
            server: server === undefined ? "docker.io" : filledInShell(server.text, reading),
            username: texts("-u", "--username"),
            password,
          },
          from: { file: each.file, line: place.line },
        },
      ];
    });
  });
}

function loginOfAction(step: Step, reading: Reading): Login {
  const input = (name: string): string => filledIn(inputOf(step, name)?.value ?? "", reading);
  return { server: input("registry") || "docker.io", username: input("username"), password: input("password") };
}

/** A name without its tag; colons of ports and of expressions are none of it. */
export function withoutTag(name: string): string {
  const hidden = name.replaceAll(/\$\{\{.*?\}\}/g, (text) => text.replaceAll(/[:/@]/g, "\u0000"));
  const end = /^(.*?)(?:@.*|:[^/:]*)?$/s.exec(hidden)?.[1]?.length ?? name.length;
  return name.slice(0, end).trim();
}

/** `ghcr.io/acme/shop` as server and path; Docker Hub has names without a server. Null where something of it is not known. */
export function serverOf(repository: string): { readonly server: string; readonly path: string } | null {
  if (!isKnown(repository)) return null;
  const [first = "", ...rest] = repository.split("/");
  const isServer = rest.length > 0 && /[.:]|^localhost$/.test(first);
  const path = isServer ? rest.join("/") : repository;
  const server = !isServer || /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?$/.test(first);
  return server && /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/.test(path)
    ? { server: isServer ? first : "docker.io", path }
    : null;
}

function dockerfileIn(context: string, file: string | null): string | null {
  if (file === null) return null;
  const path = folder(file);
  const inside = context !== "" && path.startsWith(`${context}/`) ? path.slice(context.length + 1) : path;
  return inside === "Dockerfile" ? null : inside;
}

function folder(path: string): string {
  return path
    .replace(/^(?:\.\/)+/, "")
    .replace(/\/+$/, "")
    .replace(/^\.$/, "");
}

function linesOf(text: string): readonly string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

function listOf(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((word) => word !== "");
}

function pairsOf(line: string): readonly (readonly [string, string])[] {
  const [, name, value] = /^"?([A-Za-z_][\w-]*)=(.*?)"?$/s.exec(line) ?? [];
  return name === undefined || value === undefined ? [] : [[name, value]];
}
