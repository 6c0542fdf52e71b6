import { messageOf, ShiplockError } from "../../errors.ts";
import type { Config, Environment } from "../../config/types.ts";
import { runProgram } from "../../process.ts";
import { requireBuildx } from "../../release/buildkit/version.ts";
import { optionalArgument } from "../arguments.ts";
import { behindSentences } from "../behind.ts";
import { type CommandContext, loadProject } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { githubChecks } from "../github-checks.ts";
import { hookDemands } from "../hooks.ts";
import { withSession } from "../session.ts";
import { registryChecks } from "../registry-checks.ts";
import { demandTogether, ownerOf } from "../secrets.ts";
import { scannerChecks } from "../scanner-checks.ts";
import { buildEngine } from "../wiring.ts";
import type { Flags } from "./table.ts";

type Finding = { name: string; ok: boolean; said: string; remedy: string | null };
type Check = { name: string; look: () => Promise<string> };

const programTimeoutMs = 15_000;
const oldestCompose = [2, 24] as const;

/** Checks everything a deployment needs; each failure says how to mend it. Exit 1 if anything is wrong. */
export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  _flags: Flags,
): Promise<number> {
  const { output } = context;
  const config = await loadProject(context);
  const { resolveEnvironment } = await import("../../config/environment.ts");
  const named = optionalArgument(args, 0);
  const environments = named === null ? Object.values(config.environments) : [resolveEnvironment(config, named)];
  const findings = [
    ...(await carryOut([
      ...machineChecks(context, config),
      ...scannerChecks(environments, context.env),
      ...githubChecks(context, config, environments),
      ...environments.map((one) => secretsCheck(context, config, one)),
    ])),
    ...(await Promise.all(environments.map((environment) => examine(context, config, environment)))).flat(),
  ];
  // What was cut short is no finding about a host.
  context.signal.throwIfAborted();
  output.result(findings);
  for (const { name, ok, said, remedy } of findings) {
    output.line(`${ok ? output.paint.green("✓") : output.paint.red("✗")} ${name}: ${said}`);
    if (remedy !== null) output.line(`  ${output.paint.cyan("what to do")}: ${remedy}`);
  }
  const failed = findings.filter((finding) => !finding.ok).length;
  output.line(
    failed === 0 ? "everything a deployment needs is there" : `${failed} of ${findings.length} checks failed`,
  );
  return failed === 0 ? exitCodes.done : exitCodes.failed;
}

function machineChecks(context: CommandContext, config: Config): Check[] {
  return [
    { name: "git", look: () => version("git", ["--version"]) },
    { name: "ssh", look: async () => (await runProgram("ssh", ["-V"], { timeoutMs: programTimeoutMs })).stderr.trim() },
    { name: "docker compose", look: composeVersion },
    { name: "docker buildx", look: async () => requireBuildx(await version("docker", ["buildx", "version"])) },
    {
      name: "engine that builds",
      look: async () => {
        const info = await buildEngine(context.env).info({ timeoutMs: programTimeoutMs });
        return `version ${info.version}, ${info.os}/${info.architecture}`;
      },
    },
    ...registryChecks(context, config),
  ];
}

function secretsCheck(context: CommandContext, config: Config, { name, secrets }: Environment): Check {
  return {
    name: `${name}: secrets`,
    look: async () => {
      const own = { owner: ownerOf(config, name), names: secrets.names, who: name };
      const found = await demandTogether(context, [own, ...hookDemands(config, name)]);
      const names = [...new Set(found.flatMap((values) => Object.keys(values)))];
      return names.length === 0 ? "none are needed" : `${names.join(", ")} ${names.length === 1 ? "is" : "are"} set`;
    },
  };
}

async function examine(context: CommandContext, config: Config, environment: Environment): Promise<Finding[]> {
  const title = (what: string): string => `${environment.name}: ${what}`;
  try {
    return await withSession(context, config, environment, async (session) => {
      const hosts = await session.diagnose();
      const read = await session.record.read();
      const operation = read?.state.operation ?? null;
      const record: Finding =
        operation === null
          ? {
              name: title("record"),
              ok: true,
              said: read === null ? "nothing was deployed yet" : `revision ${read.revision}`,
              remedy: null,
            }
          : {
              name: title("record"),
              ok: false,
              said: `deployment ${operation.deployment} was never ended`,
              remedy: `run \`shiplock resume ${environment.name}\` or \`shiplock abort ${environment.name}\``,
            };
      return [
        ...hosts.map(({ host, name, ok, said, remedy }) => ({ name: title(`${host}: ${name}`), ok, said, remedy })),
        ...behindSentences(read?.state ?? null, session.skipped).map(({ host, sentence }) => ({
          ...{ name: title(host), ok: false, said: sentence, remedy: null },
        })),
        record,
      ];
    });
  } catch (error) {
    return [
      {
        name: title("hosts"),
        ok: false,
        said: messageOf(error),
        remedy: error instanceof ShiplockError ? (error.remedy ?? null) : null,
      },
    ];
  }
}

async function carryOut(checks: readonly Check[]): Promise<Finding[]> {
  return Promise.all(
    checks.map(async ({ name, look }) => {
      try {
        return { name, ok: true, said: await look(), remedy: null };
      } catch (error) {
        return {
          name,
          ok: false,
          said: [messageOf(error), ...(error instanceof ShiplockError ? error.details : [])].join("; "),
          remedy: error instanceof ShiplockError ? (error.remedy ?? null) : null,
        };
      }
    }),
  );
}

async function version(program: string, args: readonly string[]): Promise<string> {
  const result = await runProgram(program, args, { timeoutMs: programTimeoutMs });
  if (result.exitCode === 0) return result.stdout.trim().split("\n")[0] ?? "";
  throw new ShiplockError({
    code: "doctor/program",
    message: `\`${[program, ...args].join(" ")}\` failed: ${result.stderr.trim()}`,
    remedy: `install ${[program, ...args.slice(0, 1)].join(" ")} on this machine`,
  });
}

async function composeVersion(): Promise<string> {
  const text = await version("docker", ["compose", "version", "--short"]);
  const [major = 0, minor = 0] = text.replace(/^v/, "").split(".").map(Number);
  if (major > oldestCompose[0] || (major === oldestCompose[0] && minor >= oldestCompose[1])) return text;
  throw new ShiplockError({
    code: "doctor/compose-old",
    message: `version ${text} is too old`,
    remedy: `install Compose ${oldestCompose.join(".")} or newer`,
  });
}
