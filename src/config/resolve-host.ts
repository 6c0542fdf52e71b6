import type { Host, HostConnection } from "./types.ts";

/** A host as it is written (destination or mapping) as name and connection; `undefined` when it is neither. */
export function hostOf(written: unknown): Host | undefined {
  if (typeof written === "string") return sshHost(written, undefined);
  if (typeof written !== "object" || written === null) return undefined;
  const { ssh, local, name } = written as { ssh?: unknown; local?: unknown; name?: unknown };
  const given = typeof name === "string" ? name : undefined;
  if (local === true && ssh === undefined) return { name: given ?? "local", connection: { kind: "local" } };
  return typeof ssh === "string" ? sshHost(ssh, given) : undefined;
}

function sshHost(destination: string, name: string | undefined): Host | undefined {
  const match = /^(?:([^@]+)@)?(?:\[([^\]]+)\]|([^:@]+))(?::(\d+))?$/.exec(destination);
  const address = match?.[2] ?? match?.[3];
  if (match === null || address === undefined) return undefined;
  const port = match[4] === undefined ? undefined : Number(match[4]);
  const connection: HostConnection = { kind: "ssh", user: match[1], address, port };
  return { name: name ?? (port === undefined ? address : `${address}:${port}`), connection };
}
