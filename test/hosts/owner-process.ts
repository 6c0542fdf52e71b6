import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Host, HostAddress, LeaseAnswer } from "../../src/hosts/types.ts";
import { OWNER } from "./contract.ts";

export type OwnerProcess = {
  pid: number;
  signal(name: NodeJS.Signals): void;
  /** Resolves with the next line that it prints. */
  line(): Promise<string>;
  /** The signal that ended it, or its exit code as text. */
  ended: Promise<string>;
  /** Asks for the lease again and again, for at most ten seconds, until it is granted. */
  untilTaken(host: Host, folder: string): Promise<Extract<LeaseAnswer, { kind: "granted" }>>;
};

export type OwnerOptions = {
  address: HostAddress;
  folder: string;
  file: string;
  ttlMs: number;
  /** A port on which something listens: a process is started that outlives the owner and holds a connection to it through the tunnel. */
  orphanPort?: number;
};

/** Starts a deployer that holds the lease of `folder` and appends to `file` all the time; resolves when it has the lease. */
export async function startOwner(options: OwnerOptions): Promise<OwnerProcess> {
  const program = fileURLToPath(new URL("./owner-program.ts", import.meta.url));
  const child = spawn(process.execPath, [program, JSON.stringify(options)], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<string>((resolve) =>
    child.once("close", (code, signal) => resolve(signal ?? String(code))),
  );
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => (await lines.next()).value ?? "";
  const first = await line();
  if (first !== "granted") throw new Error(`the owner process did not get the lease: ${first}`);
  return {
    pid: child.pid ?? 0,
    signal: (name) => void child.kill(name),
    line,
    ended,
    async untilTaken(host, folder) {
      const deadline = Date.now() + 10_000;
      for (;;) {
        const answer = await host.lease({ folder, owner: OWNER, ttlMs: 5000 });
        if (answer.kind === "granted") return answer;
        if (Date.now() > deadline) throw new Error(`not taken over: ${JSON.stringify(answer)}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
  };
}

/** The process of the SSH session that holds the lease of a folder. */
export async function sessionIn(folder: string): Promise<string> {
  return (await readFile(join(folder, "session"), "utf8")).split(" ")[0] ?? "";
}
