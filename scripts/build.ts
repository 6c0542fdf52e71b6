// Bundles the command line into dist/: a small entry, and parts that are loaded when they are needed.
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "rolldown";
import { hashOfSources } from "./hash-sources.ts";
import { root } from "./tool.ts";

const dist = join(root, "dist");
const stamp = join(dist, ".sources");

const started = performance.now();
const sources = hashOfSources(root, ["scripts/build.ts"]);
if (existsSync(stamp) && readFileSync(stamp, "utf8") === sources) {
  process.stdout.write("build is up to date\n");
} else {
  await bundle();
  process.stdout.write(`built dist/shiplock.js in ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
}

async function bundle(): Promise<void> {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  rmSync(dist, { recursive: true, force: true });
  await build({
    input: { shiplock: join(root, "src/cli/shiplock.ts") },
    cwd: root,
    platform: "node",
    transform: { target: "node24", define: { SHIPLOCK_VERSION: JSON.stringify(version) } },
    logLevel: "warn",
    output: {
      dir: dist,
      format: "esm",
      entryFileNames: "[name].js",
      chunkFileNames: "parts/[name]-[hash].js",
      minify: { compress: false, mangle: false, codegen: true },
    },
  });
  chmodSync(join(dist, "shiplock.js"), 0o755);
  writeFileSync(stamp, sources);
}
