import { z } from "zod";
import type { Finding, Scanned, Scanner, ScanTarget } from "./types.ts";
import { decodeReport, fromText, runScanner, type ScannerSurroundings, severityName } from "./run-scanner.ts";

const vulnerability = z.object({
  VulnerabilityID: z.string().min(1),
  PkgName: z.string().min(1),
  PkgPath: fromText(),
  InstalledVersion: fromText(),
  FixedVersion: fromText(),
  Severity: severityName(),
  Title: fromText(),
  PrimaryURL: fromText(),
});
/** Of a secret only its rule is read, never the lines it stands in. */
const secret = z.object({ RuleID: z.string().min(1), Severity: severityName(), Title: fromText() });
const misconfiguration = z.object({
  ID: z.string().min(1),
  Severity: severityName(),
  Title: fromText(),
  PrimaryURL: fromText(),
  Status: z.string().nullish(),
});
const licence = z.object({
  Name: z.string().min(1),
  PkgName: fromText(),
  FilePath: fromText(),
  Severity: severityName(),
});

const result = z.object({
  Target: z.string(),
  Class: z.string().nullish(),
  Type: z.string().nullish(),
  Vulnerabilities: z.array(vulnerability).nullish(),
  Secrets: z.array(secret).nullish(),
  Misconfigurations: z.array(misconfiguration).nullish(),
  Licenses: z.array(licence).nullish(),
});

/** Since Trivy 0.20; before, a report was the list of results alone. */
const report = z.object({
  SchemaVersion: z.literal(2),
  ArtifactType: z.literal("container_image").nullish(),
  Metadata: z.object({ ImageID: z.string().nullish() }).nullish(),
  // An image without anything that Trivy knows has none.
  Results: z.array(result).nullish(),
  Trivy: z.object({ Version: z.string().nullish() }).nullish(),
});
const anyReport = z.union([report, z.array(result)]);

type Result = z.infer<typeof result>;

/** Distributions as Trivy names them, for the reports that do not say which class a result has. */
const DISTRIBUTIONS =
  /^(?:alma|alpine|amazon|azurelinux|bottlerocket|cbl-mariner|centos|chainguard|debian|echo|fedora|minimos|opensuse.*|oracle|photon|redhat|rocky|sles?.*|suse.*|ubuntu|wolfi)$/;

/** Trivy as a program: `trivy image --format json`. */
export function trivyScanner(surroundings: ScannerSurroundings): Scanner {
  return {
    scan: async (target, options) => {
      const args = trivyArguments(target, options.timeoutMs);
      const extra =
        target.from === "registry" && target.insecure ? { TRIVY_INSECURE: "true", TRIVY_NON_SSL: "true" } : {};
      return readTrivy(await runScanner({ program: "trivy", args, extra, target, ...options }, surroundings));
    },
  };
}

/** The arguments, without the program's name. Local images are looked for in the engine first, which is Trivy's own order. */
export function trivyArguments(target: ScanTarget, timeoutMs: number): string[] {
  return [
    ...["image", "--quiet", "--format", "json"],
    // Its own limit is five minutes; ours ends it a moment later, whatever it does.
    ...["--timeout", `${Math.ceil(timeoutMs / 1000)}s`],
    ...(target.from === "registry" ? ["--platform", target.platform] : []),
    target.reference,
  ];
}

/** What a report of Trivy says, of schema version 2 or of the older form. Errors: `scan/unreadable`. */
export function readTrivy(text: string): Scanned {
  const read = decodeReport("trivy", text, anyReport);
  if (Array.isArray(read))
    return { scanner: { name: "trivy", version: "" }, imageId: null, findings: findingsOf(read) };
  return {
    scanner: { name: "trivy", version: read.Trivy?.Version ?? "" },
    imageId: read.Metadata?.ImageID ?? null,
    findings: findingsOf(read.Results ?? []),
  };
}

function findingsOf(results: readonly Result[]): Finding[] {
  return results.flatMap((each) => [
    ...(each.Vulnerabilities ?? []).map((found) => vulnerabilityOf(found, each)),
    ...(each.Secrets ?? []).map((found) => ({
      ...inTheImage("secret", found.RuleID, each.Target),
      severity: found.Severity,
      title: found.Title,
    })),
    ...(each.Misconfigurations ?? [])
      .filter((found) => (found.Status ?? "FAIL") === "FAIL")
      .map((found) => ({
        ...inTheImage("misconfiguration", found.ID, each.Target),
        severity: found.Severity,
        title: found.Title,
        url: found.PrimaryURL,
      })),
    ...(each.Licenses ?? []).map((found) => ({
      ...inTheImage("licence", found.Name, found.FilePath === "" ? each.Target : found.FilePath),
      severity: found.Severity,
      package: found.PkgName,
    })),
  ]);
}

function vulnerabilityOf(found: z.infer<typeof vulnerability>, { Target, Class, Type }: Result): Finding {
  const os = Class === "os-pkgs" || (Class !== "lang-pkgs" && DISTRIBUTIONS.test(Type ?? ""));
  return {
    kind: "vulnerability",
    id: found.VulnerabilityID,
    severity: found.Severity,
    place: os ? "os" : "language",
    package: found.PkgName,
    version: found.InstalledVersion,
    fixedIn: found.FixedVersion,
    target: found.PkgPath === "" ? Target : found.PkgPath,
    title: found.Title,
    url: found.PrimaryURL,
  };
}

function inTheImage(kind: Finding["kind"], id: string, target: string) {
  return { kind, id, place: "image", package: "", version: "", fixedIn: "", target, title: "", url: "" } as const;
}
