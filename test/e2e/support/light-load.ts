import type { Lab } from "../../lab/lab.ts";
import { type LoadOptions, type LoadRun, type LoadTarget, startLoad } from "../../load/client.ts";
import { flowing as flowingNow, loadOn, onlyAnsweredBy as onlyAnsweredByNow, shorter } from "./load.ts";
import type { Project } from "./project.ts";

/**
 * A quarter of the load of noon, for tests whose promise is not about how much there is of it: any request that is lost fails them as well.
 * It leaves the machine room for other files beside (`npm test` gives those with `load.ts` the machine for themselves).
 */
const light = { ...shorter, ratePerSecond: 50, connections: 8 } as const satisfies Partial<LoadOptions>;

/** How long old containers then need to drain: slow requests take one second, and on a busy machine they begin late. */
export const lightDrain = "2500ms";

/** Light load on an environment of a project, as `loadOn` has it. */
export function lightLoadOn(
  lab: Lab,
  project: Project,
  environment: "staging" | "production",
  allowed: string[],
): LoadRun {
  return loadOn(lab, project, environment, allowed, light);
}

/** Light load on one place, however it is reached. */
export function lightLoadOver(target: LoadTarget, allowed: string[]): LoadRun {
  return startLoad({ ...light, targets: [target], webSockets: 1, allowed });
}

/** Waits until the light load flows. */
export function flowing(load: LoadRun): Promise<void> {
  return flowingNow(load, 50);
}

/** From now on only this version may answer, and it does. */
export function onlyAnsweredBy(load: LoadRun, version: string): Promise<void> {
  return onlyAnsweredByNow(load, version, 30);
}

export { assertNothingLost } from "./load.ts";
