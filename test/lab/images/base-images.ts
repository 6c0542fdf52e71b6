import { randomUUID } from "node:crypto";
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ShiplockError } from "../../../src/errors.ts";
import { must, run } from "../process.ts";
import { forgetOlder, inPlace, sweepLeftovers } from "./cache.ts";
import { baseRecipe, makeBase } from "./debian-base.ts";
import type { Machine } from "./machine.ts";
import { lookAtMachine } from "./machine.ts";
import type { PublicImage } from "./recipe.ts";
import { contexts, folderParts, isPublicImage, publicImages, recipeLabel, recipeOf } from "./recipe.ts";

export type BaseImagesOptions = {
  /** The Unix socket of the engine that shall have the images. */
  socketPath: string;
  /** Where finished images are kept as tarballs, for engines that come later. */
  cacheDir?: string;
  /** Names of the images wanted, such as `postgres:17`; all of them unless told. */
  only?: readonly string[];
  /** Told what takes time, a line at a time. */
  log: (line: string) => void;
};

type Work = { engine: Engine; cacheDir: string; machine: Machine; log: (line: string) => void };

type Engine = {
  docker: (args: readonly string[], timeoutMs?: number) => Promise<string>;
  has: (image: string, recipe: string) => Promise<boolean>;
};

const defaultCacheDir = "/var/tmp/shiplock-lab/cache";
const loadTimeoutMs = 180_000;
const buildTimeoutMs = 900_000;
/** npm's and corepack's major versions are those that the public image of Node.js 24 carries. */
const nodeTools = ["npm@11", "corepack@0"];

/**
 * Gives the engine images under the public names (`node:24-slim`, `python:3.13-slim`, `postgres:17`, `redis:8`, `caddy:2`),
 * made from Debian packages, which behave like the public ones as far as an example's author notices. What the engine has
 * by the present recipe stays; what the cache has is loaded (seconds); the rest is made (minutes, root, network) and cached.
 * May be repeated, and run for several engines at once when the cache is full. Throws for a name it cannot make.
 */
export async function ensureBaseImages(options: BaseImagesOptions): Promise<void> {
  const wanted = (options.only ?? Object.keys(publicImages)).map(known);
  const cacheDir = options.cacheDir ?? defaultCacheDir;
  mkdirSync(cacheDir, { recursive: true });
  const work: Work = {
    engine: engineAt(options.socketPath),
    cacheDir,
    machine: await lookAtMachine(),
    log: options.log,
  };
  for (const image of wanted) await ensureImage(work, image);
}

async function ensureImage(work: Work, image: PublicImage): Promise<void> {
  const recipe = imageRecipe(work.machine, image);
  if (await work.engine.has(image, recipe)) return;
  const name = publicImages[image];
  const tarball = join(work.cacheDir, `${name}-${recipe}.tar`);
  if (existsSync(tarball)) {
    work.log(`${image}: loaded from the cache`);
    await work.engine.docker(["load", "--quiet", "--input", tarball], loadTimeoutMs);
    return;
  }
  await sweepLeftovers(work.cacheDir);
  const base = await ensureBase(work);
  work.log(`${image}: being made from Debian packages`);
  await build(work, image, recipe, base);
  await inPlace(tarball, (file) => work.engine.docker(["save", "--output", file, image], loadTimeoutMs));
  forgetOlder(work.cacheDir, name, recipe);
}

/** Returns the reference of the shared base in the engine, made when it is neither there nor in the cache. */
async function ensureBase(work: Work): Promise<string> {
  const recipe = baseRecipe(work.machine);
  const reference = `shiplock-lab/debian:${recipe}`;
  if (await work.engine.has(reference, recipe)) return reference;
  const tarball = join(work.cacheDir, `debian-${recipe}.tar`);
  if (!existsSync(tarball)) {
    work.log("Debian base: being made (debootstrap, about half a minute)");
    const folder = join(work.cacheDir, `debian-${randomUUID()}`);
    await inPlace(tarball, (file) => makeBase(work.machine, file, folder));
    forgetOlder(work.cacheDir, "debian", recipe);
  }
  const changes = [
    `LABEL ${recipeLabel}=${recipe}`,
    "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  ];
  const change = [...changes, 'CMD ["bash"]'].flatMap((line) => ["--change", line]);
  await work.engine.docker(["import", ...change, tarball, reference], loadTimeoutMs);
  return reference;
}

async function build(work: Work, image: PublicImage, recipe: string, base: string): Promise<void> {
  const context = join(work.cacheDir, `context-${randomUUID()}`);
  try {
    cpSync(join(contexts, publicImages[image]), context, { recursive: true });
    if (image === "node:24-slim") await addNode(work.machine, join(context, "root/usr/local"));
    const labels = ["--label", `${recipeLabel}=${recipe}`];
    const args = ["--build-arg", `BASE=${base}`, "--network", "host"];
    if (image === "node:24-slim") args.push("--build-arg", `NODE_VERSION=${work.machine.nodeVersion}`);
    await work.engine.docker(["build", "--quiet", ...args, ...labels, "--tag", image, context], buildTimeoutMs);
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}

/** Lays Node.js, npm and corepack where the public image has them, and the machine's way to the registry beside them. */
async function addNode(machine: Machine, prefix: string): Promise<void> {
  for (const folder of ["bin", "etc", "lib"]) mkdirSync(join(prefix, folder), { recursive: true });
  const install = ["npm", "install", "--global", "--prefix", prefix, "--ignore-scripts", "--no-audit", "--no-fund"];
  await must([...install, ...nodeTools], { timeoutMs: 180_000 });
  copyFileSync(machine.nodeBinary, join(prefix, "bin/node"));
  chmodSync(join(prefix, "bin/node"), 0o755);
  writeFileSync(join(prefix, "etc/npmrc"), machine.npmrc);
}

function imageRecipe(machine: Machine, image: PublicImage): string {
  const own = image === "node:24-slim" ? [...nodeTools, machine.npmrc, machine.nodeVersion, machine.architecture] : [];
  return recipeOf([baseRecipe(machine), ...folderParts(join(contexts, publicImages[image])), ...own]);
}

function known(name: string): PublicImage {
  if (isPublicImage(name)) return name;
  throw new ShiplockError({
    code: "lab-image",
    message: `the lab cannot make an image named ${name}`,
    remedy: `it makes ${Object.keys(publicImages).join(", ")}`,
  });
}

function engineAt(socketPath: string): Engine {
  // BuildKit through the engine itself: a builder that the user chose elsewhere does not know the engine's images.
  const env = { ...process.env, DOCKER_HOST: `unix://${socketPath}`, DOCKER_BUILDKIT: "1", BUILDX_BUILDER: "default" };
  const inspect = `{{ index .Config.Labels "${recipeLabel}" }}`;
  return {
    docker: (args, timeoutMs = 60_000) => must(["docker", ...args], { env, timeoutMs }),
    has: async (image, recipe) => {
      const argv = ["docker", "image", "inspect", "--format", inspect, image];
      const result = await run(argv, { env, timeoutMs: 30_000 });
      if (result.code === 0) return result.stdout.trim() === recipe;
      if (/no such image/i.test(result.stderr)) return false;
      throw new ShiplockError({
        code: "lab-engine",
        message: `the engine at ${socketPath} does not answer: ${result.stderr.trim()}`,
      });
    },
  };
}
