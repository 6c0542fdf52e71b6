import { dirname, resolve } from "node:path";
import type { SecretProviderInput } from "./schema-secrets.ts";
import type {
  ConfigLevel,
  Organization,
  SecretPolicy,
  SecretProviderChoice,
  SecretSourceChoice,
} from "./types-secrets.ts";
import { milliseconds } from "./units.ts";

type Written = { providers?: readonly SecretProviderInput[] | undefined; maxAge?: string | undefined };

const dayMs = 86_400_000;

/**
 * Where secrets are looked for: the providers of each level that is given, the narrowest first. Where no level has one, the environment of the command.
 * @param file absolute path of the configuration, where relative paths of the project and its environments start
 */
export function resolveSecretPolicy(
  levels: { environment?: Written | undefined; project?: Written | undefined; organization: Organization | undefined },
  file: string,
): SecretPolicy {
  const { environment, project, organization } = levels;
  const folder = dirname(file);
  const sources = [
    ...sourcesOf("environment", resolveProviders(environment?.providers, folder)),
    ...sourcesOf("project", resolveProviders(project?.providers, folder)),
    ...sourcesOf("organization", organization?.providers ?? []),
  ];
  const maxAgeMs = maxAgeOf(environment?.maxAge) ?? maxAgeOf(project?.maxAge) ?? organization?.maxAgeMs;
  return { sources: sources.length === 0 ? [{ level: "project", provider: { kind: "env" } }] : sources, maxAgeMs };
}

function sourcesOf(level: ConfigLevel, providers: readonly SecretProviderChoice[]): SecretSourceChoice[] {
  return providers.map((provider) => ({ level, provider }));
}

/** Milliseconds of a number of days such as `90d`. */
export function maxAgeOf(written: string | undefined): number | undefined {
  return written === undefined ? undefined : Number.parseInt(written, 10) * dayMs;
}

/** @param folder absolute; relative paths start there */
export function resolveProviders(
  written: readonly SecretProviderInput[] | undefined,
  folder: string,
): SecretProviderChoice[] {
  return (written ?? []).map((one) => resolveProvider(one, folder));
}

function resolveProvider(written: SecretProviderInput, folder: string): SecretProviderChoice {
  if (written === "env") return { kind: "env" };
  for (const kind of ["dotenv", "age"] as const) {
    const path = written[kind];
    if (path !== undefined) return { kind, file: resolve(folder, path), written: path };
  }
  const { command, "aws-secrets-manager": manager, "aws-ssm": ssm } = written;
  if (manager !== undefined) {
    const { secret, prefix, region, role } = manager;
    return { kind: "aws-secrets-manager", secret, prefix, region, role };
  }
  if (ssm !== undefined) return { kind: "aws-ssm", prefix: ssm.prefix, region: ssm.region, role: ssm.role };
  if (command === undefined) throw new TypeError("secrets.providers: no rule has refused this configuration");
  const program = Array.isArray(command) ? { run: command } : command;
  return {
    kind: "command",
    run: program.run,
    timeoutMs: milliseconds(("timeout" in program ? program.timeout : undefined) ?? "30s"),
    absent: ("absent" in program ? program.absent : undefined) ?? [],
    folder,
  };
}

/**
 * The variables of an environment: its own, over the project's, over the organization's. What is a secret here is no variable, whatever a broader level says.
 * @param secrets names of the environment's secrets
 */
export function resolveVariables(
  levels: {
    environment: Readonly<Record<string, string>> | undefined;
    project: Readonly<Record<string, string>> | undefined;
    organization: Organization | undefined;
  },
  secrets: readonly string[],
): Record<string, string> {
  const { environment, project, organization } = levels;
  const all = { ...organization?.variables, ...project, ...environment };
  return Object.fromEntries(Object.entries(all).filter(([name]) => !secrets.includes(name)));
}
