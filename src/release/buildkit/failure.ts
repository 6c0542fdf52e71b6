import { ShiplockError } from "../../errors.ts";
import type { BuildRequest } from "../build.ts";
import { readDockerfile } from "../inputs/dockerfile.ts";
import type { FailedStep } from "./events.ts";
import { buildxTooOld } from "./version.ts";

/** An instruction that is longer is named by its beginning: its line says which it is. */
const longestStep = 120;

/**
 * The error of a build that failed.
 * @param rest what the client wrote beside the event stream: its own words, and with a newer BuildKit the passage of the Dockerfile
 * @param step the step that failed; null where it never came so far
 * @param dockerfile its text, for the line of the instruction that failed; null where it cannot be read
 */
export function buildFailed(
  request: BuildRequest,
  rest: readonly string[],
  step: FailedStep | null,
  dockerfile: string | null,
): ShiplockError {
  const ofTheClient = clientFailure(rest.join("\n"));
  if (ofTheClient !== null) return ofTheClient;
  return dockerfile === null && step === null ? noDockerfile(request) : ownFailure(request, rest, step, dockerfile);
}

/**
 * The line of the instruction that a step stands for: `[build 3/7] RUN npm ci` is the third of those of the stage `build` that make a step.
 * @returns null for a step of the builder's own
 */
export function lineOfStep(dockerfile: string, step: string): number | null {
  const [, before = "", number] = /^\[([^\]]*?) ?(\d+)\/\d+\] /.exec(step) ?? [];
  if (number === undefined) return null;
  // Before the stage stands the platform, where there are several.
  const stage = before.split(" ").at(-1) ?? "";
  const stages: { name: string; lines: number[] }[] = [];
  for (const { keyword, rest, line } of readDockerfile(dockerfile).instructions) {
    if (keyword === "FROM") stages.push({ name: rest.split(/\s+/)[2] ?? `stage-${stages.length}`, lines: [] });
    if (["FROM", "RUN", "COPY", "ADD", "WORKDIR"].includes(keyword)) stages.at(-1)?.lines.push(line);
  }
  const meant = stages.length === 1 ? stages[0] : stages.find(({ name }) => name.toLowerCase() === stage.toLowerCase());
  return meant?.lines[Number(number) - 1] ?? null;
}

function clientFailure(said: string): ShiplockError | null {
  if (/unknown command: docker buildx|is not a docker command|^Usage: +docker \[OPTIONS\] COMMAND/m.test(said)) {
    return new ShiplockError({
      code: "build/buildx-missing",
      blame: "usage",
      message: "`docker buildx` is not installed here",
      remedy: "install the buildx plugin, 0.13 or later, on the machine that builds",
    });
  }
  if (/progress.*rawjson|rawjson.*progress/i.test(said)) {
    return buildxTooOld();
  }
  if (/Cannot connect to the Docker daemon|failed to connect to the docker API/i.test(said)) {
    return new ShiplockError({
      code: "build/no-engine",
      blame: "usage",
      message: "no Docker Engine answers on the machine that builds",
      remedy: "start it, or set DOCKER_HOST to one that runs",
    });
  }
  return null;
}

function noDockerfile({ name, dockerfile }: BuildRequest): ShiplockError {
  return new ShiplockError({
    code: "build/no-dockerfile",
    blame: "usage",
    message: `the image "${name}" cannot be built: there is no ${dockerfile} in its build context`,
    where: `images.${name}`,
    remedy: `commit it, or let \`context\` and \`dockerfile\` of images.${name} lead to where it is`,
  });
}

function ownFailure(
  request: BuildRequest,
  rest: readonly string[],
  step: FailedStep | null,
  dockerfile: string | null,
): ShiplockError {
  const counted = step === null || dockerfile === null ? null : lineOfStep(dockerfile, step.step);
  const place = counted ?? placeIn(rest);
  const reason = step?.reason ?? reasonIn(rest);
  const shown = step === null ? rest.slice(-30) : step.lastLines;
  return new ShiplockError({
    code: "build/failed",
    message: `the image "${request.name}" could not be built for ${request.platform}: ${sentence(step?.step ?? null, reason)}`,
    ...(place === null ? {} : { where: { file: request.dockerfile, line: place } }),
    remedy: "mend what its last lines say; nothing was pushed or deployed",
    details: shown.filter((line) => line.trim() !== ""),
  });
}

function sentence(step: string | null, reason: string): string {
  const exit = /(?:did not complete successfully|^executor failed running .*): exit code: (\d+)/s.exec(reason)?.[1];
  if (step === null) return reason;
  const [first = ""] = step.split("\n");
  const name = first.length === step.length && first.length <= longestStep ? step : `${first.slice(0, longestStep)}…`;
  return exit === undefined ? `${name}: ${reason}` : `${name} ended with exit code ${exit}`;
}

/** The line of the Dockerfile: the client shows the passage after `Dockerfile:12`, with arrows at the lines meant. */
function placeIn(rest: readonly string[]): number | null {
  const arrow = rest.map((line) => /^\s*(\d+) \| >>>/.exec(line)?.[1]).find((line) => line !== undefined);
  const heading = rest.map((line) => /^\S.*:(\d+)$/.exec(line)?.[1]).find((line) => line !== undefined);
  const line = arrow ?? heading;
  return line === undefined ? null : Number(line);
}

function reasonIn(rest: readonly string[]): string {
  const error = rest.findLast((line) => line.startsWith("ERROR: "));
  // The words around the reason are BuildKit's own layers.
  const around =
    /^(ERROR|failed to solve( with frontend [\w.]+)?|failed to (create LLB definition|compute cache key)): /;
  let reason = error ?? "";
  for (;;) {
    const inner = reason.replace(/^rpc error: code = \w+ desc = /, "").replace(around, "");
    if (inner === reason) return reason === "" ? "the builder gave no reason" : reason;
    reason = inner;
  }
}
