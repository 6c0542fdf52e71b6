import type { Place } from "../../../deploy/types.ts";
import type { EnvironmentState } from "../../../environments/record/types.ts";
import { label } from "../layout.ts";
import type { ComposeHost, ComposeRun } from "../run.ts";
import { ownContainers } from "../own-containers.ts";
import { graceSeconds } from "./containers.ts";
import { keepName } from "./images.ts";

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

/** The releases whose images and files stay: the newest `keep` healthy ones that a rollback may choose, the live one, and the one in progress. */
export function keptReleases(state: EnvironmentState, keep: number): Set<string> {
  const withdrawn = new Set(state.withdrawn.map((entry) => entry.release));
  const candidates = state.healthy.filter((entry) => !withdrawn.has(entry.release)).slice(0, keep + 1);
  return new Set([
    ...candidates.map((entry) => entry.release),
    ...(state.live === null ? [] : [state.live.release]),
    ...(state.operation === null ? [] : [state.operation.release]),
  ]);
}

/** Takes our own protecting tag off images that no rollback may need; the engine removes an image with its last tag. */
export async function tidyImages(host: ComposeHost, run: ComposeRun): Promise<number> {
  const read = run.record.last() ?? (await run.record.read());
  if (read === null) return 0;
  const kept = keptReleases(read.state, run.settings.keep);
  const prefix = keepName(host.layout.id, "");
  const [images, containers] = await Promise.all([
    host.host.engine.listImages({}),
    host.host.engine.listContainers({ all: true }),
  ]);
  const ours = images
    .flatMap((image) => image.repoTags)
    .filter((tag) => tag.startsWith(prefix) && !kept.has(tag.slice(tag.lastIndexOf(":") + 1)));
  const inUse = new Set(containers.map((container) => container.imageId));
  let removed = 0;
  for (const tag of ours) {
    const image = images.find((candidate) => candidate.repoTags.includes(tag));
    if (image !== undefined && inUse.has(image.id)) continue;
    await host.host.engine.removeImage(tag);
    const left = image === undefined ? null : await host.host.engine.inspectImage(image.id);
    // The digest references that the pull made go with our tag; an image that somebody else tagged too stays.
    if (left !== null && left.repoTags.length === 0)
      for (const digest of left.repoDigests) await host.host.engine.removeImage(digest);
    removed += 1;
  }
  return removed;
}

async function readText(host: ComposeHost, path: string): Promise<string | null> {
  const bytes = await host.host.files.read(path);
  return bytes === null ? null : new TextDecoder().decode(bytes);
}
