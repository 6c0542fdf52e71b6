import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { ShiplockError } from "../errors.ts";
import type { Scratch } from "./ssh-scratch.ts";

/** Local Unix sockets that lead to TCP ports, as an SSH connection would give them. */
export type TcpDoors = {
  open(hostname: string, port: number): Promise<string>;
  /** Cuts all connections; nothing new is let in. */
  closeAll(): void;
  /** Removes the sockets' folder. */
  remove(): Promise<void>;
};

/** Joins two sockets: what ends or breaks one ends the other. */
function joinSockets(left: Socket, right: Socket): void {
  left.pipe(right).pipe(left);
  left.on("error", () => right.destroy());
  right.on("error", () => left.destroy());
  left.on("close", () => right.destroy());
  right.on("close", () => left.destroy());
}

/**
 * @param lostError the error to reject with once the host has been closed; undefined before
 */
export function createTcpDoors(scratch: Scratch, lostError: () => ShiplockError | undefined): TcpDoors {
  const doors = new Map<string, Promise<string>>();
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  let folder: Promise<string> | undefined;

  function passOn(socket: Socket, hostname: string, port: number): void {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    joinSockets(socket, connect({ host: hostname, port, allowHalfOpen: true }));
  }

  async function listen(hostname: string, port: number, index: number): Promise<string> {
    folder ??= scratch.make();
    const path = join(await folder, `t${index}`);
    const server = createServer({ allowHalfOpen: true }, (socket) => passOn(socket, hostname, port));
    servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, resolve);
    });
    return path;
  }

  return {
    async open(hostname, port) {
      const error = lostError();
      if (error !== undefined) throw error;
      const target = `${hostname}:${port}`;
      const known = doors.get(target) ?? listen(hostname, port, doors.size);
      doors.set(target, known);
      return known;
    },
    closeAll() {
      for (const server of servers) server.close();
      for (const socket of sockets) socket.destroy();
    },
    async remove() {
      if (folder !== undefined) await scratch.remove(await folder);
    },
  };
}
