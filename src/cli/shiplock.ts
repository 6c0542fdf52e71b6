#!/usr/bin/env node
const oldestNode = 24;
if (Number(process.versions.node.split(".")[0]) < oldestNode) {
  process.stderr.write(
    `error [cli/node-old] Shiplock needs Node.js ${oldestNode} or newer, and this is ${process.versions.node} (${process.execPath})\n` +
      `what to do: install Node.js ${oldestNode}, or put the folder of one that is installed first in PATH\n`,
  );
  process.exit(2);
}

const interrupt = new AbortController();
let interruptions = 0;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    interruptions += 1;
    if (interruptions === 1) {
      interrupt.abort(signal);
      return;
    }
    process.exit(signal === "SIGINT" ? 130 : 143);
  });
}
// A reader that closes its end (`| head`) is not an error of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

// Only now, since an older Node.js may not even be able to read it.
const [{ main }, { version }] = await Promise.all([import("./main.ts"), import("./version.ts")]);
process.exitCode = await main({
  argv: process.argv.slice(2),
  cwd: process.cwd(),
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: interrupt.signal,
  version,
});
