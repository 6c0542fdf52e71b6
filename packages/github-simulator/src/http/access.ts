import type { Route } from "../routes/types.ts";
import type { Access, Caller, Need, Permissions, Role } from "../types.ts";

/** What a person's own token may do, by the person's role. */
export function permissionsOf(role: Role): Permissions {
  const reading: Permissions = {
    metadata: "read",
    contents: "read",
    pull_requests: "read",
    issues: "read",
    checks: "read",
    deployments: "read",
    statuses: "read",
    actions: "read",
  };
  if (role === "none") return {};
  if (role === "read" || role === "triage") return { ...reading, issues: "write", pull_requests: "write" };
  const writing: Permissions = {
    ...reading,
    contents: "write",
    pull_requests: "write",
    issues: "write",
    deployments: "write",
    statuses: "write",
    checks: "write",
    actions: "write",
  };
  return role === "admin" ? { ...writing, administration: "write", environments: "write" } : writing;
}

/** Whether a token may ask a route. A public repository may be read by everybody. */
export function allows(route: Route, caller: Caller, role: Role, about: { publicRepository: boolean }): boolean {
  if (route.needs === "nothing") return true;
  if (route.needs === "app") return caller.asApp;
  if (caller.asApp) return false;
  const granted = caller.permissions ?? permissionsOf(role);
  return route.needs.some((need) => holds(granted, need, about.publicRepository));
}

function holds(granted: Permissions, need: Need, publicRepository: boolean): boolean {
  const [name, access] = need.split(":") as [keyof Permissions, Access];
  if (name === "metadata" && access === "read") return true;
  if (publicRepository && access === "read") return true;
  return granted[name] === "write" || granted[name] === access;
}

/** As GitHub says in a header what would have been needed: `deployments=write`. */
export function neededHeader({ needs }: Route): string {
  return typeof needs === "string" ? "" : needs.map((need) => need.replace(":", "=")).join("; ");
}
