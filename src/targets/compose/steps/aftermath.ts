import type { Place } from "../../../deploy/types.ts";
import { label } from "../layout.ts";
import type { ComposeHost, ComposeRun } from "../run.ts";
import { ownContainers } from "../own-containers.ts";
import { graceSeconds } from "./containers.ts";

/** Writes the files by which a person works on the host; the ones before stay beside them. */
export async function publishFiles(host: ComposeHost, run: ComposeRun): Promise<boolean> {
  const { files } = host.host;
  const { layout, translation } = host;
  const mode = run.document.snapshot.secrets.onHost ? 0o600 : 0o644;
  const [before, dotenvBefore] = await Promise.all([readText(host, layout.compose), readText(host, layout.dotenv)]);
  if (before === translation.text && dotenvBefore === translation.dotenv) return false;
  await Promise.all([
    before === null ? null : files.write(`${layout.folder}/compose.previous.yaml`, before),
    dotenvBefore === null ? null : files.write(`${layout.folder}/.env.previous`, dotenvBefore, { mode: 0o600 }),
  ]);
  await Promise.all([
    files.write(layout.compose, translation.text),
    files.write(layout.dotenv, translation.dotenv, { mode }),
  ]);
  return true;
}

/**
 * Stops what the old release has on this host and removes what is older than it. The old release's containers stay, stopped, so that going back is starting them.
 */
export async function retireOld(
  host: ComposeHost,
  run: ComposeRun,
  keep: Place | null,
): Promise<{ stopped: number; removed: number }> {
  const [all, migrations] = await Promise.all([
    ownContainers(host, run.plan, "app"),
    ownContainers(host, run.plan, "migration"),
  ]);
  const containers = all.filter(
    (container) => container.labels[label.place] !== run.plan.place || container.name.includes(".before-"),
  );
  const kept = containers.filter(
    (container) =>
      keep !== null && container.labels[label.place] === keep && container.labels[label.release] === run.plan.from,
  );
  // This deployment's own migration is over; what is there was made late, for a deployer that had been given up.
  const late = migrations.filter((container) => container.status !== "running");
  const rest = [...containers.filter((container) => !kept.includes(container)), ...late];
  const running = kept.filter((container) => container.status === "running" || container.status === "restarting");
  await Promise.all(running.map((container) => stop(container.id, container.labels[label.service] ?? "")));
  await Promise.all(
    rest.map(async (container) => {
      if (container.status === "running" || container.status === "restarting")
        await stop(container.id, container.labels[label.service] ?? "");
      await host.host.engine.removeContainer(container.id, { force: true, volumes: false });
    }),
  );
  return { stopped: running.length, removed: rest.length };

  async function stop(id: string, service: string): Promise<void> {
    await host.host.engine.stopContainer(id, { graceSeconds: graceSeconds(run.previous, service) });
  }
}

async function readText(host: ComposeHost, path: string): Promise<string | null> {
  const bytes = await host.host.files.read(path);
  return bytes === null ? null : new TextDecoder().decode(bytes);
}
