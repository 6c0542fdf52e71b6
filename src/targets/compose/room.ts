import { dirname } from "node:path/posix";
import { messageOf, ShiplockError } from "../../errors.ts";
import type { EngineInfo } from "../../hosts/engine.ts";
import type { Host } from "../../hosts/types.ts";
import type { Layer, LayerSource } from "../../release/registry/layers.ts";
import { bytesInWords } from "../../byte-words.ts";
import type { Cargo } from "./carry.ts";
import type { ReleaseDocument, ReleaseImage } from "../../release/types.ts";
import type { StrategyKind } from "../../deploy/strategies/types.ts";
import { fitsOnDisk, limitedMemory, type RoomFacts, type RoomWishes } from "./room-rules.ts";

type RoomHost = {
  name: string;
  host: Pick<Host, "engine" | "files">;
  /** What it lacks of images that are in no registry. */
  weigh(images: readonly ReleaseImage[]): Promise<readonly Cargo[]>;
};

/**
 * Looks at the memory and the disk that a host has for a release. Changes nothing.
 * @returns what was seen, and sentences on what could not be
 */
export async function measureRoom(
  host: RoomHost,
  request: { document: ReleaseDocument; strategy: StrategyKind },
  wishes: RoomWishes,
  source: LayerSource,
): Promise<{ facts: RoomFacts; notes: string[] }> {
  const [memory, disk] = await Promise.all([
    measureMemory(host, request, wishes),
    measureDisk(host, request.document, wishes, source),
  ]);
  return { facts: { host: host.name, memory, disk: disk.seen }, notes: disk.notes };
}

/** Only `rolling` lets two releases stand beside each other. */
async function measureMemory(
  host: RoomHost,
  request: { document: ReleaseDocument; strategy: StrategyKind },
  wishes: RoomWishes,
): Promise<RoomFacts["memory"]> {
  const wanted = wishes.memoryBytes ?? limitedMemory(request.document.snapshot);
  if (request.strategy !== "rolling" || wanted === 0) return null;
  const text = new TextDecoder().decode((await host.host.files.read("/proc/meminfo")) ?? new Uint8Array());
  const free = Number(/^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1] ?? Number.NaN) * 1024;
  return Number.isNaN(free) ? null : { free, wanted };
}

async function measureDisk(
  host: RoomHost,
  document: ReleaseDocument,
  wishes: RoomWishes,
  source: LayerSource,
): Promise<{ seen: RoomFacts["disk"]; notes: string[] }> {
  const [missing, cargos] = await Promise.all([
    missingImages(host, document),
    host.weigh(Object.values(document.release.images)),
  ]);
  if (missing.length === 0 && cargos.length === 0) return { seen: null, notes: [] };
  const carried = cargos.reduce((sum, cargo) => sum + cargo.bytes, 0);
  const travels = cargos.length === 0 ? [] : [travelNote(host.name, cargos, carried)];
  const info = await host.host.engine.info();
  const stores = await Promise.all((await dataFolders(host, info)).map((path) => freeBytesAt(host, path)));
  const tightest = stores.reduce((least, store) => (store.free < least.free ? store : least));
  try {
    const compressed = await missingBytes(host, missing, platformOf(info), source, (bytes) =>
      fitsOnDisk(tightest.free, { compressed: bytes, carried }, wishes.diskBytes),
    );
    return { seen: { ...tightest, compressed, carried }, notes: travels };
  } catch (error) {
    if (!isOfRegistry(error)) throw error;
    // The pull is what needs the registry, and says so with its own words; until then only the floor can be judged.
    const note = `how much ${host.name} has to pull is not known (${messageOf(error)}); of its disk only what is free now was checked`;
    return { seen: { ...tightest, compressed: null, carried }, notes: [...travels, note] };
  }
}

function travelNote(host: string, cargos: readonly Cargo[], bytes: number): string {
  const images = cargos.map(({ image, layers, of }) => `${image.name} ${layers} of ${of} layers`);
  const places = [...new Set(cargos.map((cargo) => cargo.place))];
  return `${host} gets about ${bytesInWords(bytes)} over SSH, before compression, from ${places.join(" and ")}: ${images.join(", ")}`;
}

/** The images of a release that a host has to pull. One without a recorded platform is none (`setup` has no release yet). */
async function missingImages(host: RoomHost, document: ReleaseDocument): Promise<ReleaseImage[]> {
  const images = Object.values(document.release.images).filter(
    (image) => image.from !== "engine" && Object.keys(image.platforms).length > 0,
  );
  const found = await Promise.all(
    images.map((image) => host.host.engine.inspectImage(`${image.repository}@${image.digest}`)),
  );
  return images.filter((_, index) => found[index] === null);
}

/** Where an engine keeps images. With the containerd image store that may be containerd's own folder. */
async function dataFolders(host: RoomHost, info: EngineInfo): Promise<string[]> {
  const containerd = "/var/lib/containerd";
  const shared = info.containerdImageStore && (await host.host.files.stat(containerd)) !== null;
  return [info.dataRoot, ...(shared ? [containerd] : [])];
}

/** The room at a path. Where the user may not go so far, that of the nearest folder above: the same disk, unless something is mounted in between. */
async function freeBytesAt(host: RoomHost, path: string): Promise<{ path: string; free: number }> {
  for (let at = path; ; at = dirname(at)) {
    try {
      return { path: at, free: await host.host.files.freeBytes(at) };
    } catch (error) {
      const beyond = ["host/permission-denied", "host/file-missing"];
      if (at === "/" || !(error instanceof ShiplockError) || !beyond.includes(error.code)) throw error;
    }
  }
}

/**
 * Compressed bytes of the layers that a host has to fetch. What it has already is only taken off where the whole would not fit: asking costs a request for every
 * image on the host.
 */
async function missingBytes(
  host: RoomHost,
  images: readonly ReleaseImage[],
  platform: string,
  source: LayerSource,
  fits: (bytes: number) => boolean,
): Promise<number> {
  const lists = await Promise.all(images.map((image) => source.layers(image, platform)));
  const all = sumOf(lists.flat());
  if (fits(all)) return all;
  const [there, unpacked] = await Promise.all([
    layersOn(host),
    Promise.all(images.map((image) => source.unpacked(image, platform))),
  ]);
  return sumOf(lists.flatMap((layers, at) => layers.filter((_, index) => !there.has(unpacked[at]?.[index] ?? ""))));
}

async function layersOn(host: RoomHost): Promise<Set<string>> {
  const { engine } = host.host;
  const images = await Promise.all((await engine.listImages()).map(({ id }) => engine.inspectImage(id)));
  return new Set(images.flatMap((image) => image?.layers ?? []));
}

/** Images of one release share layers, and those are fetched once. */
function sumOf(layers: readonly Layer[]): number {
  const sizes = new Map(layers.map(({ digest, size }) => [digest, size]));
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

function platformOf(info: EngineInfo): string {
  return `${info.os}/${info.architecture}`;
}

function isOfRegistry(error: unknown): boolean {
  return error instanceof ShiplockError && error.code.startsWith("registry/");
}
