/**
 * Where a body says when it happened, as paths. Only times that GitHub sets: a commit's own time is what its author wrote. Events that are not here have none that can be relied on
 * (or ask for nothing), and are not judged by their age. A key is an event, or one of its actions.
 */
const paths: Readonly<Record<string, readonly string[]>> = {
  push: ["repository.pushed_at"],
  delete: ["repository.pushed_at", "repository.updated_at"],
  pull_request: ["pull_request.updated_at", "pull_request.closed_at", "pull_request.created_at"],
  "release.published": ["release.updated_at", "release.published_at"],
  workflow_run: ["workflow_run.updated_at", "workflow_run.created_at"],
};

/** The newest time in an event's body, which is when it happened at the earliest; null where it has none. */
export function newestTimeOf(event: string, body: Readonly<Record<string, unknown>>): Date | null {
  const { action } = body;
  const own = typeof action === "string" ? paths[`${event}.${action}`] : undefined;
  const times = (own ?? paths[event] ?? []).flatMap((path) => timeOf(valueAt(body, path)) ?? []);
  return times.length === 0 ? null : new Date(Math.max(...times));
}

function valueAt(body: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>(
      (value, key) => (typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : null),
      body,
    );
}

/** Milliseconds since 1970 of a time as GitHub writes it: ISO 8601, or seconds since 1970 in the body of a push. */
function timeOf(written: unknown): number | null {
  if (typeof written === "number") return Number.isFinite(written) ? written * 1000 : null;
  if (typeof written !== "string") return null;
  const read = Date.parse(written);
  return Number.isNaN(read) ? null : read;
}
