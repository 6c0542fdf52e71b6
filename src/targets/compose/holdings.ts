import { unneededImages } from "../../environments/retention/decide.ts";
import type { HostHoldings, HostRemoval, ProtectedImage } from "../../environments/retention/types.ts";
import { ShiplockError } from "../../errors.ts";
import type { Engine } from "../../hosts/engine.ts";
import type { Host } from "../../hosts/types.ts";
import { type Layout, label } from "./layout.ts";
import { ownContainers } from "./own-containers.ts";
import { keepName } from "./steps/images.ts";

type OpenHost = { name: string; host: Host; layout: Layout };
type Whose = { project: string; environment: string };

/** What lies on a host that is this environment's and that a retention may take away. Changes nothing. */
export async function holdingsOf({ name, host, layout }: OpenHost, whose: Whose): Promise<HostHoldings> {
  const [apps, migrations, all, images, files] = await Promise.all([
    ownContainers({ host }, whose, "app"),
    ownContainers({ host }, whose, "migration"),
    host.engine.listContainers({ all: true }),
    protectedImages(host.engine, layout.id),
    host.files.list(`${layout.folder}/files`),
  ]);
  const own = [...apps, ...migrations];
  const ids = new Set(own.map(({ id }) => id));
  return {
    host: name,
    containers: own.map((container) => ({
      id: container.id,
      name: container.name,
      release: container.labels[label.release] ?? "",
      // What is neither created nor ended may go on by itself.
      running: !["created", "exited", "dead"].includes(container.status),
      imageId: container.imageId,
    })),
    images,
    inUse: all.filter(({ id }) => !ids.has(id)).map(({ imageId }) => imageId),
    files: (files ?? []).filter(({ kind }) => kind === "directory").map((entry) => entry.name),
  };
}

/** Takes away what a retention named, containers first. What is gone already is fine, and an image that somebody uses by now stays. */
export async function sweepHost({ host, layout }: OpenHost, removal: HostRemoval, signal: AbortSignal): Promise<void> {
  for (const { id } of removal.containers) {
    signal.throwIfAborted();
    // Not by force: one that was started meanwhile is needed.
    await unlessInUse(host.engine.removeContainer(id, { force: false, volumes: false }));
  }
  for (const image of removal.images) {
    signal.throwIfAborted();
    await removeProtected(host.engine, image);
  }
  for (const hash of removal.files) {
    signal.throwIfAborted();
    const folder = `${layout.folder}/files/${hash}`;
    // First what says that the set is whole.
    await host.files.remove(`${folder}.complete`);
    await host.files.removeTree(folder);
  }
}

/** Takes our own protecting tags off images that no rollback may need; the engine removes an image with its last tag. */
export async function tidyImages({ host, layout }: OpenHost, kept: { has(release: string): boolean }): Promise<number> {
  const [images, containers] = await Promise.all([
    protectedImages(host.engine, layout.id),
    host.engine.listContainers({ all: true }),
  ]);
  const gone = unneededImages(images, new Set(containers.map(({ imageId }) => imageId)), kept);
  for (const image of gone) await removeProtected(host.engine, image);
  return gone.length;
}

async function protectedImages(engine: Engine, id: string): Promise<ProtectedImage[]> {
  const prefix = keepName(id, "");
  const images = await engine.listImages({});
  return images.flatMap((image) =>
    image.repoTags
      .filter((tag) => tag.startsWith(prefix))
      .map((tag) => ({ tag, release: tag.slice(tag.lastIndexOf(":") + 1), imageId: image.id })),
  );
}

async function removeProtected(engine: Engine, { tag, imageId }: ProtectedImage): Promise<void> {
  await unlessInUse(engine.removeImage(tag));
  const left = await engine.inspectImage(imageId);
  // The digest references that the pull made go with our tag; an image that somebody else tagged too stays.
  if (left !== null && left.repoTags.length === 0)
    for (const digest of left.repoDigests) await unlessInUse(engine.removeImage(digest));
}

/** The engine refuses to take away what somebody has begun to use since it was looked at. */
async function unlessInUse(removing: Promise<void>): Promise<void> {
  try {
    await removing;
  } catch (error) {
    if (!(error instanceof ShiplockError) || error.code !== "engine/conflict") throw error;
  }
}
