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
// SIGHUP: the terminal was closed, or the connection to it lost.
const endings = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    interruptions += 1;
    if (interruptions === 1) {
      interrupt.abort(signal);
      return;
    }
    process.exit(endings[signal]);
  });
}

// Only now, since an older Node.js may not even be able to read it.
const [{ main }, { version }, { heedReaders }] = await Promise.all([
  import("./main.ts"),
  import("./version.ts"),
  import("./readers.ts"),
]);
const readers = heedReaders([process.stdout, process.stderr], (code) => process.exit(code));
process.exitCode = await main({
  argv: process.argv.slice(2),
  cwd: process.cwd(),
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: interrupt.signal,
  onChanging: readers.goOnWithout,
  version,
});
