import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ShiplockError } from "../errors.ts";
import { runProgram } from "../process.ts";
import type { Commit } from "./source.ts";

export type BuildRequest = {
  name: string;
  /** Folder of the build context, absolute. */
  context: string;
  /** Relative to the context. */
  dockerfile: string;
  target: string | null;
  platform: string;
  args: Readonly<Record<string, string>>;
  /** Values of build secrets by name; they reach BuildKit through the environment of its client, and no layer. */
  secrets: Readonly<Record<string, string>>;
  network: string | null;
  commit: Commit;
  /** `repository:tag` */
  reference: string;
  timeoutMs: number;
  signal: AbortSignal;
  log: (line: string) => void;
};

/** Where images are built: never a host that runs them. */
export type Builder = {
  /** Builds and keeps the image under its reference in the builder's engine. */
  build(request: BuildRequest): Promise<void>;
};

const lastLines = 30;

/** BuildKit through `docker buildx build` on this machine's engine. */
export function buildxBuilder(environment: Readonly<Record<string, string | undefined>>): Builder {
  return { build: (request) => build(request, environment) };
}

async function build(request: BuildRequest, environment: Readonly<Record<string, string | undefined>>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "shiplock-build-"));
  const said: string[] = [];
  try {
    const idFile = join(folder, "image-id");
    const args = [
      ...["buildx", "build", "--progress", "plain", "--load", "--provenance", "false", "--iidfile", idFile],
      ...[
        "--file",
        join(request.context, request.dockerfile),
        "--platform",
        request.platform,
        "--tag",
        request.reference,
      ],
      ...["--label", `org.opencontainers.image.revision=${request.commit.hash}`],
      ...["--label", `org.opencontainers.image.created=${request.commit.time}`],
      ...(request.target === null ? [] : ["--target", request.target]),
      ...(request.network === null ? [] : ["--network", request.network]),
      ...Object.entries(request.args).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]),
      ...Object.keys(request.secrets).flatMap((name) => ["--secret", `id=${name},env=${name}`]),
      request.context,
    ];
    const result = await runProgram("docker", args, {
      env: { ...environment, ...request.secrets, BUILDX_NO_DEFAULT_ATTESTATIONS: "1" },
      timeoutMs: request.timeoutMs,
      signal: request.signal,
      onLine: (line) => {
        said.push(line);
        if (said.length > lastLines) said.shift();
        request.log(line);
      },
    });
    if (result.exitCode !== 0) throw buildFailed(request.name, result.stderr, said);
    await readFile(idFile, "utf8");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function buildFailed(name: string, stderr: string, said: readonly string[]): ShiplockError {
  if (/unknown command: docker buildx|is not a docker command|^Usage: +docker \[OPTIONS\] COMMAND/m.test(stderr)) {
    return new ShiplockError({
      code: "build/buildx-missing",
      blame: "usage",
      message: "`docker buildx` is not installed here",
      remedy: "install the buildx plugin on the machine that builds",
    });
  }
  if (/Cannot connect to the Docker daemon|failed to connect to the docker API/i.test(stderr)) {
    return new ShiplockError({
      code: "build/no-engine",
      blame: "usage",
      message: "no Docker Engine answers on the machine that builds",
      remedy: "start it, or set DOCKER_HOST to one that runs",
    });
  }
  return new ShiplockError({
    code: "build/failed",
    message: `the image "${name}" could not be built`,
    remedy: "its last lines are shown with this; nothing was pushed or deployed",
    details: said.filter((line) => line.trim() !== ""),
  });
}
