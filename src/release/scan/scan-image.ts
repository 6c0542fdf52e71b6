import type { Clock } from "../../clock.ts";
import { isLocalRepository } from "../../config/local-repository.ts";
import type { ScanPolicy } from "../../config/types.ts";
import type { Engine } from "../../hosts/engine.ts";
import { parseReference } from "../registry/reference.ts";
import type { RegistryLogin } from "../registry/types.ts";
import type { ReleaseImage } from "../types.ts";
import { scanError } from "./errors.ts";
import { mergeScans } from "./findings.ts";
import type { Scanned, Scanner, ScanReport, ScanTarget } from "./types.ts";

/** What is needed to scan images. */
export type ScanWorld = {
  scanner: (policy: ScanPolicy) => Scanner;
  /** The engine that builds; asked for only when something was built, or lies in no registry. */
  engine: () => Pick<Engine, "info" | "inspectImage">;
  registry: { login: RegistryLogin | null; insecure: boolean };
  clock: Clock;
  signal: AbortSignal;
};

/** Scans an image that was just built, in the builder's engine. Errors: those of `Scanner`, and `scan/other-image`. */
export async function scanBuilt(
  request: ScanWorld,
  policy: ScanPolicy,
  reference: string,
  signal: AbortSignal,
): Promise<Scanned> {
  const engine = request.engine();
  const scanned = await request
    .scanner(policy)
    .scan({ from: "engine", reference }, { timeoutMs: policy.timeoutMs, signal });
  // With the containerd image store an image's id is none that a scanner knows.
  const { containerdImageStore } = await engine.info({ signal });
  const local = containerdImageStore ? null : await engine.inspectImage(reference, { signal });
  if (local !== null) demandImage(scanned, [local.id], reference);
  return scanned;
}

/**
 * Scans an image that was shipped, on each of its platforms: as the registry has it, or, where it lies in none, as the builder's engine still does.
 * Errors: those of `Scanner`, and `scan/failed` for an image that is in neither.
 */
export async function scanShipped(request: ScanWorld, policy: ScanPolicy, image: ReleaseImage): Promise<ScanReport> {
  const at = request.clock.now().toISOString();
  const scans: Record<string, Scanned> = {};
  for (const [platform, { manifest, config }] of Object.entries(image.platforms)) {
    const target = await targetOf(request, image, platform);
    const { timeoutMs } = policy;
    const scanned = await request.scanner(policy).scan(target, { timeoutMs, signal: request.signal });
    demandImage(scanned, [manifest, config, image.digest], image.name);
    scans[platform] = scanned;
  }
  return mergeScans(image.name, scans, { digest: image.digest, at });
}

async function targetOf(
  { engine, registry, signal }: ScanWorld,
  { name, repository, platforms }: ReleaseImage,
  platform: string,
): Promise<ScanTarget> {
  const { manifest = "", config = "" } = platforms[platform] ?? {};
  if (!isLocalRepository(repository)) {
    // For another registry Docker's own login counts, which one in a file of ours would hide.
    const login = isOf(registry.login, repository) ? registry.login : null;
    return { from: "registry", reference: `${repository}@${manifest}`, platform, ...registry, login };
  }
  // With the containerd image store an image is called by its manifest.
  for (const id of new Set([config, manifest])) {
    const local = await engine().inspectImage(id, { signal });
    if (local !== null) return { from: "engine", reference: local.id };
  }
  throw scanError("scan/failed", `the image ${name} lies in no registry, and this machine does not have it`, {
    remedy: "scan it where it was built",
  });
}

function isOf(login: RegistryLogin | null, repository: string): boolean {
  return login !== null && parseReference(`${login.address}/x`).registry === parseReference(repository).registry;
}

/** A report of another image, which a tag that moved meanwhile can give, says nothing about this one. */
function demandImage({ imageId, scanner }: Scanned, ids: readonly string[], name: string): void {
  if (imageId === null || ids.includes(imageId)) return;
  throw scanError(
    "scan/other-image",
    `${scanner.name} reported about ${imageId}, which is not the image ${name} (${ids.join(", ")})`,
    {
      remedy: "run the command again; if it stays so, scan the image by hand and compare",
    },
  );
}
