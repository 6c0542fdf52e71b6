import { bytesInWords } from "../../byte-words.ts";
import { ShiplockError } from "../../errors.ts";
import { asObject } from "../../json.ts";
import type { Snapshot } from "../../release/types.ts";

/** What an environment wants of its hosts' room. Sizes are in bytes. */
export type RoomWishes = {
  /** Memory that has to be free before the new release starts; null: the sum of its services' limits. */
  memoryBytes: number | null;
  /** What stays free on the engine's disk, whatever is pulled. */
  diskBytes: number;
  /** Memory for one release at a time: refuse, or stop the old release first. */
  onShortage: "refuse" | "recreate";
};

/** What was seen of a host. Sizes are in bytes. */
export type RoomFacts = {
  host: string;
  /** Null where nothing stands beside anything, or the kernel does not tell. */
  memory: { free: number; wanted: number } | null;
  /**
   * Null where nothing has to be pulled. `compressed` is what is missing as the registry holds it; null where that is not known. `carried` is what comes from another
   * engine, unpacked.
   */
  disk: { path: string; free: number; compressed: number | null; carried: number } | null;
};

/**
 * How much room a layer needs for each compressed byte: a base image of Debian unpacks to 2.7 times its gzipped size (measured), and the download lies beside what is
 * unpacked from it, until the end of the pull or, with the containerd image store, for good. Rounded up.
 */
export const bytesPerCompressedByte = 4;

/**
 * Judges the room of a host for a release beside the one that is live there.
 * @param hasLive whether the live release has containers on this host, so that stopping it makes room
 * @returns why the two do not fit beside each other, with the figures; null if they do
 * @throws ShiplockError `host/no-room` where no other order of steps would help, or none is allowed
 */
export function judgeRoom(facts: RoomFacts, wishes: RoomWishes, hasLive: boolean): string | null {
  if (facts.disk !== null) refuseFullDisk(facts.host, facts.disk, wishes.diskBytes);
  if (facts.memory === null || facts.memory.free >= facts.memory.wanted) return null;
  const shortage = `${facts.host} has ${bytesInWords(facts.memory.free)} of memory free, and the new release${hasLive ? " beside the old one" : ""} wants ${bytesInWords(facts.memory.wanted)}`;
  if (hasLive && wishes.onShortage === "recreate") return shortage;
  const otherwise = hasLive
    ? ", or set `room: { onShortage: recreate }`, which stops the old release first and has a gap"
    : "";
  throw new ShiplockError({
    code: "host/no-room",
    blame: "gate",
    message: shortage,
    remedy: `give the host more memory, lower the services' limits or \`room.memory\`${otherwise}`,
  });
}

/** An engine that takes in an archive writes its files to the disk, and then the layers out of them. */
const bytesPerCarriedByte = 2;

type Arriving = { compressed: number | null; carried: number };

/** Whether what arrives leaves the floor free. */
export function fitsOnDisk(free: number, arriving: Arriving, floor: number): boolean {
  return free - roomFor(arriving) >= floor;
}

function roomFor({ compressed, carried }: Arriving): number {
  return (compressed ?? 0) * bytesPerCompressedByte + carried * bytesPerCarriedByte;
}

function refuseFullDisk(host: string, disk: NonNullable<RoomFacts["disk"]>, floor: number): void {
  if (fitsOnDisk(disk.free, disk, floor)) return;
  const measured = [
    ...(disk.compressed === null || disk.compressed === 0 ? [] : [`${bytesInWords(disk.compressed)} compressed`]),
    ...(disk.carried === 0 ? [] : [`${bytesInWords(disk.carried)} of layers over SSH`]),
  ];
  const pull =
    measured.length === 0 ? "" : ` the pull takes about ${bytesInWords(roomFor(disk))} (${measured.join(", ")}), and`;
  throw new ShiplockError({
    code: "host/no-room",
    blame: "gate",
    message: `${host} has ${bytesInWords(disk.free)} free on the disk of its engine (${disk.path});${pull} ${bytesInWords(floor)} have to stay free (\`room.disk\`)`,
    remedy:
      "make room there (`docker system df` shows what takes it; `docker image prune` takes nothing that a rollback needs), or lower `room.disk`",
  });
}

/** The sum of the memory limits of a release's services, all replicas of one host, in bytes; 0 where none has a limit. */
export function limitedMemory(snapshot: Snapshot): number {
  const services = asObject(snapshot.model["services"]) ?? {};
  return snapshot.services.reduce((sum, service) => {
    const definition = asObject(services[service.name]);
    const limits = asObject(asObject(asObject(definition?.["deploy"])?.["resources"])?.["limits"]);
    const bytes = Number(limits?.["memory"] ?? definition?.["mem_limit"] ?? 0);
    return sum + (Number.isFinite(bytes) ? bytes : 0) * service.replicas;
  }, 0);
}
