import { randomUUID } from "node:crypto";
import { heedReaders } from "../cli/readers.ts";
import { systemClock } from "../clock.ts";

/** For ending what a killed step has left. */
const endWithinMs = 30 * 60_000;

// GitHub cancels a run by SIGINT, says SIGTERM 7.5 seconds later, and kills 2.5 seconds after that. The first one ends the work in a safe state; the second changes nothing about it.
const cancel = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => cancel.abort(signal));

// A runner that is gone reads nothing any more; the deployment is ended all the same.
heedReaders([process.stdout, process.stderr], (code) => process.exit(code)).goOnWithout();

const env = { ...process.env };
// Programs that are started get this process's environment: what the step was given is none of theirs.
for (const variable of Object.keys(process.env)) if (variable.startsWith("INPUT_")) delete process.env[variable];

const [{ main }, { version }, { runAction }, { endAction }, { readState }, { createRunnerLog }, { createRunnerFiles }] =
  await Promise.all([
    import("../cli/main.ts"),
    import("../cli/version.ts"),
    import("./run.ts"),
    import("./post.ts"),
    import("./state.ts"),
    import("./runner-log.ts"),
    import("./runner-files.ts"),
  ]);
const world = {
  env,
  cwd: env["GITHUB_WORKSPACE"] ?? process.cwd(),
  log: createRunnerLog(process.stdout),
  files: createRunnerFiles(env, randomUUID),
  signal: cancel.signal,
  main,
  version,
  clock: systemClock,
};
// The runner starts this file a second time when the job ends, with what the first time left.
const state = readState(env);
if (state === null) process.exitCode = await runAction(world);
else {
  // Somebody else may be changing the environment by then, and is waited for.
  const signal = AbortSignal.any([cancel.signal, AbortSignal.timeout(endWithinMs)]);
  process.exitCode = await endAction({ ...world, signal }, state);
}
