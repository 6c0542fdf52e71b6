#!/usr/bin/env node
import { main } from "./main.ts";

declare const SHIPLOCK_VERSION: string | undefined;

const interrupt = new AbortController();
let interruptions = 0;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    interruptions += 1;
    if (interruptions === 1) {
      process.stderr.write(
        "\ninterrupted: going back to a safe state; press Ctrl-C again to stop at once and `shiplock abort` later\n",
      );
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

process.exitCode = await main({
  argv: process.argv.slice(2),
  cwd: process.cwd(),
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: interrupt.signal,
  version: typeof SHIPLOCK_VERSION === "string" ? SHIPLOCK_VERSION : "0.1.0-dev",
});
