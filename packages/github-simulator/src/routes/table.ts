import { checkRoutes } from "./checks.ts";
import { commentRoutes } from "./comments.ts";
import { deploymentRoutes } from "./deployments.ts";
import { environmentRoutes } from "./environments.ts";
import { pullRoutes } from "./pulls.ts";
import { refRoutes } from "./refs.ts";
import { reviewRoutes } from "./reviews.ts";
import { statusRoutes } from "./statuses.ts";
import type { Route } from "./types.ts";

/** Everything that the simulator answers. The slice of GitHub's description holds exactly these: see scripts/slice.ts. */
export const routes: readonly Route[] = [
  ...deploymentRoutes,
  ...environmentRoutes,
  ...refRoutes,
  ...statusRoutes,
  ...checkRoutes,
  ...pullRoutes,
  ...reviewRoutes,
  ...commentRoutes,
];
