import { messageOf } from "../../src/errors.ts";
import { runProgram } from "../../src/process.ts";

/** Why tests with the real Compose cannot run here; null when they can. */
export async function whyNoCompose(): Promise<string | null> {
  try {
    const result = await runProgram("docker", ["compose", "version", "--short"], { timeoutMs: 20_000 });
    return result.exitCode === 0 ? null : "the Docker Compose plugin is not installed (package docker-compose)";
  } catch (error) {
    return messageOf(error);
  }
}
