import { connect, createServer, type Socket } from "node:net";

/** A TCP line to a port of this machine that can go dead: what is sent then arrives when it is let go on. */
export type HeldLine = { port: number; hold(): void; goOn(): void; close(): Promise<void> };

/** Starts one to a port of 127.0.0.1; the caller closes it. */
export async function startLine(to: number): Promise<HeldLine> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(to, "127.0.0.1");
    for (const [from, into] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on("data", (chunk) => void into.write(chunk));
      // The end of one side is the end of the other; why is for those to say who use the line.
      from.on("error", () => into.destroy());
      from.on("end", () => into.end());
      from.on("close", () => sockets.delete(from));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    hold: () => {
      for (const socket of sockets) socket.pause();
    },
    goOn: () => {
      for (const socket of sockets) socket.resume();
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
