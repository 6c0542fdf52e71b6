import { randomUUID } from "node:crypto";
import { stripVTControlCharacters } from "node:util";
import type { Clock } from "../../clock.ts";
import { ShiplockError } from "../../errors.ts";
import { notStartedWords, runMarkedProcess } from "../../marked-process.ts";
import { endMarked, markVariables } from "../../process-tree.ts";
import type { HookRunner } from "./worker.ts";

/** Between SIGTERM and SIGKILL when a hook is stopped. */
const graceMs = 5_000;

/** What a hook gets of this machine besides its own variables. A secret may stand in any other. */
const handedOn = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR"] as const;

/**
 * Hooks as processes of this machine.
 * @param folder in which they run, absolute
 * @param machine this machine's variables
 */
export function processHooks(options: {
  folder: string;
  machine: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  graceMs?: number;
}): HookRunner {
  const { folder, machine, clock } = options;
  return {
    async run({ hook, variables }, { signal, log }) {
      const { run } = hook;
      const [program = "", ...args] = run.kind === "shell" ? ["sh", "-e", "-c", run.line] : run.arguments;
      const mark = randomUUID();
      try {
        return await runMarkedProcess({
          program,
          args,
          cwd: folder,
          env: { ...Object.fromEntries(handedOn.map((name) => [name, machine[name]])), ...variables },
          mark: { kind: "hook", own: mark, outer: machine[markVariables.hook] },
          timeoutMs: hook.timeoutMs,
          graceMs: options.graceMs ?? graceMs,
          clock,
          signal,
          tell: ({ text }) => log(stripVTControlCharacters(text)),
          interrupted: () =>
            new ShiplockError({ code: "hook/interrupted", message: `the hook "${hook.name}" was interrupted` }),
          notStarted: (error) =>
            new ShiplockError({
              code: "hook/not-started",
              blame: "usage",
              message: notStartedWords(program, error),
              remedy: "install it on the machine that deploys, or name another program",
              cause: error,
            }),
        });
      } finally {
        await endMarked("hook", (one) => one === mark, clock);
      }
    },
  };
}
