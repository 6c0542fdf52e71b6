import type { ArchiveRead } from "../../hosts/file-archive.ts";
import type { ProcessEnd } from "../../marked-process.ts";
import type { ReportFiles } from "../reports/read.ts";

/** How a command ended. */
export type CommandEnd = ProcessEnd;

export type { TellLine } from "../../marked-process.ts";

/**
 * Where one try of a check happens: a container, or a folder of this machine, with the commit's files in it.
 *
 * - **Order of calls.** `run` once; then files are read, whatever became of it; `close` last, always.
 * - **After `close`** nothing of it is left: no container, network, process or file. It never throws for what is gone already.
 */
export type Place = {
  /** Runs the check's command to its end. Rejects when the run is interrupted. */
  run(): Promise<CommandEnd>;
  /** Absolute path of the folder the check runs in, as its tools see it. */
  readonly folder: string;
  /** Reports, by paths from the folder the check runs in. */
  readonly reports: ReportFiles;
  /** A file or folder of the check's folder, with names that begin with its last part; null where there is none. */
  archive(path: string): Promise<AsyncIterable<ArchiveRead> | null>;
  /** What a cache holds, by its absolute path, as a tar file whose names begin with that path's last part; null where there are none. */
  cache(path: string): Promise<AsyncIterable<Uint8Array> | null>;
  close(): Promise<void>;
};
