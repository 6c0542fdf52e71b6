import { waitFor } from "../../../clock.ts";
import type { StepAction } from "../../../deploy/types.ts";
import { ShiplockError } from "../../../errors.ts";
import { asObject, type JsonObject } from "../../../json.ts";
import { maskTogether } from "../../../secrets/mask.ts";
import { label } from "../layout.ts";
import type { ComposeHost, ComposeRun } from "../run.ts";
import type { ContainerSpec } from "../translate.ts";
import { createContainer, finishContainer, placedSpecs } from "./containers.ts";

type Migration = Extract<StepAction, { kind: "migrate" }>;

const lastLines = 20;

/** The one-off container of a release's migration. It is named by its release, so there is never a second one. */
export function migrationName(id: string, release: string): string {
  return `${id}-migrate-${release}`;
}

/**
 * Runs the release's migration exactly once: a result that is recorded is believed, a container that is there is followed to its end (a lost stream is no exit code),
 * and only otherwise one is started. The container stays until its result is recorded.
 * @throws ShiplockError `migration/failed`, `migration/timeout`
 */
export async function runMigration(
  host: ComposeHost,
  run: ComposeRun,
  action: Migration,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const release = run.document.release.id;
  const known = await run.record.readMigration(release);
  const { engine } = host.host;
  const name = migrationName(host.layout.id, release);
  let container = await engine.inspectContainer(name);
  if (known !== null) {
    // Whoever recorded the result may have died before the container was removed.
    if (container !== null) await engine.removeContainer(container.id, { force: false, volumes: false });
    return false;
  }
  if (container === null || container.state.status === "created") {
    const spec = specOfMigration(host, run, action, name);
    if (container === null) await createContainer(host, run, spec);
    else await finishContainer(host, container.id, spec);
    container = await engine.inspectContainer(name);
  }
  if (container === null)
    throw new ShiplockError({
      code: "migration/gone",
      message: `the migration's container on ${host.name} disappeared`,
      remedy: "run the deployment again",
    });
  if (container.state.status === "created") await engine.startContainer(container.id);
  const exitCode = await follow(host, run, container.id, action, log, signal);
  const lines = await readLastLines(host, run, container.id);
  if (exitCode !== 0) {
    await engine.removeContainer(container.id, { force: false, volumes: false });
    throw failed(action, exitCode, lines);
  }
  await run.record.writeMigration(release, {
    release,
    exitCode,
    endedAt: run.clock.now().toISOString(),
    command: action.command,
    lastLines: lines,
  });
  await engine.removeContainer(container.id, { force: false, volumes: false });
  return true;
}

/**
 * Going back waits for a migration that runs: ending it half-way could leave the database between two schemas. What it did stays, as every migration before traffic
 * moves must fit the release that serves.
 */
export async function leaveMigration(
  host: ComposeHost,
  run: ComposeRun,
  action: Migration,
  signal: AbortSignal,
): Promise<string> {
  const release = run.document.release.id;
  const container = await host.host.engine.inspectContainer(migrationName(host.layout.id, release));
  if (container === null)
    return (await run.record.readMigration(release)) === null
      ? "no migration ran"
      : "the migration stays: it fits the release that serves";
  if (container.state.running) await exitOf(host, run, container.id, action, signal);
  await host.host.engine.removeContainer(container.id, { force: false, volumes: false });
  return "the migration ended and stays";
}

function specOfMigration(host: ComposeHost, run: ComposeRun, action: Migration, name: string): ContainerSpec {
  const [spec] = placedSpecs(host, action.service, run.plan.place);
  if (spec !== undefined) return migrationSpec(spec, name, action.command);
  throw new ShiplockError({
    code: "migration/no-service",
    blame: "bug",
    message: `no container of "${action.service}" to migrate with`,
  });
}

function migrationSpec(spec: ContainerSpec, name: string, command: readonly string[]): ContainerSpec {
  const labels = asObject(spec.body["Labels"]) ?? {};
  const hostConfig = asObject(spec.body["HostConfig"]) ?? {};
  const body: JsonObject = {
    ...spec.body,
    Cmd: [...command],
    Healthcheck: { Test: ["NONE"] },
    HostConfig: { ...hostConfig, RestartPolicy: { Name: "no" }, PortBindings: {} },
    Labels: { ...labels, [label.kind]: "migration", "com.docker.compose.oneoff": "True" },
    NetworkingConfig: { EndpointsConfig: withoutAliases(spec) },
  };
  return {
    ...spec,
    name,
    body,
    connects: spec.connects.map(({ network, endpoint }) => ({ network, endpoint: { ...endpoint, Aliases: [] } })),
  };
}

/** It must not answer under the names of the service it is made like. */
function withoutAliases(spec: ContainerSpec): JsonObject {
  const endpoints = asObject(asObject(spec.body["NetworkingConfig"])?.["EndpointsConfig"]) ?? {};
  return Object.fromEntries(
    Object.entries(endpoints).map(([network, endpoint]) => [network, { ...asObject(endpoint), Aliases: [] }]),
  );
}

async function follow(
  host: ComposeHost,
  run: ComposeRun,
  id: string,
  action: Migration,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<number> {
  const ended = new AbortController();
  const reading = readInto(host, id, log, AbortSignal.any([signal, ended.signal]));
  try {
    return await exitOf(host, run, id, action, signal);
  } finally {
    // The exit code is what counts; the stream gets a moment to bring the last lines.
    await Promise.race([reading, run.clock.wait(1_000)]);
    ended.abort();
    await reading;
  }
}

async function readInto(
  host: ComposeHost,
  id: string,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const { line } of host.host.engine.logs(id, { follow: true, signal })) log(line);
  } catch (error) {
    // Losing the stream loses lines on the screen, never the result: the container keeps them.
    if (!signal.aborted)
      log(`(the migration's output was cut: ${error instanceof Error ? error.message : String(error)})`);
  }
}

/** The exit code, read from the container's state and from nothing else. */
async function exitOf(
  host: ComposeHost,
  run: ComposeRun,
  id: string,
  action: Migration,
  signal: AbortSignal,
): Promise<number> {
  const code = await waitFor(run.clock, { timeoutMs: action.timeoutMs, intervalMs: 100, signal }, async () => {
    const seen = await host.host.engine.inspectContainer(id);
    if (seen === null)
      throw new ShiplockError({
        code: "migration/gone",
        message: "the migration's container was removed while it ran",
        remedy: "run the deployment again",
      });
    return seen.state.status === "exited" || seen.state.status === "dead" ? seen.state.exitCode : null;
  });
  if (code !== null) return code;
  await host.host.engine.stopContainer(id, { graceSeconds: 10 });
  throw new ShiplockError({
    code: "migration/timeout",
    message: `the migration did not end within ${action.timeoutMs / 1000} s and was stopped`,
    remedy: "find out what it waits for (often a lock), or raise migrations.timeout; the old release serves",
    details: await readLastLines(host, run, id),
  });
}

/** Masked before they are cut off from what stands above them: a secret may be broken over lines. */
async function readLastLines(host: ComposeHost, { mask }: ComposeRun, id: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const { line } of host.host.engine.logs(id, { tail: lastLines * 4, follow: false })) lines.push(line);
  return maskTogether(lines, mask).slice(-lastLines);
}

function failed(action: Migration, exitCode: number, lines: readonly string[]): ShiplockError {
  return new ShiplockError({
    code: "migration/failed",
    message: `the migration \`${action.command.join(" ")}\` ended with exit code ${exitCode}; no traffic was moved`,
    remedy: "mend the migration and deploy the new commit",
    details: lines,
  });
}
