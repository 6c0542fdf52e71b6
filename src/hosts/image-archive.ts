import { createHash } from "node:crypto";
import { ShiplockError } from "../errors.ts";
import { isObject, type JsonObject, textAt } from "./json.ts";
import { readTar } from "./tar.ts";

const mostJsonBytes = 4 * 1024 * 1024;

/**
 * The digest of the configuration in an archive of one image, which is read to its end. Nothing of its layers is kept.
 * @throws ShiplockError `archive/corrupt`, `archive/not-one-image`
 */
export async function configOf(archive: AsyncIterable<Uint8Array>): Promise<string> {
  const manifest: Uint8Array[] = [];
  let at = "";
  for await (const part of readTar(archive)) {
    if (part.kind === "entry") {
      at = part.path;
      if (at === "manifest.json" && part.size > mostJsonBytes) throw notOneImage();
    } else if (part.kind === "content" && at === "manifest.json") manifest.push(part.bytes);
  }
  const [image, another] = listIn(Buffer.concat(manifest).toString("utf8"));
  const config = /([0-9a-f]{64})(?:\.json)?$/.exec(textAt(image, "Config"))?.[1];
  if (config === undefined || another !== undefined) throw notOneImage();
  return `sha256:${config}`;
}

function listIn(text: string): readonly unknown[] {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) && parsed.every(isObject) ? parsed : [];
  } catch {
    return [];
  }
}

/**
 * What `docker save` wrote for an image, byte for byte, but for the files of layers that are not needed. Which layer a file is has to be known before it passes: its name says it
 * in the layout of OCI (`blobs/sha256/<digest>`), and in the older one (`<id>/layer.tar`) the id does, see `olderLayer`. A file that is not recognised passes.
 * @param layers digests of the image's unpacked layers, the lowest first
 * @param notNeeded those of them to leave out
 * @throws ShiplockError `archive/corrupt`, also after part of it was given
 */
export async function* withoutLayers(
  archive: AsyncIterable<Uint8Array>,
  layers: readonly string[],
  notNeeded: ReadonlySet<string>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const chain = chainIds(layers);
  const leftOut = new Set([...notNeeded].map((layer) => `blobs/sha256/${layer.replace("sha256:", "")}`));
  let passes = true;
  let description: { id: string; text: Uint8Array[] } | null = null;
  for await (const part of readTar(archive)) {
    if (part.kind === "entry") {
      const layer = description === null ? null : olderLayer(description.id, describedBy(description.text), chain);
      if (description !== null && notNeeded.has(layers[layer ?? -1] ?? "")) leftOut.add(`${description.id}/layer.tar`);
      const id = /^([0-9a-f]{64})\/json$/.exec(part.path)?.[1];
      description = id === undefined || part.size > mostJsonBytes ? null : { id, text: [] };
      passes = !leftOut.has(part.path);
    } else if (part.kind === "content") description?.text.push(part.bytes);
    if (passes || part.kind === "end") yield part.bytes;
  }
}

function describedBy(pieces: readonly Uint8Array[]): unknown {
  try {
    return JSON.parse(Buffer.concat(pieces).toString("utf8"));
  } catch {
    return null;
  }
}

/**
 * Which layer of an image a folder of the older layout holds. Its name is the digest of its description with the chain id of the layer in it (moby's image/v1), so the chain id that
 * gives the name is the layer's, and none that gives another can be taken for it.
 * @param id the folder's name
 * @param description content of its file `json`
 * @returns the layer's place, the lowest 0; null if it is none of these
 */
export function olderLayer(id: string, description: unknown, chain: readonly string[]): number | null {
  if (!isObject(description)) return null;
  const { id: _own, parent, os, ...others } = description;
  const below = typeof parent === "string" ? { parent: `sha256:${parent}` } : {};
  // Only the highest layer's name counts its operating system in.
  const variants = os === undefined ? [{}] : [{}, { os }];
  const place = chain.findIndex((layer) =>
    variants.some((own) => sha256(goJson({ ...others, ...own, ...below, layer_id: layer })) === id),
  );
  return place === -1 ? null : place;
}

/** JSON as Go writes a map: keys sorted, and what HTML could take for its own escaped. */
function goJson(map: JsonObject): string {
  const fields = Object.keys(map)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${JSON.stringify(map[key])}`);
  return `{${fields.join(",")}}`.replace(
    /[<>&\u2028\u2029]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/**
 * What an engine with graph drivers calls each layer of an image: a digest of it and of all below. Only a layer on the same layers is the same layer.
 * @param layers digests of the unpacked layers, the lowest first
 */
export function chainIds(layers: readonly string[]): string[] {
  const chain: string[] = [];
  for (const layer of layers) {
    const below = chain.at(-1);
    chain.push(below === undefined ? layer : `sha256:${sha256(`${below} ${layer}`)}`);
  }
  return chain;
}

/**
 * Layers of an image whose files an engine with graph drivers does not open, because it has them. One file may be several layers (each empty one, for example), so it is needed as
 * long as one of them is.
 * @param layers digests of the image's unpacked layers, the lowest first
 * @param there chain ids of the layers that the engine has
 */
export function layersNotNeeded(layers: readonly string[], there: ReadonlySet<string>): Set<string> {
  const chain = chainIds(layers);
  const needed = new Set(layers.filter((_, index) => !there.has(chain[index] ?? "")));
  return new Set(layers.filter((layer) => !needed.has(layer)));
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function notOneImage(): ShiplockError {
  return new ShiplockError({
    code: "archive/not-one-image",
    message: "an engine was asked for one image, and the archive it gave does not hold exactly one",
    remedy: "look at the log of the engine that the image comes from, and run the command again",
  });
}
