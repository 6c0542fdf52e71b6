import { askEngine } from "../../test/lab/engine.ts";
import type { LabHost } from "../../test/lab/host.ts";

/** Containers that no deployment may touch: which one, running since when, on which volumes. */
export type Backing = Readonly<Record<string, string>>;

type Listed = { Id: string; Labels: Record<string, string> };
type Inspected = { Id: string; Name: string; State: { StartedAt: string }; Mounts: { Name?: string }[] };

/** The containers of these Compose services on the hosts, as they are now. */
export async function backingOf(hosts: readonly LabHost[], services: readonly string[]): Promise<Backing> {
  const found = await Promise.all(hosts.map((host) => onHost(host, services)));
  return Object.fromEntries(found.flat());
}

/** What is not as it was, in words. */
export function changesOf(before: Backing, after: Backing): string[] {
  return Object.entries(before).flatMap(([name, was]) =>
    after[name] === was ? [] : [`${name} was ${was} and is ${after[name] ?? "gone"}`],
  );
}

async function onHost(host: LabHost, services: readonly string[]): Promise<[string, string][]> {
  const listed = await askHost<Listed[]>(host, "/containers/json?all=1");
  const backing = listed.filter(({ Labels }) => services.includes(Labels["com.docker.compose.service"] ?? ""));
  return await Promise.all(
    backing.map(async ({ Id }): Promise<[string, string]> => {
      const { Name, State, Mounts } = await askHost<Inspected>(host, `/containers/${Id}/json`);
      const volumes = Mounts.flatMap((mount) => mount.Name ?? []).sort();
      return [`${host.name}${Name}`, `${Id.slice(0, 12)} since ${State.StartedAt} on ${volumes.join(", ")}`];
    }),
  );
}

async function askHost<T>(host: LabHost, path: string): Promise<T> {
  const answer = await askEngine(host.socketPath, "GET", path, { timeoutMs: 30_000 });
  if (answer.status === 200) return JSON.parse(answer.body) as T;
  throw new Error(`${host.name}: GET ${path}: ${answer.status} ${answer.body}`);
}
