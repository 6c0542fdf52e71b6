import { sarifLog } from "../../sarif.ts";
import { fileRules } from "./lint.ts";
import { rules } from "./table.ts";
import type { Finding, Rule } from "./types.ts";

/** What GitHub sorts by where a rule is about security: a number as CVSS has it. */
const SCORES = { error: "8.0", warning: "5.0" } as const;

const security: ReadonlySet<string> = new Set([
  "script-injection",
  "untrusted-checkout",
  "login-left-behind",
  "secret-build-argument",
  "unpinned-host-key",
  "long-lived-cloud-key",
  "unpinned-action",
  "broad-permissions",
]);

/**
 * Findings as a SARIF 2.1.0 log. Every rule is in it, also one that found nothing; what a comment switches off is there as suppressed, with its reason. The
 * same findings give the same text.
 */
export function sarifOf(findings: readonly Finding[], version: string): string {
  const known = [...rules, ...Object.values(fileRules)];
  const ids = known.map(({ id }) => id);
  const run = {
    tool: { driver: { name: "Shiplock workflows", version, rules: known.map(ruleOf) } },
    automationDetails: { id: "shiplock/workflows/" },
    columnKind: "utf16CodeUnits",
    results: findings.map((finding, index) => resultOf(finding, ids, repeatsBefore(findings, index))),
  };
  return sarifLog([run]);
}

function ruleOf({ id, title, why, mend, severity }: Omit<Rule, "find">) {
  return {
    id,
    shortDescription: { text: title },
    fullDescription: { text: why },
    help: { text: `${why}\n\nWhat to do: ${mend}.` },
    defaultConfiguration: { level: severity },
    properties: security.has(id)
      ? { tags: ["security", "deployment"], "security-severity": SCORES[severity] }
      : { tags: ["deployment"] },
  };
}

function resultOf(finding: Finding, ids: readonly string[], repeats: number) {
  const { rule, severity, file, line, column, message, mend, ignored } = finding;
  return {
    ruleId: rule,
    ruleIndex: ids.indexOf(rule),
    level: severity,
    message: { text: `${message}. What to do: ${mend}.` },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: uriOf(file) },
          region: { startLine: line, startColumn: column },
        },
      },
    ],
    // Without the line, so that a finding stays the same one when something is written above it.
    partialFingerprints: {
      "shiplockFinding/v1": [rule, file, message, String(repeats)].map(encodeURIComponent).join("/"),
    },
    ...(ignored === null ? {} : { suppressions: [{ kind: "inSource", status: "accepted", justification: ignored }] }),
  };
}

/** How many findings before this one read the same. */
function repeatsBefore(findings: readonly Finding[], index: number): number {
  const mine = findings[index];
  return findings
    .slice(0, index)
    .filter(({ rule, file, message }) => rule === mine?.rule && file === mine.file && message === mine.message).length;
}

/** A relative reference: what code scanning shows beside the code. */
function uriOf(file: string): string {
  return file
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .map(encodeURIComponent)
    .join("/");
}
