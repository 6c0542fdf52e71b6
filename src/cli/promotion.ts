import { resolveEnvironment } from "../config/environment.ts";
import type { Config } from "../config/types.ts";
import { documentOf } from "../deploy/read-record.ts";
import { keepBacking, makeDocument } from "../release/snapshot.ts";
import type { ReleaseDocument, ReleaseImage } from "../release/types.ts";
import type { CommandContext } from "./context.ts";
import { checkOutRelease, snapshotOf } from "./release-source.ts";
import { withSession } from "./session.ts";

/** What is live in an environment, as its record has it; null for nothing. */
export function liveDocument(context: CommandContext, config: Config, name: string): Promise<ReleaseDocument | null> {
  return withSession(context, config, resolveEnvironment(config, name), async (session) => {
    const read = await session.record.read();
    return documentOf(session, read?.state.live?.document ?? null);
  });
}

/**
 * What promoting `live` would make live in another environment: the same images with the configuration that this very commit has there, and the backing services that are there already.
 * Builds nothing, so of an image that holds values of its environment only the commit is known.
 * @param to name of the other environment
 * @param there what is live in it now
 */
export async function promotionOf(
  context: CommandContext,
  config: Config,
  live: ReleaseDocument,
  to: string,
  there: ReleaseDocument | null,
): Promise<ReleaseDocument> {
  const { release } = live;
  const source = await checkOutRelease(context, config, to, release.commit, false);
  const snapshot = await snapshotOf(context, source).finally(() => source.remove());
  const images = Object.fromEntries(
    Object.values(release.images).map((image) => [image.name, promotedImage(image, release.commit, to, there)]),
  );
  return makeDocument({ ...release, images }, keepBacking(snapshot, there?.snapshot ?? null).snapshot);
}

function promotedImage(image: ReleaseImage, commit: string, to: string, there: ReleaseDocument | null): ReleaseImage {
  if (image.environment === null || image.environment === to) return image;
  const own = there?.release.images[image.name];
  if (own !== undefined && there?.release.commit === commit) return own;
  return { ...image, environment: to, tag: `built for ${to} from`, digest: commit.slice(0, 7), platforms: {} };
}
