import type { Plan } from "../deploy/types.ts";
import type { EnvironmentState } from "../environments/record/types.ts";
import { ShiplockError } from "../errors.ts";
import type { Purpose } from "./types.ts";

/**
 * Refuses to skip a host that is none, and the one that everything depends on.
 * @param home the host whose record is the authority; so there is always one that is not skipped
 * @throws ShiplockError `host/skip-unknown`, `host/skip-home`
 */
export function refuseUnskippable(configured: readonly string[], home: string, skip: readonly string[]): void {
  const unknown = skip.find((name) => !configured.includes(name));
  if (unknown !== undefined)
    throw new ShiplockError({
      code: "host/skip-unknown",
      blame: "usage",
      message: `--skip-host names ${JSON.stringify(unknown)}, which is no host of this environment`,
      remedy: `its hosts are: ${configured.join(", ")}`,
    });
  if (skip.includes(home))
    throw new ShiplockError({
      code: "host/skip-home",
      blame: "usage",
      message: `${home} is the home host: the environment's record and its lease lie there, so nothing can be deployed without it`,
      remedy: "bring it back",
    });
}

/**
 * Which hosts a session leaves out, and which it may do without when they cannot be reached.
 * @param plan of the operation in progress, if there is one
 */
export function absentHosts(
  purpose: Exclude<Purpose, { kind: "deploy" | "record" }>,
  state: EnvironmentState | null,
  plan: Plan | null,
): { out: readonly string[]; excused: readonly string[] } {
  const skipped = plan?.skipped ?? [];
  // A plan names its hosts, and whoever ends it needs just these.
  if (purpose.kind === "finish" && plan !== null) return { out: skipped, excused: [] };
  return { out: [], excused: [...skipped, ...(state?.behind ?? []).map((entry) => entry.host)] };
}

/** A host that was to be skipped, and is there: it would go on serving what it has beside the new release. */
export function notDown(host: string): ShiplockError {
  return new ShiplockError({
    code: "host/not-down",
    blame: "usage",
    message: `${host} answers, so it would go on serving the release that it has beside the new one`,
    remedy: `leave out \`--skip-host ${host}\`, or take the host out of the configuration and out of the load balancer`,
  });
}

/** Why nothing can be deployed to an environment: one of its hosts cannot be reached. */
export function unreachable(error: ShiplockError, host: string, home: string): ShiplockError {
  if (error.code !== "ssh/unreachable" || host === home) return error;
  const { code, blame, message, where, details, remedy } = error;
  return new ShiplockError({
    code,
    blame,
    message,
    details,
    ...(where === undefined ? {} : { where }),
    remedy: `${remedy ?? "bring it back"} To deploy to the others meanwhile, pass \`--skip-host ${host}\`.`,
    cause: error,
  });
}
