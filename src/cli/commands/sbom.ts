import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { isLocalRepository } from "../../config/local-repository.ts";
import { messageOf, ShiplockError } from "../../errors.ts";
import type { NewAttachment } from "../../ledger/types.ts";
import { digestsOf } from "../../release/evidence.ts";
import { IN_TOTO_TYPE } from "../../release/provenance/statement.ts";
import { parseReference } from "../../release/registry/reference.ts";
import { readReferrer, referrersOf } from "../../release/registry/referrers.ts";
import type { Registry } from "../../release/registry/types.ts";
import { CYCLONEDX_TYPE } from "../../release/sbom/types.ts";
import type { ReleaseImage } from "../../release/types.ts";
import { argument, textFlag } from "../arguments.ts";
import { type CommandContext, loadEnvironment } from "../context.ts";
import { keptAbout } from "../evidence.ts";
import { exitCodes } from "../exit-codes.ts";
import { knownRelease } from "../known-release.ts";
import { registryLogins } from "../registry-logins.ts";
import { registryOf } from "../wiring.ts";
import type { Flags } from "./table.ts";

const KINDS = { sbom: CYCLONEDX_TYPE, provenance: IN_TOTO_TYPE } as const;
type Kind = keyof typeof KINDS;

/** Writes what is kept of a release's images into files: from this machine's history, or from the registry where another machine made it. */
export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
): Promise<number> {
  const { output } = context;
  const { config, environment } = await loadEnvironment(context, argument(args, 0));
  const release = await knownRelease(context, config, environment, flags);
  const folder = resolve(context.cwd, textFlag(flags, "out") ?? ".");
  const registry = registryOf(config, registryLogins(config, context));
  const written: { image: string; kind: Kind; subject: string; file: string }[] = [];
  for (const image of Object.values(release.images)) {
    const kept = await keptAbout(context, config.project, digestsOf(image));
    for (const kind of ["sbom", "provenance"] as const) {
      for (const subject of digestsOf(image)) {
        const bytes = newest(kept, kind, subject) ?? (await inRegistry(registry, image, kind, subject, context.signal));
        if (bytes === null) continue;
        const file = join(folder, fileName(image, kind, subject));
        await write(file, bytes);
        written.push({ image: image.name, kind, subject, file });
        output.line(`  ${image.name.padEnd(12)} ${kind.padEnd(10)} ${file}`);
      }
    }
  }
  output.result({ release: release.id, written });
  if (written.length > 0) return exitCodes.done;
  throw new ShiplockError({
    code: "sbom/none-kept",
    message: `neither this machine nor the registry has anything about the images of ${release.id}`,
    remedy: "releases have it since they are built with it; build the commit again with `shiplock build`",
  });
}

function newest(kept: readonly NewAttachment[], kind: Kind, subject: string): Uint8Array | null {
  return kept.findLast((document) => document.kind === kind && document.subject === subject)?.bytes ?? null;
}

async function inRegistry(
  registry: Registry,
  image: ReleaseImage,
  kind: Kind,
  subject: string,
  signal: AbortSignal,
): Promise<Uint8Array | null> {
  if (isLocalRepository(image.repository)) return null;
  const repository = parseReference(image.repository);
  const found = await referrersOf(registry, repository, subject, { signal });
  const made = (annotations: Readonly<Record<string, string>> | undefined): string =>
    annotations?.["org.opencontainers.image.created"] ?? "";
  const [latest] = found
    .filter((entry) => entry.artifactType === KINDS[kind])
    .sort((left, right) => (made(left.annotations) < made(right.annotations) ? 1 : -1));
  return latest === undefined ? null : readReferrer(registry, repository, latest.digest, { signal });
}

/** A document about one platform of several bears its name. */
function fileName(image: ReleaseImage, kind: Kind, subject: string): string {
  const platform = Object.entries(image.platforms).find(([, digests]) => digests.manifest === subject)?.[0];
  const several = Object.keys(image.platforms).length > 1 && platform !== undefined;
  const name = several ? `${image.name}-${platform.replaceAll("/", "-")}` : image.name;
  return `${name}.${kind === "sbom" ? "cdx" : "provenance"}.json`;
}

async function write(file: string, bytes: Uint8Array): Promise<void> {
  try {
    await mkdir(resolve(file, ".."), { recursive: true });
    await writeFile(file, bytes);
  } catch (cause) {
    throw new ShiplockError({
      code: "sbom/not-written",
      blame: "usage",
      message: `--out: ${messageOf(cause)}`,
      where: file,
      remedy: "name a folder that can be written to",
      cause,
    });
  }
}
