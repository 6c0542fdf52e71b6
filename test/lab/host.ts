import { ShiplockError } from "../../src/errors.ts";
import { initOf, runInBox } from "./box.ts";
import { DEPLOY_USER } from "./box-files.ts";
import { socketOf } from "./engine.ts";
import type { RunOptions, RunResult } from "./process.ts";
import { type BoxRecord, type LabPaths, readRecord } from "./record.ts";

/** A host in a box, as a test sees it. */
export type LabHost = {
  name: string;
  /** Address on the lab's bridge; ssh listens on port 22. */
  address: string;
  /** The user who is not root but may use the engine. */
  sshUser: string;
  /** Key-only sign-in works for both. */
  sshUsers: readonly string[];
  /** The engine's socket as seen from the test machine. */
  socketPath: string;
  /** The host's root folder as seen from the test machine (it changes when the host is switched off and on). */
  rootPath: () => string;
  /** Runs an argument list inside the host (as root unless `user` is told), for assertions; a non-zero code is a result. */
  exec: (argv: readonly string[], options?: RunOptions & { user?: string }) => Promise<RunResult>;
};

/** The host's box in the record as it is now (another process may have restarted it). */
export function boxNamed(paths: LabPaths, name: string): BoxRecord {
  const box = readRecord(paths)?.boxes.find((candidate) => candidate.name === name);
  if (box !== undefined) return box;
  throw new ShiplockError({ code: "lab-down", message: `the lab with ${name} is not up`, remedy: "Start it again." });
}

/** What a test gets for a host of the lab. */
export function labHost(paths: LabPaths, box: BoxRecord): LabHost {
  return {
    name: box.name,
    address: box.address,
    sshUser: DEPLOY_USER.name,
    sshUsers: [DEPLOY_USER.name, "root"],
    socketPath: socketOf(paths, box),
    rootPath: () => `/proc/${initOf(boxNamed(paths, box.name)).pid}/root`,
    exec: (argv, options) => runInBox(boxNamed(paths, box.name), argv, options),
  };
}
