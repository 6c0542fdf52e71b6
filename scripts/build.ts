// Bundles the command line into dist/: a small entry, and parts that are loaded when they are needed.
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "rolldown";
import { hashOfSources } from "./hash-sources.ts";
import { root } from "./tool.ts";

const dist = join(root, "dist");
const stamp = join(dist, ".sources");

const started = performance.now();
/** The Action of a release, `owner/repository@<commit>`, for the workflows that it writes; none for a build of a working tree. */
const action = process.env["SHIPLOCK_ACTION"] ?? "";
if (action !== "" && !/^[\w-]+\/[\w./-]+@[0-9a-f]{40}$/.test(action))
  throw new Error(`SHIPLOCK_ACTION is ${JSON.stringify(action)}, and has to be owner/repository@<full commit>`);
const sources = `${hashOfSources(root, ["scripts/build.ts"])} ${action}`.trim();
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
    transform: {
      target: "node24",
      define: { SHIPLOCK_VERSION: JSON.stringify(version), SHIPLOCK_ACTION: JSON.stringify(action) },
    },
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
