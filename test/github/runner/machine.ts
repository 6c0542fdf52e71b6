import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A machine that one job has for itself: nothing on it but the programs. */
export type Machine = {
  readonly workspace: string;
  readonly temporary: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  /** Ends what still runs of the job, as GitHub's runner does ("Cleaning up orphan processes"), and says what it was. */
  endProcesses(): string[];
  remove(): void;
};

const tracking = "RUNNER_TRACKING_ID";

/** @param mark tells the job's processes from all others */
export function createMachine(repository: string, mark: string): Machine {
  const root = mkdtempSync(join(tmpdir(), "runner-"));
  const workspace = join(root, "work", repository, repository);
  const temporary = join(root, "work", "_temp");
  const home = join(root, "home");
  const tools = join(root, "tools");
  for (const folder of [workspace, temporary, home, tools]) mkdirSync(folder, { recursive: true });
  return {
    workspace,
    temporary,
    home,
    env: {
      CI: "true",
      GITHUB_ACTIONS: "true",
      GITHUB_WORKSPACE: workspace,
      HOME: home,
      // Where it is anyway, for programs that ask the system for the user's home and not the variable: that one is the test's own.
      XDG_STATE_HOME: join(home, ".local", "state"),
      RUNNER_ARCH: process.arch === "arm64" ? "ARM64" : "X64",
      RUNNER_ENVIRONMENT: "github-hosted",
      RUNNER_NAME: "A machine for tests",
      RUNNER_OS: "Linux",
      RUNNER_TEMP: temporary,
      RUNNER_TOOL_CACHE: tools,
      [tracking]: mark,
    },
    endProcesses: () =>
      processesMarked(mark).map(({ pid, command }) => {
        try {
          process.kill(pid, "SIGKILL");
        } catch (error) {
          // It may have ended between the look and the signal.
          if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
        }
        return command;
      }),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** Processes that were started by the job, also those that left its process groups. */
function processesMarked(mark: string): { pid: number; command: string }[] {
  const wanted = `${tracking}=${mark}`;
  const found: { pid: number; command: string }[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      if (!readFileSync(`/proc/${name}/environ`, "utf8").split("\0").includes(wanted)) continue;
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0").join(" ").trim();
      // One that has ended and was not yet asked for has no command line.
      if (command !== "") found.push({ pid: Number(name), command });
    } catch (error) {
      // Gone meanwhile, or another user's.
      if (!["ENOENT", "ESRCH", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
  }
  return found;
}
