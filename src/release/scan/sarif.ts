import { sarifLog } from "../../sarif.ts";
import { compareText, countBySeverity } from "./findings.ts";
import type { IgnoredFinding } from "./judge.ts";
import type { Finding, ScanReport, Severity } from "./types.ts";

const LEVELS = {
  critical: "error",
  high: "error",
  medium: "warning",
  low: "note",
  negligible: "note",
  unknown: "note",
} as const satisfies Record<Severity, string>;

/** What GitHub sorts by: a number as CVSS has it, in the middle of the severity's range. */
const SCORES = {
  critical: "9.5",
  high: "8.0",
  medium: "5.5",
  low: "2.0",
  negligible: "0.5",
  unknown: "0.0",
} as const satisfies Record<Severity, string>;

const NAMES: Readonly<Record<string, { name: string; url: string }>> = {
  trivy: { name: "Trivy", url: "https://trivy.dev" },
  grype: { name: "Grype", url: "https://oss.anchore.com" },
};

/**
 * Reports as a SARIF 2.1.0 log, one run for each image. What an exception lets through is there as suppressed, with its reason. The same reports
 * give the same text.
 * @param ignored what the policy let through, as `judgeScan` answers it
 */
export function sarifOf(reports: readonly ScanReport[], ignored: readonly IgnoredFinding[]): string {
  const runs = [...reports]
    .sort((left, right) => compareText(left.image, right.image))
    .map((report) => runOf(report, ignored));
  return sarifLog(runs);
}

function runOf(report: ScanReport, ignored: readonly IgnoredFinding[]) {
  const { findings, image, scanner } = report;
  const rules = [...new Set(findings.map((finding) => finding.id))].sort(compareText);
  const known = NAMES[scanner.name] ?? { name: scanner.name, url: "" };
  return {
    tool: {
      driver: {
        name: known.name === "" ? "scanner" : known.name,
        ...(known.url === "" ? {} : { informationUri: known.url }),
        ...(scanner.version === "" ? {} : { version: scanner.version }),
        rules: rules.map((id) => ruleOf(id, findings)),
      },
    },
    automationDetails: { id: `shiplock/${image}/` },
    columnKind: "utf16CodeUnits",
    invocations: [{ executionSuccessful: true, endTimeUtc: report.at }],
    results: findings.map((finding) => resultOf(finding, image, rules.indexOf(finding.id), ignored)),
    properties: { image, digest: report.digest, platforms: report.platforms, counts: countBySeverity(findings) },
  };
}

/** Findings are sorted the worst first, so the first of a rule says how bad it can be. */
function ruleOf(id: string, findings: readonly Finding[]) {
  const finding = findings.find((each) => each.id === id);
  const severity = finding?.severity ?? "unknown";
  const title = finding?.title === "" || finding === undefined ? id : finding.title;
  const url = finding?.url ?? "";
  return {
    id,
    shortDescription: { text: title },
    ...(URL.canParse(url) ? { helpUri: url } : {}),
    defaultConfiguration: { level: LEVELS[severity] },
    properties: { "security-severity": SCORES[severity], tags: ["security", severity] },
  };
}

function resultOf(finding: Finding, image: string, ruleIndex: number, ignored: readonly IgnoredFinding[]) {
  const { id, severity, version, target, kind, place } = finding;
  const permitted = ignored.find((each) => each.image === image && each.finding === finding);
  return {
    ruleId: id,
    ruleIndex,
    level: LEVELS[severity],
    message: { text: messageOf(finding, image) },
    locations: [
      {
        physicalLocation: { artifactLocation: { uri: uriOf(image, target) }, region: { startLine: 1 } },
        message: { text: target === "" ? image : `${image}: ${target}` },
      },
    ],
    partialFingerprints: {
      "shiplockFinding/v1": [kind, id, image, finding.package, version, target].map(encodeURIComponent).join("/"),
    },
    ...(permitted === undefined
      ? {}
      : {
          suppressions: [
            {
              kind: "external",
              status: "accepted",
              justification: `${permitted.by.reason} (until ${permitted.by.until})`,
            },
          ],
        }),
    properties: { severity, place, package: finding.package, version, fixedIn: finding.fixedIn },
  };
}

function messageOf({ id, severity, package: name, version, fixedIn, title }: Finding, image: string): string {
  const where =
    name === "" ? `in the image ${image}` : `in ${name}${version === "" ? "" : ` ${version}`} of the image ${image}`;
  const mend = fixedIn === "" ? "no fix is known" : `fixed in ${fixedIn}`;
  return `${id} (${severity}) ${where}${name === "" ? "" : `; ${mend}`}${title === "" ? "" : `: ${title}`}`;
}

/** A relative reference, which is what code scanning shows: a folder named for the image, and the place in it. */
function uriOf(image: string, target: string): string {
  const path = target.split("/").filter((part) => part !== "" && part !== "." && part !== "..");
  return [image, ...path].map(encodeURIComponent).join("/");
}
