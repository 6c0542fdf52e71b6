import type { ConfigInput } from "./schema.ts";
import type { Check, CheckCommand, CheckService } from "./types-checks.ts";
import { milliseconds } from "./units.ts";

type CheckInput = NonNullable<ConfigInput["checks"]>[string];
type ServiceInput = NonNullable<CheckInput["services"]>[string];

/** A check with every default filled in. The input has passed the schema and all rules. */
export function resolveCheck(check: CheckInput, name: string): Check {
  const { coverage, warnings, junit = [] } = check;
  return {
    name,
    place: check.image === undefined ? { kind: "process" } : { kind: "container", image: check.image },
    run: resolveCommand(check.run),
    directory: check.directory ?? ".",
    needs: check.needs ?? [],
    matrix: Object.fromEntries(
      Object.entries(check.matrix ?? {}).map(([variable, values]) => [variable, values.map(String)]),
    ),
    env: check.env ?? {},
    secrets: check.secrets ?? [],
    services: Object.entries(check.services ?? {}).map(([service, input]) => resolveService(input, service)),
    caches: check.caches ?? [],
    files: check.files,
    artifacts: check.artifacts ?? [],
    junit: typeof junit === "string" ? [junit] : junit,
    coverage: coverage && { file: coverage.file, format: coverage.format, atLeast: coverage.atLeast },
    warnings: warnings && { file: warnings.file, format: warnings.format, atMost: warnings.atMost ?? 0 },
    timeoutMs: milliseconds(check.timeout ?? "10m"),
    retries: check.retries ?? 0,
    network: check.network ?? "default",
    cached: check.cached ?? true,
    required: check.required ?? true,
  };
}

function resolveService(service: ServiceInput, name: string): CheckService {
  return {
    name,
    image: service.image,
    env: service.env ?? {},
    command: service.command,
    health: service.health === undefined ? undefined : resolveCommand(service.health),
    startPeriodMs: milliseconds(service.startPeriod ?? "60s"),
  };
}

function resolveCommand(written: string | string[]): CheckCommand {
  return typeof written === "string" ? { kind: "shell", line: written } : { kind: "arguments", arguments: written };
}
