import { join } from "node:path";
import { z } from "zod";
import { messageOf, ShiplockError } from "../../errors.ts";
import { apiHost } from "./reference.ts";
import type { RegistryCredentials } from "./types.ts";

/** Where a login was found; holds no value. */
export type LoginOrigin =
  | { kind: "configuration" }
  | { kind: "helper" | "store"; program: string }
  | { kind: "file"; path: string }
  | { kind: "none" };

export type FoundLogin = { credentials: RegistryCredentials | null; origin: LoginOrigin };

/** What Docker's own login of this machine is read through. */
export type DockerLoginPorts = {
  env: Readonly<Record<string, string | undefined>>;
  /** The text of a file; null if there is none. */
  readFile: (path: string) => Promise<string | null>;
  /** Runs `docker-credential-<name> get` with the server on its standard input. Rejects with `program/missing`, `program/timeout`. */
  runHelper: (program: string, server: string) => Promise<{ exitCode: number; stdout: string }>;
};

const dockerConfig = z.object({
  credHelpers: z.record(z.string(), z.string()).optional(),
  credsStore: z.string().optional(),
  auths: z
    .record(
      z.string(),
      z.object({ auth: z.string().optional(), identitytoken: z.string().optional() }).nullable().catch(null),
    )
    .optional(),
});
const helperAnswer = z.object({ Username: z.string(), Secret: z.string() });

/** What Docker calls the login of its Hub. */
const HUB_KEY = "https://index.docker.io/v1/";
const HUB_HOSTS: ReadonlySet<string> = new Set(["index.docker.io", "docker.io", "registry-1.docker.io"]);

/** The name under which a helper says that what it has is an identity token. */
const TOKEN_USER = "<token>";

/** A helper's name is part of a program's name, and nothing else. */
const HELPER = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/**
 * The login that Docker has on this machine for a registry (`docker.io`, `ghcr.io`): of the helper for that registry, of the store for all, or of the configuration
 * file itself, in this order. A helper that knows no login leaves the word to the next.
 * Errors: `registry/docker-config` for a file that cannot be read, `registry/login-helper` for a helper that is missing, hangs, fails or answers rubbish. No error
 * holds what a helper or the file said.
 */
export async function dockerLogin(registry: string, ports: DockerLoginPorts): Promise<FoundLogin> {
  const path = configPath(ports.env);
  const text = path === null ? null : await ports.readFile(path);
  if (path === null || text === null || text.trim() === "") return { credentials: null, origin: { kind: "none" } };
  const config = readDockerConfig(text, path);
  const server = registry === "docker.io" ? HUB_KEY : registry;
  const helper = entryFor(config.credHelpers ?? {}, registry);
  const helpers = [
    ...(helper === undefined ? [] : [{ kind: "helper", name: helper } as const]),
    ...(config.credsStore === undefined || config.credsStore === ""
      ? []
      : [{ kind: "store", name: config.credsStore } as const]),
  ];
  for (const { kind, name } of helpers) {
    const program = programOf(name, path);
    const credentials = await askHelper(program, registry, server, ports);
    if (credentials !== null) return { credentials, origin: { kind, program } };
  }
  const written = entryFor(config.auths ?? {}, registry);
  const credentials = written ? credentialsIn(written, registry, path) : null;
  return credentials === null
    ? { credentials: null, origin: { kind: "none" } }
    : { credentials, origin: { kind: "file", path } };
}

function configPath(env: DockerLoginPorts["env"]): string | null {
  const folder = env["DOCKER_CONFIG"] || (env["HOME"] ? join(env["HOME"], ".docker") : null);
  return folder === null ? null : join(folder, "config.json");
}

function readDockerConfig(text: string, path: string): z.infer<typeof dockerConfig> {
  // What a parser says repeats what it read, which may be a password.
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badConfig(path, "it is no JSON");
  }
  const parsed = dockerConfig.safeParse(value);
  if (parsed.success) return parsed.data;
  throw badConfig(
    path,
    `its key ${parsed.error.issues[0]?.path.slice(0, 1).join("") || "(top)"} is not what Docker writes`,
  );
}

/** The entry for a registry, whether it is written as a host, with a scheme or with a path. */
function entryFor<T>(entries: Readonly<Record<string, T>>, registry: string): T | undefined {
  const wanted = hostOf(apiHost(registry));
  const exact = Object.hasOwn(entries, registry) ? entries[registry] : undefined;
  return exact ?? Object.entries(entries).find(([key]) => hostOf(key) === wanted)?.[1];
}

function hostOf(key: string): string {
  const host =
    key
      .replace(/^https?:\/\//, "")
      .split("/")[0]
      ?.toLowerCase() ?? "";
  return HUB_HOSTS.has(host) ? HUB_KEY : host;
}

function programOf(name: string, path: string): string {
  if (HELPER.test(name)) return `docker-credential-${name}`;
  throw badConfig(path, "it names a credential helper that is no program's name");
}

async function askHelper(
  program: string,
  registry: string,
  server: string,
  ports: DockerLoginPorts,
): Promise<RegistryCredentials | null> {
  let answer: { exitCode: number; stdout: string };
  try {
    answer = await ports.runHelper(program, server);
  } catch (cause) {
    if (cause instanceof ShiplockError && cause.code === "program/missing")
      throw badHelper(program, registry, "is not installed here");
    throw badHelper(program, registry, `did not answer (${messageOf(cause)})`);
  }
  if (answer.exitCode !== 0) {
    if (/credentials not found/i.test(answer.stdout)) return null;
    throw badHelper(program, registry, `ended with exit code ${answer.exitCode}`);
  }
  const parsed = helperAnswer.safeParse(jsonOrNull(answer.stdout));
  if (!parsed.success) throw badHelper(program, registry, "answered something that is no login");
  const { Username, Secret } = parsed.data;
  if (Secret === "") return null;
  return Username === TOKEN_USER ? { identityToken: Secret } : { username: Username, password: Secret };
}

function credentialsIn(
  { auth, identitytoken }: { auth?: string | undefined; identitytoken?: string | undefined },
  registry: string,
  path: string,
): RegistryCredentials | null {
  if (identitytoken !== undefined && identitytoken !== "") return { identityToken: identitytoken };
  if (auth === undefined || auth === "") return null;
  const pair = Buffer.from(auth, "base64").toString("utf8").replace(/\0+$/, "");
  const colon = pair.indexOf(":");
  if (colon <= 0) throw badConfig(path, `the login of ${registry} in it is none`);
  return { username: pair.slice(0, colon), password: pair.slice(colon + 1) };
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function badConfig(path: string, why: string): ShiplockError {
  return new ShiplockError({
    code: "registry/docker-config",
    blame: "usage",
    message: `Docker's configuration, where the registry's login is looked for, cannot be used: ${why}`,
    where: path,
    remedy:
      "mend the file or run `docker login` again; or name the login in shiplock.yml (registry.username, registry.password)",
  });
}

function badHelper(program: string, registry: string, what: string): ShiplockError {
  return new ShiplockError({
    code: "registry/login-helper",
    blame: "usage",
    message: `the credential helper ${program}, which Docker's configuration names for ${registry}, ${what}`,
    remedy: `make \`echo ${registry === "docker.io" ? HUB_KEY : registry} | ${program} get\` work, take it out of Docker's configuration, or name the login in shiplock.yml (registry.username, registry.password)`,
  });
}
