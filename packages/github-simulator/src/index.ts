export { type Fault } from "./http/faults.ts";
export { type GitHubSimulator, type SimulatorOptions, startGitHubSimulator } from "./simulator.ts";
export type {
  CheckRun,
  Comment,
  Deployment,
  DeploymentStatus,
  Environment,
  Pull,
  Release,
  Review,
} from "./state/types.ts";
export type { Permissions, RecordedRequest, Role, SimulatorClock, Violation } from "./types.ts";
export type { Delivery } from "./webhooks/deliver.ts";

/** The version of GitHub's REST API that is simulated. */
export const apiVersion = "2022-11-28";
