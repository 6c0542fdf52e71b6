import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type StandIn = {
  /** Variables in which the stand-in is the first on PATH. */
  env: Record<string, string | undefined>;
  folder: string;
  remove(): Promise<void>;
};

/**
 * A small program in a scanner's place.
 * @param script JavaScript of an ES module; `folder` is a folder for its notes
 */
export async function standInScanner(name: "trivy" | "grype", script: string): Promise<StandIn> {
  const folder = await mkdtemp(join(tmpdir(), "shiplock-stand-in-"));
  const program = join(folder, name);
  const module = join(folder, "program.mjs");
  await writeFile(module, `const folder = ${JSON.stringify(folder)};\n${script}\n`);
  await writeFile(program, `#!/bin/sh\nexec ${JSON.stringify(process.execPath)} ${JSON.stringify(module)} "$@"\n`);
  await chmod(program, 0o755);
  const env = { ...process.env, PATH: `${folder}:${process.env["PATH"] ?? ""}` };
  return { env, folder, remove: () => rm(folder, { recursive: true, force: true }) };
}
