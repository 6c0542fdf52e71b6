import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { messageOf, ShiplockError } from "../../errors.ts";
import { type ProgramResult, runProgram } from "../../process.ts";
import { makeScratch } from "../../scratch.ts";
import { createMasker } from "../../secrets/mask.ts";
import { apiHost, parseReference } from "../registry/reference.ts";
import type { RegistryLogin } from "../registry/types.ts";
import { scanError } from "./errors.ts";
import { SEVERITIES } from "./findings.ts";
import type { ScanTarget } from "./types.ts";

/** The world as a scanner gets it. */
export type ScannerSurroundings = {
  /** Variables of this process; the scanner reads its own settings, proxies and the engine's address from them. */
  env: Readonly<Record<string, string | undefined>>;
  /** Names of variables that are secrets of the project, which are no business of a scanner. */
  withhold: readonly string[];
};

export type ScannerRun = {
  program: "trivy" | "grype";
  args: readonly string[];
  extra: Readonly<Record<string, string>>;
  target: ScanTarget;
  timeoutMs: number;
  signal: AbortSignal;
};

const REPORT_BYTES = 64 * 1024 * 1024;
/** What a scanner may take for ending by itself after its own limit. */
const GRACE_MS = 2_000;
const LINES_SHOWN = 12;

const INSTALL = {
  trivy: "https://trivy.dev",
  grype: "https://oss.anchore.com/docs/guides/vulnerability/",
} as const;

/**
 * Runs a scanner in an empty folder, so that no settings or exceptions that lie about in a project are taken for its own, and answers what it
 * printed. A login reaches it in a file that only this user can read and that is gone afterwards: variables of the scanners' own would
 * send it to every registry they talk to.
 * Errors: those of `Scanner`.
 */
export async function runScanner(run: ScannerRun, { env, withhold }: ScannerSurroundings): Promise<string> {
  const folder = await makeScratch("scan");
  const login = run.target.from === "registry" ? run.target.login : null;
  try {
    const kept = Object.fromEntries(Object.entries(env).filter(([name]) => !withhold.includes(name)));
    const config = login === null ? {} : { DOCKER_CONFIG: await writeLogin(join(folder, "docker"), login) };
    const work = join(folder, "work");
    await mkdir(work);
    const result = await runProgram(run.program, run.args, {
      cwd: work,
      env: { ...kept, ...run.extra, ...config },
      timeoutMs: run.timeoutMs + GRACE_MS,
      signal: run.signal,
      keepBytes: REPORT_BYTES,
    });
    if (result.exitCode !== 0) throw failed(run, result, login);
    if (Buffer.byteLength(result.stdout) >= REPORT_BYTES)
      throw unreadable(run.program, `its report is longer than ${REPORT_BYTES} bytes`);
    return result.stdout;
  } catch (cause) {
    throw explained(run, cause);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Text that may be missing or null, and is empty then. */
export function fromText() {
  return z
    .string()
    .nullish()
    .transform((text) => text ?? "");
}

/** A severity, in whichever case it is written. One that is not known is refused: it could be worse than all that are. */
export function severityName() {
  return z
    .string()
    .transform((text) => text.toLowerCase())
    .pipe(z.enum(SEVERITIES));
}

/** A report's JSON in the shape that decides. Errors: `scan/unreadable`, with what does not fit. */
export function decodeReport<Shape extends z.ZodType>(program: string, text: string, shape: Shape): z.infer<Shape> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw unreadable(program, "what it printed is no JSON", [], cause);
  }
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  const details = z.prettifyError(parsed.error).split("\n").slice(0, LINES_SHOWN);
  throw unreadable(program, "its report has another shape than the versions that are known", details);
}

async function writeLogin(folder: string, { address, username, password }: RegistryLogin): Promise<string> {
  await mkdir(folder, { mode: 0o700 });
  const { registry } = parseReference(`${address}/x`);
  // Docker Hub's logins lie under an address of their own.
  const key = registry === "docker.io" ? "https://index.docker.io/v1/" : apiHost(registry);
  const auth = Buffer.from(`${username}:${password}`, "utf8").toString("base64");
  const file = join(folder, "config.json");
  await writeFile(file, JSON.stringify({ auths: { [key]: { auth } } }), { mode: 0o600 });
  await chmod(file, 0o600);
  return folder;
}

function explained(run: ScannerRun, cause: unknown): unknown {
  if (!(cause instanceof ShiplockError)) {
    return scanError("scan/failed", `${run.program} could not be started: ${messageOf(cause)}`, {
      remedy: remedyOf(run.program),
      cause,
    });
  }
  if (cause.code === "program/missing")
    return scanError(
      "scan/scanner-missing",
      `the scanner ${run.program} is not installed here, so nobody knows what is in the images`,
      {
        remedy: `install it (${INSTALL[run.program]}), or set \`scan: off\` for this environment`,
        cause,
      },
    );
  if (cause.code === "program/timeout")
    return scanError("scan/timeout", `${run.program} did not finish within ${run.timeoutMs / 1000} s and was stopped`, {
      remedy: "scan.timeout gives it longer; its first run on a machine downloads its database",
      cause,
    });
  return cause;
}

function failed(run: ScannerRun, { exitCode, stderr }: ProgramResult, login: RegistryLogin | null): ShiplockError {
  const masked = createMasker(login === null ? [] : [login.password])(stderr);
  const lines = masked.split("\n").filter((line) => line.trim() !== "");
  return scanError(
    "scan/failed",
    `${run.program} ended with exit code ${exitCode} and gave no report of ${run.target.reference}`,
    {
      remedy: remedyOf(run.program),
      details: lines.slice(-LINES_SHOWN),
    },
  );
}

function unreadable(program: string, what: string, details: readonly string[] = [], cause?: unknown): ShiplockError {
  return scanError("scan/unreadable", `the report of ${program} cannot be used: ${what}`, {
    remedy: `run \`${program}\` by hand on the image, and compare its version with those in docs/scanning.md`,
    details,
    ...(cause === undefined ? {} : { cause }),
  });
}

function remedyOf(program: string): string {
  return `its last lines are shown with this; run \`${program}\` by hand to see more. What was not scanned is not deployed`;
}
