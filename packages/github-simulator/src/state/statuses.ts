import { statusEvent } from "../shapes/statuses.ts";
import type { CommitStatus } from "./types.ts";
import type { World } from "./world.ts";

/** Reports a status of a commit and tells the hooks. */
export async function addCommitStatus(
  world: World,
  about: Omit<CommitStatus, "id" | "createdAt">,
): Promise<CommitStatus> {
  const status = { id: world.nextId(), ...about, createdAt: world.clock.now() };
  world.commitStatuses.push(status);
  if (world.hooks.length > 0) world.tell("status", await statusEvent(world, status), status.creator);
  return status;
}
