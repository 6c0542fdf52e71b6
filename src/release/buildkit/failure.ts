import { ShiplockError } from "../../errors.ts";
import type { BuildRequest } from "../build.ts";
import type { FailedStep } from "./events.ts";

/**
 * The error of a build that failed.
 * @param rest what the client wrote beside the event stream: its own words, and the passage of the Dockerfile
 * @param step the step that failed; null where it never came so far
 */
export function buildFailed(request: BuildRequest, rest: readonly string[], step: FailedStep | null): ShiplockError {
  const said = rest.join("\n");
  return clientFailure(said) ?? ownFailure(request, rest, step);
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
    return new ShiplockError({
      code: "build/buildx-old",
      blame: "usage",
      message:
        "the buildx plugin here is older than 0.13, which first writes what happens in a form that programs read",
      remedy: "install buildx 0.13 (March 2024) or later; `docker buildx version` says which one there is",
    });
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

function ownFailure(request: BuildRequest, rest: readonly string[], step: FailedStep | null): ShiplockError {
  const place = placeIn(rest);
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
  const exit = /did not complete successfully: exit code: (\d+)/.exec(reason)?.[1];
  if (step === null) return reason;
  return exit === undefined ? `${step}: ${reason}` : `${step} ended with exit code ${exit}`;
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
  return error?.replace(/^ERROR: (failed to solve: )?/, "") ?? "the builder gave no reason";
}
