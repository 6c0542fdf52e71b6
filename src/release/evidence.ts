import { counted } from "../counted.ts";
import type { Image, ScanPolicy } from "../config/types.ts";
import { judgeScanGate } from "../environments/gates/scan.ts";
import type { GateDecision } from "../environments/gates/types.ts";
import { ShiplockError } from "../errors.ts";
import type { Engine } from "../hosts/engine.ts";
import type { NewAttachment } from "../ledger/types.ts";
import { type BaseImage, IN_TOTO_TYPE, provenanceOf } from "./provenance/statement.ts";
import { digestOf } from "./registry/manifest.ts";
import { cycloneDx } from "./sbom/cyclonedx.ts";
import { readImage } from "./sbom/read-image.ts";
import { CYCLONEDX_TYPE, type ImageContents } from "./sbom/types.ts";
import { mergeScans } from "./scan/findings.ts";
import { dayOf, type ScanVerdict } from "./scan/judge.ts";
import { scanBlocked } from "./scan/lines.ts";
import { readReport, reportBytes } from "./scan/kept-report.ts";
import { type ScanWorld, scanBuilt, scanShipped } from "./scan/scan-image.ts";
import { summaryOf } from "./scan/summary.ts";
import { SCAN_REPORT_TYPE, type Scanned, type ScanReport } from "./scan/types.ts";
import type { Commit } from "./source.ts";
import type { Release, ReleaseImage } from "./types.ts";

/** An image of one platform that was just built: it is in the builder's engine under its reference, and nowhere else yet. */
export type BuiltImage = { image: Image; platform: string; reference: string; signal: AbortSignal };

/** A document about an image; `made` just now, or kept since an earlier release. */
export type Evidence = NewAttachment & { made: boolean };

export type EvidenceRequest = Omit<ScanWorld, "engine"> & {
  policy: ScanPolicy | "off" | undefined;
  engine: () => Pick<Engine, "info" | "inspectImage" | "saveImages">;
  /** What is kept about images, by their digests, oldest first. */
  kept: (digests: readonly string[]) => Promise<readonly NewAttachment[]>;
  commit: Commit;
  dirty: boolean;
  /** Where the commit lies; asked only when something was built. */
  repository: () => Promise<string | null>;
  argumentsOf: (image: string) => Readonly<Record<string, string>>;
  bases: (image: Image) => Promise<readonly BaseImage[]>;
  versions: Readonly<Record<string, string>>;
  /** A new name for this making of images. */
  invocation: string;
  mask: (text: string) => string;
  log: (image: string, line: string) => void;
};

type Examined = { image: Image; scanned: Scanned | null; contents: Promise<ImageContents> | null; at: string };

export type JudgedRelease = {
  release: Release;
  documents: readonly Evidence[];
  reports: readonly ScanReport[];
  decision: GateDecision;
  verdict: ScanVerdict | null;
};

/**
 * What is known of a release's images: which vulnerabilities, which packages, how they were made. `examine` is called between build and ship, for each platform, also at the
 * same time, and throws when the environment's policy holds the image up, so that it goes nowhere. `complete` is called once all are shipped. `reports` are those so far, also
 * after a failure.
 */
export function collectEvidence(request: EvidenceRequest): {
  examine(built: BuiltImage): Promise<void>;
  complete(release: Release): Promise<JudgedRelease>;
  reports(): readonly ScanReport[];
} {
  const began = request.clock.now().toISOString();
  const examined = new Map<string, Map<string, Examined>>();
  const scannedAgain: ScanReport[] = [];
  const today = (): string => dayOf(request.clock.now());

  function ofImage(name: string): ReadonlyMap<string, Examined> {
    return examined.get(name) ?? new Map<string, Examined>();
  }

  return {
    async examine({ image, platform, reference, signal }) {
      const { policy } = request;
      const at = request.clock.now().toISOString();
      const scanned = isOn(policy) ? await scanBuilt(request, policy, reference, signal) : null;
      const found: Examined = { image, scanned, contents: null, at };
      examined.set(image.name, new Map([...ofImage(image.name), [platform, found]]));
      if (scanned !== null) {
        const report = mergeScans(image.name, { [platform]: scanned }, { digest: "", at });
        const { decision, verdict } = judgeScanGate({
          policy,
          images: [image.name],
          reports: [report],
          today: today(),
        });
        request.log(image.name, `scanned with ${scanned.scanner.name}: ${decision.reason}`);
        if (decision.answer !== "pass") throw scanBlocked(decision, verdict);
      }
      if (!image.sbom) return;
      // Nothing is decided by it, so it goes on while the image is shipped; `complete` waits for it, and tells what failed.
      const contents = listPackages(request, image.name, reference, signal);
      contents.catch(() => undefined);
      examined.set(image.name, new Map([...ofImage(image.name), [platform, { ...found, contents }]]));
    },

    async complete(release) {
      const images = Object.values(release.images);
      const documents: Evidence[] = [];
      for (const image of images) {
        const built = ofImage(image.name);
        documents.push(
          ...(built.size > 0 ? await madeNow(request, image, release, built, began) : await keptSince(request, image)),
        );
      }
      const { policy } = request;
      if (isOn(policy)) {
        for (const image of images) {
          if (documents.some(({ kind, image: name }) => kind === "scan" && name === image.name)) continue;
          request.log(image.name, "no report of this image is known here: it is scanned in the registry");
          const report = await scanShipped(request, policy, image);
          scannedAgain.push(report);
          documents.push(reportDocument(report));
        }
      }
      const reports = newestReports(documents);
      const judged = judgeScanGate({
        policy,
        images: images.map(({ name }) => name),
        reports: reports.map((each) => each.report),
        today: today(),
      });
      return {
        release: { ...release, scan: summaryOf(reports) },
        documents,
        reports: reports.map((each) => each.report),
        ...judged,
      };
    },

    reports() {
      const built = [...examined].flatMap(([name, platforms]) => reportOf(name, "", platforms) ?? []);
      return [...built, ...scannedAgain];
    },
  };
}

/** A report as it is kept. */
export function reportDocument(report: ScanReport): Evidence {
  const { image, digest: subject, at } = report;
  const about = { kind: "scan", image, subject, mediaType: SCAN_REPORT_TYPE, at: Date.parse(at) } as const;
  return { ...about, bytes: reportBytes(report), made: true };
}

/** The newest report of each image, with its digest. */
export function newestReports(documents: readonly NewAttachment[]): { report: ScanReport; digest: string }[] {
  const newest = new Map<string, NewAttachment>();
  for (const document of documents) {
    const known = newest.get(document.image);
    if (document.kind === "scan" && (known === undefined || known.at <= document.at))
      newest.set(document.image, document);
  }
  return [...newest.values()]
    .sort((left, right) => (left.image < right.image ? -1 : 1))
    .map(({ bytes, image }) => ({ report: { ...readReport(bytes), image }, digest: digestOf(bytes) }));
}

function isOn(policy: ScanPolicy | "off" | undefined): policy is ScanPolicy {
  return policy !== undefined && policy !== "off";
}

async function listPackages(
  request: EvidenceRequest,
  name: string,
  reference: string,
  signal: AbortSignal,
): Promise<ImageContents> {
  const engine = request.engine();
  const local = await engine.inspectImage(reference, { signal });
  const contents = await readImage(name, engine.saveImages([local?.id ?? reference], { signal }));
  request.log(name, `${counted(contents.packages.length, "package")} listed`);
  return contents;
}

function reportOf(name: string, digest: string, platforms: ReadonlyMap<string, Examined>): ScanReport | null {
  const scans = [...platforms].flatMap(([platform, { scanned }]) =>
    scanned === null ? [] : [[platform, scanned] as const],
  );
  if (scans.length === 0) return null;
  const at = [...platforms.values()].map((each) => each.at).sort()[0] ?? "";
  return mergeScans(name, Object.fromEntries(scans), { digest, at });
}

async function madeNow(
  request: EvidenceRequest,
  image: ReleaseImage,
  release: Release,
  platforms: ReadonlyMap<string, Examined>,
  began: string,
): Promise<Evidence[]> {
  const { commit, dirty, repository, clock } = request;
  const now = clock.now();
  const common = { image: image.name, at: now.getTime(), made: true } as const;
  const report = reportOf(image.name, image.digest, platforms);
  const sboms: Evidence[] = [];
  for (const [platform, { contents }] of platforms) {
    const subject = image.platforms[platform]?.manifest;
    if (contents === null || subject === undefined) continue;
    const about = { repository: image.repository, digest: subject, platform, time: commit.time, commit: commit.hash };
    const bytes = cycloneDx(about, await contents);
    sboms.push({ ...common, kind: "sbom", subject, mediaType: CYCLONEDX_TYPE, bytes });
  }
  const [first] = platforms.values();
  if (first === undefined) throw new ShiplockError({ code: "release/no-platform", blame: "bug", message: image.name });
  const manifests = Object.entries(image.platforms).map(([platform, { manifest }]) => [platform, manifest] as const);
  const statement = provenanceOf(
    {
      image: first.image,
      args: request.argumentsOf(image.name),
      environment: image.environment,
      commit,
      dirty,
      repository: await repository(),
      bases: await request.bases(first.image),
      digest: image.digest,
      platforms: Object.fromEntries(manifests),
      versions: request.versions,
      invocation: `${request.invocation}/${release.id}/${image.name}`,
      startedOn: began,
      finishedOn: now.toISOString(),
    },
    request.mask,
  );
  return [
    ...(report === null ? [] : [reportDocument(report)]),
    ...sboms,
    { ...common, kind: "provenance", subject: image.digest, mediaType: IN_TOTO_TYPE, bytes: statement },
  ];
}

/** What is known of an image that was made for an earlier release: of each kind the newest document for each digest. */
async function keptSince(request: EvidenceRequest, image: ReleaseImage): Promise<Evidence[]> {
  const newest = new Map<string, Evidence>();
  for (const document of await request.kept(digestsOf(image))) {
    // A report that cannot be read is as none: the image is scanned again.
    if (document.kind === "scan" && !isReadable(document.bytes)) continue;
    newest.set(`${document.kind} ${document.subject}`, { ...document, image: image.name, made: false });
  }
  return [...newest.values()];
}

/** All digests that documents about an image can be about: its own, and those of its platforms' manifests. */
export function digestsOf(image: ReleaseImage): string[] {
  return [...new Set([image.digest, ...Object.values(image.platforms).map(({ manifest }) => manifest)])];
}

function isReadable(bytes: Uint8Array): boolean {
  try {
    readReport(bytes);
    return true;
  } catch (cause) {
    if (cause instanceof ShiplockError) return false;
    throw cause;
  }
}
