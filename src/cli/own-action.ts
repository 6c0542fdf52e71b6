import type { GitHubSettings } from "../config/types.ts";
import { ShiplockError } from "../errors.ts";
import type { Pin } from "../github/workflows/types.ts";
import { version } from "./version.ts";

/** `owner/repository@<commit>` of the Action that was released with this program; set when a release is built. */
declare const SHIPLOCK_ACTION: string | undefined;

/**
 * The Action that generated workflows use: the configuration's, or else that of this very program.
 * @throws ShiplockError `workflows/no-action` where this program was built from a working tree
 */
export function actionFor({ action }: GitHubSettings): Pin {
  if (action !== undefined) return action;
  const own = typeof SHIPLOCK_ACTION === "string" ? SHIPLOCK_ACTION : "";
  if (own !== "") return { uses: own, version: `v${version}` };
  throw new ShiplockError({
    code: "workflows/no-action",
    blame: "usage",
    message: "this Shiplock is no release, so it does not know at which commit its Action is",
    remedy:
      "write `github: { action: OWNER/REPOSITORY@<40 digits of a commit>, version: v… }` into the configuration, or `action: ./…` for one in this repository",
  });
}
