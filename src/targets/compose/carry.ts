import { pipeline, Readable } from "node:stream";
import { createGzip } from "node:zlib";
import { bytesInWords } from "../../byte-words.ts";
import type { Clock } from "../../clock.ts";
import { messageOf, ShiplockError } from "../../errors.ts";
import type { Engine, EngineInfo } from "../../hosts/engine.ts";
import { chainIds, layersNotNeeded, withoutLayers } from "../../hosts/image-archive.ts";
import { layerSizes } from "../../hosts/layer-sizes.ts";
import { findImage, type FoundImage, type ImagePlace } from "../../hosts/image-places.ts";
import type { PlatformDigests, ReleaseImage } from "../../release/types.ts";
import { digestsOn, imageIdOn } from "./image-identity.ts";

/** A host that gets images which are in no registry. */
export type Receiver = {
  name: string;
  engine: Pick<Engine, "listImages" | "inspectImage" | "loadImages">;
  info(): Promise<EngineInfo>;
  /** Whether the way to it is a line, which compression makes shorter. */
  remote: boolean;
};

/** What has to travel of one image. */
export type Cargo = {
  image: ReleaseImage;
  /** Where it comes from. */
  place: string;
  /** About what its layers that travel have, unpacked; too much rather than too little. */
  bytes: number;
  /** How many of its layers travel, and how many it has. */
  layers: number;
  of: number;
};

export type CarryOptions = {
  signal: AbortSignal;
  log: (line: string) => void;
  /** Called when an image is there, before the next one is brought: until it has a name, a prune on the host takes it for left over. */
  arrived?: (image: ReleaseImage) => Promise<void>;
};

/**
 * Brings images that are in no registry to hosts. Looks first, so everything may be repeated; of an image that was cut on its way nothing is left on the host.
 * Images with a registry are passed over.
 *
 * @throws ShiplockError `image/nowhere`, `image/no-platform`, `image/other-store`, `image/digest-mismatch`, and what the engines throw
 */
export type Carrier = {
  /** What a host lacks, image by image; layers that several of them share are counted once. Changes nothing. */
  weigh(images: readonly ReleaseImage[], to: Receiver, signal: AbortSignal): Promise<Cargo[]>;
  /** Brings what a host lacks; answers how many images. */
  carry(images: readonly ReleaseImage[], to: Receiver, options: CarryOptions): Promise<number>;
  /** Whether some place has an image for every platform that `to` have. */
  has(image: ReleaseImage, to: readonly Receiver[], signal: AbortSignal): Promise<boolean>;
};

const toldEveryMs = 2_000;

/** An older engine writes the whole image to its disk for everybody who reads it. */
const readAtOnce = 4;

/** @param places in the order in which they are asked */
export function createCarrier(places: readonly ImagePlace[], clock: Clock): Carrier {
  const reading = new Set<Promise<void>>();

  async function inTurn(work: () => Promise<void>): Promise<void> {
    while (reading.size >= readAtOnce) await Promise.race(reading);
    const { promise, resolve } = Promise.withResolvers<void>();
    reading.add(promise);
    try {
      await work();
    } finally {
      reading.delete(promise);
      resolve();
    }
  }

  /** One load after the other: what has arrived by then need not travel again. */
  async function* loadsFor(images: readonly ReleaseImage[], to: Receiver, signal: AbortSignal) {
    const lacking = await lackedBy(images, to, signal);
    const info = await to.info();
    // An engine with the containerd store wants every file of an archive, also of what it has.
    const there = lacking.length === 0 || info.containerdImageStore ? null : await layersOn(to, signal);
    for (const { image, id } of lacking) {
      const found = await findImage(digestsOn(image, info, to.name), places, signal);
      if (found === null) throw nowhere(image, to.name);
      const history = await found.engine.imageHistory(found.id, { signal });
      const sizes = layerSizes(history, found.layers.length);
      const notNeeded = there === null ? new Set<string>() : layersNotNeeded(found.layers, there);
      const travelling = found.layers.flatMap((layer, index) => (notNeeded.has(layer) ? [] : [sizes[index] ?? 0]));
      const cargo: Cargo = {
        ...{ image, place: found.place, layers: travelling.length, of: found.layers.length },
        bytes: travelling.reduce((sum, bytes) => sum + bytes, 0),
      };
      yield { cargo, id, found, notNeeded };
      for (const chain of chainIds(found.layers)) there?.add(chain);
    }
  }

  return {
    async weigh(images, to, signal) {
      const cargos: Cargo[] = [];
      for await (const { cargo } of loadsFor(images, to, signal)) cargos.push(cargo);
      return cargos;
    },
    async carry(images, to, options) {
      let count = 0;
      for await (const load of loadsFor(images, to, options.signal)) {
        await inTurn(() => bring(load, to, options, clock));
        await options.arrived?.(load.cargo.image);
        count += 1;
      }
      return count;
    },
    async has(image, to, signal) {
      const wanted = new Set<PlatformDigests>();
      for (const receiver of to) wanted.add(digestsOn(image, await receiver.info(), receiver.name));
      for (const digests of wanted) if ((await findImage(digests, places, signal)) === null) return false;
      return true;
    },
  };
}

type Load = { cargo: Cargo; id: string; found: FoundImage; notNeeded: ReadonlySet<string> };

async function lackedBy(
  images: readonly ReleaseImage[],
  to: Receiver,
  signal: AbortSignal,
): Promise<{ image: ReleaseImage; id: string }[]> {
  const carried = images.filter((image) => image.from === "engine");
  if (carried.length === 0) return [];
  const info = await to.info();
  const wanted = carried.map((image) => ({ image, id: imageIdOn(image, info, to.name) }));
  const there = await Promise.all(wanted.map(({ id }) => to.engine.inspectImage(id, { signal })));
  return wanted.filter((_, index) => there[index] === null);
}

async function layersOn(to: Receiver, signal: AbortSignal): Promise<Set<string>> {
  const listed = await to.engine.listImages({ signal });
  const images = await Promise.all(listed.map(({ id }) => to.engine.inspectImage(id, { signal })));
  return new Set(images.flatMap((image) => chainIds(image?.layers ?? [])));
}

async function bring(load: Load, to: Receiver, options: CarryOptions, clock: Clock): Promise<void> {
  const { cargo, found, id } = load;
  const sent = await send(load, to, options, clock).catch((error: unknown) => {
    // A layer that was left out because the host had it may have been removed there meanwhile, by a prune for example.
    if (load.notNeeded.size === 0 || !/no such file or directory/.test(messageOf(error))) throw error;
    options.log(`${cargo.image.name}: ${to.name} lost a layer meanwhile, so all of them travel`);
    return send({ ...load, notNeeded: new Set() }, to, options, clock);
  });
  const arrived = await to.engine.inspectImage(id, { signal: options.signal });
  if (arrived?.id !== id) throw mismatch(cargo.image, to.name, id, found.place);
  options.log(
    `${cargo.image.name}: ${cargo.layers} of ${cargo.of} layers came from ${found.place}: ${bytesInWords(sent.passed)}, ${bytesInWords(sent.onTheLine)} on the line`,
  );
}

/** @returns bytes of the archive that travelled, and what was on the line for them */
async function send(
  load: Load,
  to: Receiver,
  { signal, log }: CarryOptions,
  clock: Clock,
): Promise<{ passed: number; onTheLine: number }> {
  const { cargo, found, notNeeded } = load;
  let toldAt = clock.elapsed();
  let passed = 0;
  let onTheLine = 0;

  async function* told(archive: AsyncIterable<Uint8Array>) {
    for await (const bytes of archive) {
      passed += bytes.length;
      if (clock.elapsed() - toldAt >= toldEveryMs) {
        toldAt = clock.elapsed();
        log(
          `${cargo.image.name}: ${bytesInWords(passed)}${passed > cargo.bytes ? "" : ` of about ${bytesInWords(cargo.bytes)}`} from ${found.place}, ${bytesInWords(onTheLine)} on the line`,
        );
      }
      yield bytes;
    }
  }
  async function* counted(archive: AsyncIterable<Uint8Array>) {
    for await (const bytes of archive) {
      onTheLine += bytes.length;
      yield bytes;
    }
  }

  const archive = told(withoutLayers(found.engine.saveImages([found.id], { signal }), found.layers, notNeeded));
  await to.engine.loadImages(counted(to.remote ? compressed(archive) : archive), { signal });
  return { passed, onTheLine };
}

/**
 * The lowest level. Of an image of 224 MB it leaves 39 per cent at 89 MB in a second of one core, the usual level 36 per cent at 43 MB (measured): so it gains on every line that takes
 * less than some 700 Mbit/s.
 */
async function* compressed(archive: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  // Nothing is read before somebody wants it. A failure of either reaches who reads the other; nobody else has to be told.
  yield* pipeline(Readable.from(archive, { objectMode: false }), createGzip({ level: 1 }), () => undefined);
}

function nowhere(image: ReleaseImage, host: string): ShiplockError {
  const where = image.builtOn === null ? "" : `; it was built on ${image.builtOn}`;
  return new ShiplockError({
    code: "image/nowhere",
    message: `${host} needs the image "${image.name}" (${image.tag}), which is in no registry, and no machine that could be asked has it${where}`,
    remedy: `run the command on ${image.builtOn ?? "the machine that built it"}, or where another engine still has the image, or deploy its commit anew with --ref, which builds it here`,
  });
}

function mismatch(image: ReleaseImage, host: string, id: string, place: string): ShiplockError {
  return new ShiplockError({
    code: "image/digest-mismatch",
    message: `${host} took in the image "${image.name}" from ${place}, and does not have ${id} now, which is what was built`,
    remedy: "look at the log of the engine on both machines; nothing of the release was started",
  });
}
