import type { ReleaseDocument } from "../../release/types.ts";
import type { Plan } from "../types.ts";
import type { Hook, HookPoint } from "./types.ts";

/** How a deployment stands when one of its last hooks runs. */
export type HookState = { state: string; outcome: string };

/**
 * The variables of a hook: what its deployment is, and what the hook itself was given. What is not known is there and empty, so that `set -u` does not stop on it.
 * @param ended null while the deployment runs
 */
export function hookVariables(
  { plan, document, secrets }: { plan: Plan; document: ReleaseDocument; secrets: Readonly<Record<string, string>> },
  point: HookPoint,
  hook: Hook,
  ended: HookState | null,
): Record<string, string> {
  const own = Object.fromEntries(hook.secrets.map((name) => [name, secrets[name] ?? ""]));
  return {
    ...hook.environment,
    ...own,
    SHIPLOCK_PROJECT: plan.project,
    SHIPLOCK_ENVIRONMENT: plan.environment,
    SHIPLOCK_DEPLOYMENT: plan.deployment,
    SHIPLOCK_KIND: plan.kind,
    SHIPLOCK_RELEASE: plan.to,
    SHIPLOCK_PREVIOUS_RELEASE: plan.from ?? "",
    SHIPLOCK_COMMIT: document.release.commit,
    SHIPLOCK_REF: document.release.ref ?? "",
    SHIPLOCK_WHO: plan.origin.who,
    SHIPLOCK_REASON: plan.origin.reason ?? "",
    SHIPLOCK_POINT: point,
    SHIPLOCK_HOSTS: plan.hosts.join(" "),
    SHIPLOCK_URL: document.snapshot.publicUrls[0] ?? "",
    SHIPLOCK_STATE: ended?.state ?? "running",
    SHIPLOCK_OUTCOME: ended?.outcome ?? "",
  };
}
