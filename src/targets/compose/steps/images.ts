import { ShiplockError } from "../../../errors.ts";
import type { ReleaseDocument, ReleaseImage } from "../../../release/types.ts";
import type { ComposeHost, ComposeRun } from "../run.ts";

/** The local name that protects an image a rollback may need from `docker image prune`. */
export function keepName(environmentId: string, image: string): string {
  return `shiplock.local/${environmentId}/${image}`;
}

/**
 * Pulls the images that the host lacks, by digest; what arrives must be one of the release's recorded digests. The login travels with each pull and stays nowhere.
 */
export async function pullImages(
  host: ComposeHost,
  run: ComposeRun,
  names: readonly string[],
  log: (line: string) => void,
): Promise<number> {
  const pulled = await Promise.all(
    names.map(async (name) => {
      const image = imageOf(run.document, name);
      const reference = `${image.repository}@${image.digest}`;
      const before = await host.host.engine.inspectImage(reference);
      if (before === null) {
        await host.host.engine.pullImage(reference, authFor(run, image));
        log(`pulled ${image.repository}:${image.tag}`);
      }
      const there = before ?? (await host.host.engine.inspectImage(reference));
      if (there === null || !isRecorded(image, there.id)) throw mismatch(host.name, reference, there?.id ?? null);
      host.imageIds.set(reference, there.id);
      await host.host.engine.tagImage(there.id, keepName(host.layout.id, name), run.document.release.id);
      return before === null;
    }),
  );
  return pulled.filter(Boolean).length;
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

function authFor(
  run: ComposeRun,
  image: ReleaseImage,
): { username: string; password: string; serverAddress: string } | undefined {
  const { auth } = run;
  if (auth === null || !`${image.repository}/`.startsWith(`${auth.address}/`)) return undefined;
  return {
    username: auth.username,
    password: auth.password,
    serverAddress: auth.address.split("/")[0] ?? auth.address,
  };
}

function mismatch(host: string, reference: string, found: string | null): ShiplockError {
  return new ShiplockError({
    code: "image/digest-mismatch",
    message: `${host} pulled ${reference} and got ${found ?? "nothing"}, which is not what was built`,
    remedy:
      "the registry gave something else for this digest, or for a platform that was not built; check the registry and the image's platforms",
  });
}
