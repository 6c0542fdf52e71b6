import type { ChildProcess } from "node:child_process";
import { connectLocal } from "./local.ts";
import { connectSsh } from "./ssh.ts";
import { createScratch } from "./ssh-scratch.ts";
import type { Connector } from "./types.ts";

/**
 * The connector for real hosts: by the system's `ssh`, or this machine. One per process is enough. What its connections leave on this
 * machine is gone when the process ends by itself, and swept by the next one when it was killed.
 */
export function createConnector(): Connector {
  const scratch = createScratch();
  const children = new Set<ChildProcess>();
  let watching = false;

  function cleanUpNow(): void {
    for (const child of children) child.kill("SIGKILL");
    scratch.removeAllNow();
  }

  function onStart(child: ChildProcess): void {
    children.add(child);
    child.once("close", () => children.delete(child));
    if (watching) return;
    watching = true;
    process.once("exit", cleanUpNow);
  }

  return {
    async connect(address, options) {
      if (address.kind === "local") return connectLocal(address, options, scratch);
      return connectSsh(address, options, { scratch, onStart });
    },
  };
}
