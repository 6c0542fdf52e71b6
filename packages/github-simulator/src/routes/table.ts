import { actionRoutes } from "./actions.ts";
import { appRoutes } from "./apps.ts";
import { checkRoutes } from "./checks.ts";
import { commentRoutes } from "./comments.ts";
import { commitRoutes } from "./commits.ts";
import { deploymentRoutes } from "./deployments.ts";
import { environmentRoutes } from "./environments.ts";
import { pullRoutes } from "./pulls.ts";
import { refRoutes } from "./refs.ts";
import { releaseRoutes } from "./releases.ts";
import { repositoryRoutes } from "./repository.ts";
import { reviewRoutes } from "./reviews.ts";
import { statusRoutes } from "./statuses.ts";
import type { Route } from "./types.ts";

/**
 * Everything that the simulator answers. The slice of GitHub's description holds exactly these: see scripts/slice.ts.
 * @param make makes a token of an app's installation
 */
export function routeTable(make: Parameters<typeof appRoutes>[0]): readonly Route[] {
  return [
    ...repositoryRoutes,
    ...commitRoutes,
    ...refRoutes,
    ...deploymentRoutes,
    ...environmentRoutes,
    ...statusRoutes,
    ...checkRoutes,
    ...pullRoutes,
    ...reviewRoutes,
    ...commentRoutes,
    ...releaseRoutes,
    ...actionRoutes,
    ...appRoutes(make),
  ];
}
