import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ShiplockError } from "../../../src/errors.ts";
import { must, run } from "../process.ts";
import { removeRoot } from "./cache.ts";
import type { Machine } from "./machine.ts";
import { bundleInImage } from "./machine.ts";
import { recipeOf } from "./recipe.ts";

const suite = "trixie";
const debootstrap = ["debootstrap", "--variant=minbase", "--include=ca-certificates", suite];

/** What no container needs; left out by dpkg from then on, so that later packages stay small too. */
const unneeded = [
  "/usr/share/doc/*",
  "/usr/share/man/*",
  "/usr/share/info/*",
  "/usr/share/locale/*",
  "/usr/share/lintian/*",
];

const files: Record<string, { text: string; mode: number }> = {
  "usr/sbin/policy-rc.d": { text: "#!/bin/sh\n# No package starts a service in an image.\nexit 101\n", mode: 0o755 },
  "etc/dpkg/dpkg.cfg.d/slim": { text: unneeded.map((path) => `path-exclude ${path}\n`).join(""), mode: 0o644 },
  "etc/apt/apt.conf.d/slim": {
    text: 'APT::Keep-Downloaded-Packages "false";\nDir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\nAcquire::Languages "none";\n',
    mode: 0o644,
  },
};

/** The recipe of the base that all images share. */
export function baseRecipe(machine: Machine): string {
  return recipeOf([...debootstrap, JSON.stringify(files), machine.architecture, machine.certificates ?? ""]);
}

/**
 * Makes Debian's minimal system in a folder and packs it. Takes about half a minute, and needs root and the network.
 * @param tarball the file to write
 * @param folder an empty place to work in; gone at the end
 */
export async function makeBase(machine: Machine, tarball: string, folder: string): Promise<void> {
  await requireDebootstrap();
  mkdirSync(folder, { recursive: true });
  try {
    const root = join(folder, "root");
    const mirror = machine.mirror === undefined ? [] : [machine.mirror];
    await must([...debootstrap.slice(0, -1), suite, root, ...mirror], { timeoutMs: 600_000 });
    slim(root);
    if (machine.certificates !== undefined) writeFileSync(join(root, bundleInImage), machine.certificates);
    await must(
      ["tar", "--create", "--numeric-owner", "--one-file-system", "--file", tarball, "--directory", root, "."],
      {
        timeoutMs: 120_000,
      },
    );
  } finally {
    await removeRoot(folder);
  }
}

async function requireDebootstrap(): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new ShiplockError({
      code: "lab-root",
      message: "the lab's base images can only be made by root",
      remedy: "run the command as root on a Debian or Ubuntu machine",
    });
  }
  const found = await run(["debootstrap", "--version"], { timeoutMs: 10_000 }).catch(() => undefined);
  if (found?.code === 0) return;
  throw new ShiplockError({
    code: "lab-debootstrap",
    message: "the lab's base images are made by debootstrap, which is not installed",
    remedy: "apt-get install debootstrap debian-archive-keyring",
  });
}

function slim(root: string): void {
  for (const [path, { text, mode }] of Object.entries(files)) {
    writeFileSync(join(root, path), text);
    chmodSync(join(root, path), mode);
  }
  const emptied = [
    ...unneeded.map((path) => path.slice(1, -2)),
    "var/lib/apt/lists",
    "var/cache/apt",
    "var/log",
    "tmp",
  ];
  for (const path of emptied) {
    rmSync(join(root, path), { recursive: true, force: true });
    mkdirSync(join(root, path), { recursive: true });
  }
  chmodSync(join(root, "tmp"), 0o1777);
  for (const path of ["var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/log/apt"]) {
    mkdirSync(join(root, path), { recursive: true });
  }
}
