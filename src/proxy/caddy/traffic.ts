import { createHash } from "node:crypto";
import type { Assignment, ReplicaRef, Share } from "../../deploy/types.ts";
import { ShiplockError } from "../../errors.ts";
import type { HostFiles } from "../../hosts/types.ts";
import type { Traffic } from "../types.ts";
import { bucketName, shareOut } from "./buckets.ts";
import { replicaSocket } from "./router-config.ts";

export type CaddyTrafficOptions = {
  files: HostFiles;
  /** The environment's proxy folder on the host, which the router sees as `/shiplock`. */
  folder: string;
  /** Looks which routers run, and gives back what asks their admin endpoints for `/reverse_proxy/upstreams`. */
  upstreams: () => Promise<() => Promise<readonly { address: string; num_requests: number }[]>>;
  /** The names under which the router dials a replica: its container's, and the alias of its slot when that one cannot be dialled. */
  names: (replica: ReplicaRef) => readonly string[];
};

/**
 * Traffic through the router's folder of links: `live` is a link to a set, a set has a link per service to a complete table of 256 buckets, and a
 * bucket is a link to the socket of the replica that answers it. The router resolves the whole path anew for every request, so one atomic
 * rename of `live` moves everything, with no reload and nothing to ask twice. Tables and sets are named by what they hold and made once.
 */
export function caddyTraffic(options: CaddyTrafficOptions): Traffic {
  const { files, folder } = options;
  /** Sets that are complete. What a set holds never changes. */
  const known = new Map<string, Assignment>();

  async function current(): Promise<Assignment> {
    const target = await files.readlink(`${folder}/live`);
    if (target === null) return {};
    const seen = known.get(target);
    if (seen !== undefined) return seen;
    const text = await files.read(`${folder}/${target}/assignment.json`);
    if (text === null) throw tornAssignment(folder, target);
    const assignment = JSON.parse(new TextDecoder().decode(text)) as Assignment;
    known.set(target, assignment);
    return assignment;
  }

  async function assign(assignment: Assignment): Promise<void> {
    const text = canonical(assignment);
    const set = `sets/${nameOf(text)}`;
    if (!known.has(set) && (await files.stat(`${folder}/${set}/assignment.json`)) === null)
      await writeSet(set, assignment, text);
    known.set(set, assignment);
    await files.symlinkAtomic(set, `${folder}/live`);
    const seen = await files.readlink(`${folder}/live`);
    if (seen !== set) throw tornAssignment(folder, String(seen));
  }

  async function writeSet(set: string, assignment: Assignment, text: string): Promise<void> {
    await files.mkdirs(`${folder}/${set}`);
    const links: { path: string; target: string }[] = [];
    for (const [service, shares] of Object.entries(assignment)) {
      if (shares.every((share) => share.weight === 0)) continue;
      const table = `tables/${nameOf(`${service} ${JSON.stringify(shares)}`)}`;
      if ((await files.stat(`${folder}/${table}/complete`)) === null) await writeTable(table, service, shares);
      links.push({ path: `${folder}/${set}/${service}`, target: `../../${table}` });
    }
    await files.symlinks(links);
    // Written last: a set with this file is complete.
    await files.write(`${folder}/${set}/assignment.json`, new TextEncoder().encode(text));
  }

  async function writeTable(table: string, service: string, shares: readonly Share[]): Promise<void> {
    await files.mkdirs(`${folder}/${table}`);
    await files.symlinks(
      shareOut(shares).map((index, bucket) => {
        const share = shares[index] as Share;
        return {
          path: `${folder}/${table}/${bucketName(bucket)}`,
          target: replicaSocket(service, share.slot, share.replica),
        };
      }),
    );
    await files.write(`${folder}/${table}/complete`, new Uint8Array());
  }

  async function counter(): Promise<(replicas: readonly ReplicaRef[]) => Promise<number[]>> {
    const ask = await options.upstreams();
    return async (replicas) => {
      const upstreams = await ask();
      return replicas.map((replica) => {
        const names = options.names(replica);
        const own = upstreams.filter((entry) => names.some((name) => entry.address.startsWith(`${name}:`)));
        return own.reduce((sum, entry) => sum + entry.num_requests, 0);
      });
    };
  }

  return { current, assign, counter };
}

/** The same assignment always has the same text, so it is the same set. */
export function canonical(assignment: Assignment): string {
  const entries = Object.entries(assignment)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([service, shares]) => [service, shares.map(({ slot, replica, weight }) => ({ slot, replica, weight }))]);
  return JSON.stringify(Object.fromEntries(entries));
}

/** Whether two assignments answer the same way. */
export function sameAssignment(left: Assignment, right: Assignment): boolean {
  return canonical(left) === canonical(right);
}

function nameOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

function tornAssignment(folder: string, target: string): ShiplockError {
  return new ShiplockError({
    code: "proxy/assignment-unreadable",
    blame: "person",
    message: `the traffic assignment in ${folder}/live points to ${target}, which is not one of ours or is incomplete`,
    remedy: "somebody changed the proxy folder by hand; run `shiplock doctor` for this environment",
  });
}
