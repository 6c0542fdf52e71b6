import { ShiplockError } from "../../../errors.ts";
import type { StepRun } from "../../../deploy/run.ts";
import { imageIdOn } from "../image-identity.ts";
import type { ReleaseDocument, ReleaseImage } from "../../../release/types.ts";
import type { ComposeHost, ComposeRun } from "../run.ts";

/** The local name that protects an image a rollback may need from `docker image prune`. */
export function keepName(environmentId: string, image: string): string {
  return `shiplock.local/${environmentId}/${image}`;
}

/**
 * Brings the images that the host lacks: by digest from a registry, and from an engine that has it what is in none. What arrives must be one of the release's recorded
 * digests. The login travels with each pull and stays nowhere.
 * @returns how many were brought
 */
export async function pullImages(
  host: ComposeHost,
  run: ComposeRun,
  names: readonly string[],
  options: StepRun,
): Promise<number> {
  const images = names.map((name) => imageOf(run.document, name));
  const counts = await Promise.all([
    pullFromRegistry(host, run, images, options.log),
    carryHere(host, run, images, options),
  ]);
  return counts.reduce((sum, count) => sum + count, 0);
}

async function carryHere(
  host: ComposeHost,
  run: ComposeRun,
  images: readonly ReleaseImage[],
  options: StepRun,
): Promise<number> {
  const carried = images.filter((image) => image.from === "engine");
  if (carried.length === 0) return 0;
  const info = await host.receiver.info();
  const keep = (image: ReleaseImage): Promise<void> => keepImage(host, run, image, imageIdOn(image, info, host.name));
  const count = await run.carrier.carry(carried, host.receiver, { ...options, arrived: keep });
  // Also what was there before, as another environment of this host may have had it.
  for (const image of carried) await keep(image);
  return count;
}

async function pullFromRegistry(
  host: ComposeHost,
  run: ComposeRun,
  images: readonly ReleaseImage[],
  log: (line: string) => void,
): Promise<number> {
  const pulled = await Promise.all(
    images.map(async (image) => {
      if (image.from === "engine") return false;
      const reference = `${image.repository}@${image.digest}`;
      const before = await host.host.engine.inspectImage(reference);
      if (before === null) {
        await host.host.engine.pullImage(reference, await run.auth?.(image.repository));
        log(`pulled ${image.repository}:${image.tag}`);
      }
      const there = before ?? (await host.host.engine.inspectImage(reference));
      if (there === null || !isRecorded(image, there.id)) throw mismatch(host.name, reference, there?.id ?? null);
      host.imageIds.set(reference, there.id);
      await keepImage(host, run, image, there.id);
      return before === null;
    }),
  );
  return pulled.filter(Boolean).length;
}

async function keepImage(host: ComposeHost, run: ComposeRun, image: ReleaseImage, id: string): Promise<void> {
  await host.host.engine.tagImage(id, keepName(host.layout.id, image.name), run.document.release.id);
}

/** Whether an image id, as the engine reports it for a container, is one of the digests the release recorded. */
export function isRecorded(image: ReleaseImage, id: string): boolean {
  return (
    id === image.digest ||
    Object.values(image.platforms).some((platform) => platform.config === id || platform.manifest === id)
  );
}

export function imageOf(document: ReleaseDocument, name: string): ReleaseImage {
  const image = document.release.images[name];
  if (image === undefined)
    throw new ShiplockError({
      code: "release/image-missing",
      blame: "bug",
      message: `${document.release.id} has no image "${name}"`,
    });
  return image;
}

function mismatch(host: string, reference: string, found: string | null): ShiplockError {
  return new ShiplockError({
    code: "image/digest-mismatch",
    message: `${host} pulled ${reference} and got ${found ?? "nothing"}, which is not what was built`,
    remedy:
      "the registry gave something else for this digest, or for a platform that was not built; check the registry and the image's platforms",
  });
}
