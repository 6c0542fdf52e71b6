import type { ConfigInput } from "./schema.ts";
import type { ScanPolicy, ScanSeverity } from "./types-scan.ts";
import { milliseconds } from "./units.ts";

type ScanInput = NonNullable<ConfigInput["scan"]>;
type EnvironmentScanInput = ConfigInput["environments"][string]["scan"];

/** The policy of an environment; `off` where it says so, `undefined` where the project has no scan. */
export function resolveScan(
  project: ScanInput | undefined,
  environment: EnvironmentScanInput,
): ScanPolicy | "off" | undefined {
  if (environment === false || environment === "off") return "off";
  if (project === undefined) return undefined;
  return {
    with: project.with,
    block: (environment?.block ?? project.block ?? ["CRITICAL", "HIGH"]).map(
      (severity) => severity.toLowerCase() as ScanSeverity,
    ),
    onlyFixed: environment?.onlyFixed ?? project.onlyFixed ?? false,
    ignore: (project.ignore ?? []).map((entry) => ({ ...entry, package: entry.package })),
    timeoutMs: milliseconds(project.timeout ?? "10m"),
  };
}
