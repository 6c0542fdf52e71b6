import { writeFileSync } from "node:fs";
import { createConnection, createServer, type Socket } from "node:net";

/**
 * Delays TCP connections by a round trip, for kernels without netem. A program of its own:
 *   node delay-proxy.ts <listen address> <dial from address> <host> <port> <round trip in ms> <file for the chosen port>
 * Every chunk travels half the round trip late, in order. The handshake here is instant, so what comes after it waits for it:
 * over a real distance the client may speak after one round trip, and the server hears of that half a round trip later.
 */
function main([listen = "", from = "", host = "", port = "", roundTrip = "", portFile = ""]: readonly string[]): void {
  const oneWayMs = Number(roundTrip) / 2;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = createConnection({
      host,
      port: Number(port),
      localAddress: from,
      allowHalfOpen: true,
      noDelay: true,
    });
    const startedAt = performance.now();
    passOn(client, upstream, oneWayMs, startedAt + oneWayMs * 2);
    passOn(upstream, client, oneWayMs, startedAt + oneWayMs * 3);
  });
  server.listen(0, listen, () => {
    const address = server.address();
    if (typeof address === "object" && address !== null) writeFileSync(portFile, String(address.port));
  });
}

function passOn(from: Socket, to: Socket, oneWayMs: number, notBefore: number): void {
  function later(deliver: () => void): void {
    // Equal due times keep their order: timers of the same length fire in the order they were set, and due times never fall.
    const due = Math.max(performance.now(), notBefore) + oneWayMs;
    setTimeout(deliver, due - performance.now());
  }
  let waiting = 0;
  from.on("data", (chunk: Buffer) => {
    waiting += chunk.length;
    // A window, so that a fast sender does not fill the memory; 4 MB is what Linux allows a connection, too.
    if (waiting > 4_000_000) from.pause();
    later(() => {
      waiting -= chunk.length;
      if (from.isPaused()) from.resume();
      if (!to.destroyed) to.write(chunk);
    });
  });
  from.on("end", () => later(() => to.end()));
  from.on("error", () => later(() => to.resetAndDestroy()));
  from.on("close", (failed) => {
    if (!failed) later(() => to.end());
  });
}

main(process.argv.slice(2));
