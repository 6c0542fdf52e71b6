/**
 * The group of the log that an event begins: its title, null where what follows stands in no group, undefined where the group goes on.
 * Lines of hosts and of checks that run side by side come mixed and bear names, so a group is a phase and not a host.
 */
export function phaseOf(event: unknown): string | null | undefined {
  if (typeof event !== "object" || event === null || !("kind" in event)) return undefined;
  const said = event as Readonly<Record<string, unknown>>;
  switch (said["kind"]) {
    case "check-started":
    case "check-line":
      return "Checks";
    case "build":
      return "Images";
    case "requested":
    case "requested-early":
    case "behind":
      return null;
    case "planned":
      return planTitle(said["plan"], said["purpose"]);
    case "watch":
      return "Watch";
    case "state":
      return said["state"] === "running" || said["state"] === "verifying" ? undefined : null;
    default:
      return undefined;
  }
}

const purposes: Readonly<Record<string, string>> = { resume: "Going on with ", abort: "Taking back " };

function planTitle(plan: unknown, purpose: unknown): string {
  const { kind, to, environment } = (plan ?? {}) as Readonly<Record<string, unknown>>;
  return `${purposes[String(purpose)] ?? ""}${String(kind)} ${String(to)} in ${String(environment)}`;
}
