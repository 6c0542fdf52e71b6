import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ShiplockError } from "../../errors.ts";
import type { JsonObject } from "../../json.ts";
import { runProgram } from "../../process.ts";
import { makeScratch } from "../../scratch.ts";
import { type Recording, startRecorder } from "./recorder.ts";

/**
 * What Shiplock needs of Compose. Both run on the deploying side and touch no host.
 */
export type ComposeProgram = {
  /**
   * The team's compose files as one model: merged, interpolated, paths absolute.
   * @throws ShiplockError `compose/invalid` with Compose's own words
   */
  config(request: {
    directory: string;
    files: readonly string[];
    project: string;
    env: Readonly<Record<string, string>>;
  }): Promise<JsonObject>;
  /** What Compose would create for a final compose file, as requests to an engine of this API version. */
  translate(request: {
    text: string;
    project: string;
    /** The host's folder, which is the project directory. */
    directory: string;
    env: Readonly<Record<string, string>>;
    apiVersion: string;
  }): Promise<Recording>;
};

const timeoutMs = 60_000;

/** Compose as the `docker compose` command of this machine. */
export function dockerCompose(environment: Readonly<Record<string, string | undefined>>): ComposeProgram {
  const base = { PATH: environment["PATH"], HOME: environment["HOME"], DOCKER_CONFIG: environment["DOCKER_CONFIG"] };

  async function config(request: Parameters<ComposeProgram["config"]>[0]): Promise<JsonObject> {
    const files = request.files.flatMap((file) => ["--file", join(request.directory, file)]);
    const args = [
      "compose",
      "--project-name",
      request.project,
      "--project-directory",
      request.directory,
      ...files,
      "config",
      "--format",
      "json",
    ];
    const result = await runProgram("docker", args, {
      env: { ...base, ...request.env },
      cwd: request.directory,
      timeoutMs,
    });
    if (result.exitCode !== 0) throw invalid(result.stderr, request.files.join(", "));
    return JSON.parse(result.stdout) as JsonObject;
  }

  async function translate(request: Parameters<ComposeProgram["translate"]>[0]): Promise<Recording> {
    const folder = await makeScratch("compose");
    const socket = join(folder, "engine.sock");
    const recorder = await startRecorder(socket, request.apiVersion);
    try {
      const file = join(folder, "compose.yaml");
      await writeFile(file, request.text, { mode: 0o600 });
      const args = [
        "compose",
        "--project-name",
        request.project,
        "--project-directory",
        request.directory,
        "--file",
        file,
        "up",
        "--no-start",
        "--no-recreate",
      ];
      const result = await runProgram("docker", args, {
        env: {
          ...base,
          ...request.env,
          DOCKER_HOST: `unix://${socket}`,
          COMPOSE_PROGRESS: "quiet",
          COMPOSE_ANSI: "never",
        },
        cwd: folder,
        timeoutMs,
      });
      if (result.exitCode !== 0) throw invalid(result.stderr, "compose.yaml");
      return recorder.recording;
    } finally {
      await recorder.close();
      await rm(folder, { recursive: true, force: true });
    }
  }

  return { config, translate };
}

/** Without the plugin `docker` takes the words for its own: it complains about a flag and shows its own usage. */
const pluginMissing = /unknown command: docker compose|is not a docker command|^Usage: +docker \[OPTIONS\] COMMAND/;

function invalid(stderr: string, where: string): ShiplockError {
  const lines = stderr
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  if (lines.some((line) => pluginMissing.test(line))) {
    return new ShiplockError({
      code: "compose/missing",
      blame: "usage",
      message: "`docker compose` is not installed here",
      remedy: "install the Docker Compose plugin (2.24 or newer) on the machine that deploys",
    });
  }
  return new ShiplockError({
    code: "compose/invalid",
    blame: "usage",
    message: `Compose cannot read ${where}: ${lines.at(-1) ?? "it gave no reason"}`,
    where,
    remedy: "run `docker compose config` in the repository and mend what it says",
    details: lines,
  });
}
