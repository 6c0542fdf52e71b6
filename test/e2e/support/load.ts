import assert from "node:assert/strict";
import type { Lab } from "../../lab/lab.ts";
import {
  answeredBy,
  formatReport,
  type LoadOptions,
  type LoadRun,
  lossesOf,
  okSince,
  startLoad,
} from "../../load/client.ts";
import type { Project } from "./project.ts";

/** Requests a second in all, as a small product has them at noon. */
const ratePerSecond = 200;
const settleMs = 15_000;

/**
 * Load on an environment of a project: every kind of request at every host's edge, and calls between services by name.
 * @param more what shall be otherwise, for example shorter slow requests where a test deploys often
 */
export function loadOn(
  lab: Lab,
  project: Project,
  environment: "staging" | "production",
  allowed: string[],
  more: Partial<LoadOptions> = {},
): LoadRun {
  const hosts = environment === "staging" ? lab.hosts.slice(0, 1) : lab.hosts;
  return startLoad({
    targets: hosts.map((host) => ({
      name: `edge of ${host.name}`,
      url: `http://${host.address}/`,
      host: project.address(environment),
    })),
    callers: hosts.map((host) => ({
      name: `caller on ${host.name}`,
      url: `http://${host.address}/`,
      host: project.address(environment, "caller"),
    })),
    ratePerSecond,
    webSockets: 2,
    allowed,
    ...more,
  });
}

/** For tests that deploy often: slow requests that end sooner, and how long old containers then need to drain. */
export const shorter = { slowMs: 1_000 } as const;
export const shorterDrain = "1500ms";

/** Waits until the load flows: until so many requests more are answered. */
export async function flowing(load: LoadRun, requests = 200): Promise<void> {
  await load.waitFor(okSince(requests), settleMs);
}

/** From now on only this version may answer, and it does, so many times. */
export async function onlyAnsweredBy(load: LoadRun, version: string, requests = 100): Promise<void> {
  await load.setAllowed([version]);
  await load.waitFor(answeredBy(version, requests), settleMs);
}

/** Ends the load; the promise of the product is that nothing was lost. */
export async function assertNothingLost(load: LoadRun): Promise<void> {
  const report = await load.stop();
  assert.deepEqual(lossesOf(report), [], formatReport(report));
  assert.ok(report.ok > 200, formatReport(report));
}
