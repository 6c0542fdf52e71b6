import { readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { ShiplockError } from "../../errors.ts";
import { parseReference } from "../registry/reference.ts";
import type { RegistryLogin } from "../registry/types.ts";
import { makeScratch } from "../../scratch.ts";

type Variables = Readonly<Record<string, string | undefined>>;

export type ClientConfig = {
  /** What the client's environment needs beside its own. */
  variables: Readonly<Record<string, string>>;
  remove(): Promise<void>;
};

const userConfig = z.looseObject({
  auths: z.record(z.string(), z.unknown()).optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
});

/** What lies beside the user's `config.json` and is still wanted: plugins, contexts, certificates. */
const kept = ["cli-plugins", "contexts", "trust"];

/**
 * A configuration of Docker's client for one command, in a folder that nobody else can read: the user's own, and the login of one registry, which so reaches BuildKit (for
 * its cache, and base images there) without being written where it stays.
 */
export async function temporaryClientConfig(login: RegistryLogin, env: Variables): Promise<ClientConfig> {
  const own = env["DOCKER_CONFIG"] ?? join(env["HOME"] ?? homedir(), ".docker");
  const config = await readConfig(join(own, "config.json"));
  const { registry } = parseReference(`${login.address}/x`);
  // Docker Hub's login has a name of its own.
  const name = registry === "docker.io" ? "https://index.docker.io/v1/" : registry;
  const auth = Buffer.from(`${login.username}:${login.password}`).toString("base64");
  const folder = await makeScratch("docker");
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const document = {
      ...config,
      auths: { ...config.auths, [name]: { auth } },
      // An empty helper means the file itself, also where the user has a store for everything.
      credHelpers: { ...config.credHelpers, [name]: "" },
    };
    await writeFile(join(folder, "config.json"), JSON.stringify(document), { mode: 0o600 });
    for (const entry of kept) if (await exists(join(own, entry))) await symlink(join(own, entry), join(folder, entry));
    return {
      variables: { DOCKER_CONFIG: folder, BUILDX_CONFIG: env["BUILDX_CONFIG"] ?? join(own, "buildx") },
      remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function readConfig(file: string): Promise<z.infer<typeof userConfig>> {
  if (!(await exists(file))) return {};
  const read = userConfig.safeParse(parsed(await readFile(file, "utf8")));
  if (read.success) return read.data;
  throw new ShiplockError({
    code: "build/docker-config",
    blame: "usage",
    message: "the configuration of Docker's client is not what Docker writes",
    where: file,
    remedy: "mend or remove the file; `docker info` says what is wrong with it",
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}
