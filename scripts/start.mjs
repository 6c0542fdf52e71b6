// Runs a script of this repository on a Node.js that is new enough, with the dependencies of the lock file.
// It is the first thing `npm test` and `npm run demo` call on a fresh clone, so it must itself run on old Node.js
// versions and need no dependency.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [script, ...args] = process.argv.slice(2);
if (!script) {
  process.stderr.write("usage: node scripts/start.mjs SCRIPT [ARGUMENTS]\n");
  process.exit(2);
}

installDependencies();
const node = findNode();
const child = spawn(node, [join(root, script), ...args], {
  stdio: "inherit",
  env: { ...process.env, PATH: `${dirname(node)}:${join(root, "node_modules/.bin")}:${process.env.PATH ?? ""}` },
});
// The child shares the terminal and gets Ctrl-C itself; a signal sent to this process alone is passed on.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => child.kill(signal));
}
child.on("error", (error) => {
  process.stderr.write(`could not start ${node}: ${error.message}\n`);
  process.exit(1);
});
child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 1)));

function installDependencies() {
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const stamp = join(root, "node_modules", ".shiplock-lock-hash");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  process.stdout.write("installing dependencies from package-lock.json\n");
  checkLockFile();
  const npm = process.env.npm_execpath;
  const command = npm ? [process.execPath, npm] : ["npm"];
  // Not `npm ci`: it refuses a lock file that lacks a tool's binary for some other platform, as a lock file does that was made
  // where the registry did not offer it. This one installs what is locked, too, and leaves the lock file alone.
  // Its warnings are about the Node.js that is too old, and that one is about to be replaced.
  const options = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const result = spawnSync(command[0], [...command.slice(1), "install", ...options], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (result.status !== 0) {
    rmSync(stamp, { force: true });
    process.stderr.write("npm install failed; see its output above\n");
    process.exit(1);
  }
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, lock);
}

/** A dependency that package.json names and the lock file does not know would be installed in whatever version is newest. */
function checkLockFile() {
  const wanted = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const locked = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages[""];
  for (const kind of ["dependencies", "devDependencies", "optionalDependencies"]) {
    for (const [name, version] of Object.entries(wanted[kind] ?? {})) {
      if (locked[kind]?.[name] === version) continue;
      process.stderr.write(
        `package-lock.json does not know ${name} ${version}; run \`npm install\` and commit both files\n`,
      );
      process.exit(1);
    }
  }
}

function findNode() {
  if (Number(process.versions.node.split(".")[0]) >= 24) return process.execPath;
  const bundled = join(root, "node_modules", `node-${process.platform}-${process.arch}`, "bin", "node");
  if (existsSync(bundled)) return bundled;
  process.stderr.write(
    `Shiplock needs Node.js 24 or newer; this is ${process.versions.node}, and there is no packaged one for ` +
      `${process.platform}-${process.arch}. Install Node.js 24 and run the command again.\n`,
  );
  process.exit(1);
}
