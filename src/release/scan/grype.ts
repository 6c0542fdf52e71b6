import { z } from "zod";
import type { Finding, Scanned, Scanner, ScanTarget } from "./types.ts";
import { decodeReport, fromText, runScanner, type ScannerSurroundings, severityName } from "./run-scanner.ts";

const vulnerability = z.object({
  id: z.string().min(1),
  // What nobody has judged is empty in some versions and "Unknown" in others.
  severity: z
    .literal("")
    .transform(() => "unknown" as const)
    .or(severityName()),
  description: fromText(),
  dataSource: fromText(),
  fix: z.object({ versions: z.array(z.string()).nullish(), state: z.string().nullish() }).nullish(),
  /** Before Grype 0.12, in place of `fix`. */
  fixedInVersion: fromText(),
});
const match = z.object({
  vulnerability,
  artifact: z.object({
    name: z.string().min(1),
    version: fromText(),
    type: fromText(),
    locations: z.array(z.object({ path: fromText() })).nullish(),
  }),
});
const report = z.object({
  matches: z.array(match).nullable(),
  source: z
    .object({
      // A folder is named by text alone.
      target: z.union([z.object({ imageID: z.string().nullish() }), z.string(), z.null()]).optional(),
    })
    .nullish(),
  descriptor: z.object({ name: z.literal("grype"), version: fromText() }),
});

const OS_PACKAGES: ReadonlySet<string> = new Set(["deb", "rpm", "apk", "alpm", "portage", "dpkg"]);

/** Grype as a program: `grype … -o json`. */
export function grypeScanner(surroundings: ScannerSurroundings): Scanner {
  return {
    scan: async (target, options) => {
      const insecure = target.from === "registry" && target.insecure;
      const extra = {
        // It would ask for its own newest version at every start.
        GRYPE_CHECK_FOR_APP_UPDATE: "false",
        ...(insecure ? { GRYPE_REGISTRY_INSECURE_USE_HTTP: "true" } : {}),
      };
      return readGrype(
        await runScanner({ program: "grype", args: grypeArguments(target), extra, target, ...options }, surroundings),
      );
    },
  };
}

/** The arguments, without the program's name. */
export function grypeArguments(target: ScanTarget): string[] {
  if (target.from === "engine") return [`docker:${target.reference}`, "--quiet", "--output", "json"];
  return [`registry:${target.reference}`, "--platform", target.platform, "--quiet", "--output", "json"];
}

/** What a report of Grype says. Errors: `scan/unreadable`. */
export function readGrype(text: string): Scanned {
  const { matches, source, descriptor } = decodeReport("grype", text, report);
  const target = source?.target;
  return {
    scanner: { name: "grype", version: descriptor.version },
    imageId: (typeof target === "object" ? target?.imageID : null) ?? null,
    findings: (matches ?? []).map(findingOf),
  };
}

function findingOf({ vulnerability: found, artifact }: z.infer<typeof match>): Finding {
  const [place] = artifact.locations ?? [];
  const versions = found.fix?.versions ?? [];
  return {
    kind: "vulnerability",
    id: found.id,
    severity: found.severity,
    place: OS_PACKAGES.has(artifact.type) ? "os" : "language",
    package: artifact.name,
    version: artifact.version,
    fixedIn: versions.length > 0 ? versions.join(", ") : found.fixedInVersion,
    target: place?.path ?? "",
    title: firstSentence(found.description),
    url: found.dataSource,
  };
}

/** Of a description, which can be pages long, what fits a line. */
function firstSentence(text: string): string {
  const [line = ""] = text.trim().split(/\n|(?<=\.)\s/);
  return line.length <= 200 ? line : `${line.slice(0, 199)}…`;
}
