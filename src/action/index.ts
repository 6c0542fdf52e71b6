import { randomUUID } from "node:crypto";
import { createRunnerFiles } from "./runner-files.ts";

// GitHub cancels a run by SIGINT, says SIGTERM 7.5 seconds later, and kills 2.5 seconds after that. The first one ends the work in a safe state; the second changes nothing about it.
const cancel = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => cancel.abort(signal));

const env = { ...process.env };
// Programs that are started get this process's environment: what the step was given is none of theirs.
for (const variable of Object.keys(process.env)) if (variable.startsWith("INPUT_")) delete process.env[variable];

const files = createRunnerFiles(env, randomUUID);
// The runner starts this file a second time when the job ends, with what the first time left.
if (env["STATE_began"] === undefined) {
  await files.state("began", "true");
  await runStep();
}

async function runStep(): Promise<void> {
  const [{ main }, { version }, { runAction }, { createRunnerLog }] = await Promise.all([
    import("../cli/main.ts"),
    import("../cli/version.ts"),
    import("./run.ts"),
    import("./runner-log.ts"),
  ]);
  process.exitCode = await runAction({
    env,
    cwd: env["GITHUB_WORKSPACE"] ?? process.cwd(),
    log: createRunnerLog(process.stdout),
    files,
    signal: cancel.signal,
    main,
    version,
  });
}
