import { gunzipSync } from "node:zlib";
import type { FakeImage } from "./fake-engine-state.ts";
import { chainIds } from "./image-archive.ts";
import { isObject, listAt, numberAt, objectAt, textAt, textMapAt, textsAt } from "./json.ts";
import type { HistoryEntry } from "./layer-sizes.ts";
import { readTar } from "./tar.ts";
import { endOfTar, tarEntry } from "./tar-write.ts";

const contentOf = (layer: string): string => `${layer}\n`.repeat(40);

const fileOf = (layer: string): string => `blobs/sha256/${layer.replace("sha256:", "")}`;

/** What `docker save` gives, in the layout of OCI: each layer's content is made up from its digest. */
export function archiveOf(images: readonly FakeImage[]): Buffer {
  const layers = new Set(images.flatMap((image) => image.layers));
  const configs = images.map((image) => {
    const { architecture, os, created, labels, sizeBytes } = image;
    const config = {
      ...{ architecture, os, created, size: sizeBytes },
      config: { Labels: labels },
      rootfs: { type: "layers", diff_ids: image.layers },
    };
    return tarEntry(configFile(image), JSON.stringify(config));
  });
  const manifest = images.map((image) => ({
    Config: configFile(image),
    RepoTags: null,
    Layers: image.layers.map(fileOf),
  }));
  return Buffer.concat([
    ...[...layers].map((layer) => tarEntry(fileOf(layer), contentOf(layer))),
    ...configs,
    tarEntry("manifest.json", JSON.stringify(manifest)),
    endOfTar,
  ]);
}

/** What made an image: one instruction for each layer. */
export function historyOf(image: FakeImage): HistoryEntry[] {
  return image.layers.map((layer) => ({ instruction: `COPY ${layer}`, bytes: contentOf(layer).length }));
}

function configFile(image: FakeImage): string {
  return `${image.id.replace("sha256:", "")}.json`;
}

/**
 * The images of an archive, as an engine takes them in.
 * @param files of the archive, with their content
 * @param there layers of the images that the engine has already
 * @throws Error in an engine's words for a layer that is neither there nor in the archive
 */
export function imagesIn(files: ReadonlyMap<string, string>, there: readonly (readonly string[])[]): FakeImage[] {
  const chains = new Set(there.flatMap(chainIds));
  const manifest: unknown = JSON.parse(files.get("manifest.json") ?? "[]");
  return (Array.isArray(manifest) ? manifest.filter(isObject) : []).map((item) => {
    const file = textAt(item, "Config");
    const config: unknown = JSON.parse(files.get(file) ?? "{}");
    const layers = textsAt(objectAt(config, "rootfs"), "diff_ids");
    const chain = chainIds(layers);
    for (const [index, path] of listAt(item, "Layers").entries()) {
      if (typeof path !== "string" || chains.has(chain[index] ?? "")) continue;
      if (!files.has(path))
        throw new Error(`open /var/lib/docker/tmp/docker-import-1/${path}: no such file or directory`);
      chains.add(chain[index] ?? "");
    }
    return {
      id: `sha256:${file.replace(/\.json$/, "")}`,
      repoTags: [],
      repoDigests: [],
      architecture: textAt(config, "architecture"),
      os: textAt(config, "os"),
      sizeBytes: numberAt(config, "size"),
      labels: textMapAt(objectAt(config, "config"), "Labels"),
      created: textAt(config, "created"),
      layers,
    };
  });
}

/** The files of an archive that may be compressed; throws what the archive throws. */
export async function filesIn(archive: AsyncIterable<Uint8Array>): Promise<Map<string, string>> {
  const pieces: Uint8Array[] = [];
  for await (const piece of archive) pieces.push(piece);
  const bytes = Buffer.concat(pieces);
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const files = new Map<string, string>();
  let at = "";
  for await (const part of readTar(once(isGzip ? gunzipSync(bytes) : bytes))) {
    if (part.kind === "entry") {
      at = part.path;
      files.set(at, "");
    } else if (part.kind === "content")
      files.set(at, `${files.get(at) ?? ""}${Buffer.from(part.bytes).toString("utf8")}`);
  }
  return files;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
