import { ShiplockError } from "../errors.ts";
import type { Engine } from "./engine.ts";

type GivingEngine = Pick<Engine, "inspectImage" | "imageHistory" | "saveImages">;

/** A machine that may have images which are in no registry. */
export type ImagePlace = {
  /** For a person: "this machine", "host-1". */
  name: string;
  /** Its engine. May connect, which a caller does only if no place before this one had what it wants. Null if it cannot be reached. */
  engine(signal: AbortSignal): Promise<GivingEngine | null>;
};

/** Places of which some are connected to on demand; `close` ends what was. */
export type ImagePlaces = { places: readonly ImagePlace[]; close(): Promise<void> };

export type FoundImage = {
  place: string;
  engine: GivingEngine;
  id: string;
  /** Digests of its unpacked layers, the lowest first. */
  layers: readonly string[];
};

/**
 * The first place that has an image under one of these ids. An engine that does not answer has nothing: what is missed for it is told by who needs it.
 * @param digests of its configuration and of its manifest: which of them an engine calls it by depends on how it stores images
 * @returns null if none has it
 */
export async function findImage(
  digests: { config: string; manifest: string },
  places: readonly ImagePlace[],
  signal: AbortSignal,
): Promise<FoundImage | null> {
  const ids = [...new Set([digests.config, digests.manifest])];
  for (const place of places) {
    signal.throwIfAborted();
    try {
      const engine = await place.engine(signal);
      for (const id of engine === null ? [] : ids) {
        const found = await engine?.inspectImage(id, { signal });
        if (engine !== null && found !== null && found !== undefined)
          return { place: place.name, engine, id: found.id, layers: found.layers };
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ShiplockError)) throw error;
    }
  }
  return null;
}
