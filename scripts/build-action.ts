// Bundles the Action into action/index.js: one file, which is checked in, since GitHub runs an action as it lies in its repository.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "rolldown";
import { hashOfSources } from "./hash-sources.ts";
import { root } from "./tool.ts";

const started = performance.now();
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
const { output } = await build({
  input: join(root, "src/action/index.ts"),
  cwd: root,
  platform: "node",
  transform: { target: "node24", define: { SHIPLOCK_VERSION: JSON.stringify(version) } },
  logLevel: "warn",
  write: false,
  output: {
    format: "esm",
    // One file, in which parts are still evaluated when they are needed.
    codeSplitting: false,
    minify: { compress: false, mangle: false, codegen: true },
  },
});
const [chunk] = output;
const sources = hashOfSources(root, ["scripts/build-action.ts"]);
const content = createHash("sha256").update(chunk.code).digest("hex");
mkdirSync(join(root, "action"), { recursive: true });
// test/action/bundle.test.ts reads this line.
writeFileSync(join(root, "action/index.js"), `// shiplock-action sources=${sources} content=${content}\n${chunk.code}`);
const megabytes = (chunk.code.length / 1e6).toFixed(1);
process.stdout.write(
  `built action/index.js (${megabytes} MB) in ${((performance.now() - started) / 1000).toFixed(1)} s\n`,
);
