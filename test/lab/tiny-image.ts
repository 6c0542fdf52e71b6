import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { must } from "./process.ts";
import { ShiplockError } from "../../src/errors.ts";

/**
 * Makes a tar file for `docker import` that holds nothing but busybox (at /bin/busybox, /bin/sh and the usual names), for
 * tests that need some image and not a real one. Returns the file's path in `folder`.
 */
export async function tinyImage(folder: string): Promise<string> {
  const root = join(folder, "tiny-image");
  rmSync(root, { recursive: true, force: true });
  for (const part of ["bin", "tmp", "etc", "proc", "sys", "dev"]) mkdirSync(join(root, part), { recursive: true });
  const [busybox] = (await must(["which", "busybox"])).trim().split("\n");
  if (busybox === undefined)
    throw new ShiplockError({ code: "lab-busybox", message: "busybox-static is not installed" });
  copyFileSync(busybox, join(root, "bin/busybox"));
  await must([join(root, "bin/busybox"), "--install", "-s", join(root, "bin")]);
  const archive = join(folder, "tiny-image.tar");
  await must(["tar", "--create", "--file", archive, "--directory", root, "."]);
  return archive;
}
