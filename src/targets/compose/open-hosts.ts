import type { EnvironmentRecord } from "../../environments/record/types.ts";
import { ShiplockError } from "../../errors.ts";
import type { Connector, Host, HostAddress } from "../../hosts/types.ts";
import { folderRecord } from "../folder-record.ts";
import { absentHosts, notDown, refuseUnskippable, unreachable } from "../skipping.ts";
import type { Purpose } from "../types.ts";
import type { Layout } from "./layout.ts";
import { ownRecord, refuseOthersFolder, type Whose } from "./ownership.ts";

export type OpenHostsOptions = Whose & {
  hosts: readonly HostAddress[];
  home: string;
  connector: Connector;
  /** Time for the first connection to a host, in milliseconds. */
  connectTimeoutMs: number;
};

/** A connection, and where the environment lies on its host. */
type Placed = { name: string; host: Host; layout: Layout };

/** How long somebody who only looks waits for a host that is known to be behind. */
const lookTimeoutMs = 5_000;
const pingTimeoutMs = 5_000;

/** What an engine says that runs nothing. */
const engineIsDown: ReadonlySet<string> = new Set(["engine/unreachable", "engine/socket-missing", "engine/timeout"]);

/**
 * Connects to the hosts that a purpose needs, and to no others; closes everything again when one of these cannot be had.
 * @param place where the environment lies on a host that is connected
 * @returns the hosts in the order of the configuration, their home, its record, the names of hosts that were left out, and of those whose folder is known to be
 * this environment's
 * @throws ShiplockError of the connector, of `skipping.ts` and of `ownership.ts`
 */
export async function openHosts<H extends Placed>(
  options: OpenHostsOptions,
  purpose: Purpose,
  signal: AbortSignal,
  place: (host: Host) => H,
): Promise<{ hosts: H[]; home: H; record: EnvironmentRecord; skipped: string[]; claimed: ReadonlySet<string> }> {
  const opened = new Map<string, H>();
  const claimed = new Set<string>();

  async function connect(address: HostAddress, connectTimeoutMs = options.connectTimeoutMs): Promise<H> {
    const host = place(await options.connector.connect(address, { connectTimeoutMs, signal }));
    opened.set(host.name, host);
    if (await refuseOthersFolder(host, options)) claimed.add(host.name);
    return host;
  }

  async function connectNeeded(address: HostAddress): Promise<void> {
    try {
      await connect(address);
    } catch (error) {
      if (!(error instanceof ShiplockError) || purpose.kind !== "deploy") throw error;
      throw unreachable(error, address.name, options.home);
    }
  }

  async function connectExcused(address: HostAddress, timeoutMs = options.connectTimeoutMs): Promise<void> {
    try {
      await connect(address, timeoutMs);
    } catch (error) {
      if (!isUnreachable(error)) throw error;
    }
  }

  async function makeSureItIsDown(address: HostAddress): Promise<void> {
    await connectExcused(address);
    const host = opened.get(address.name);
    if (host === undefined) return;
    try {
      await host.host.engine.ping({ timeoutMs: pingTimeoutMs });
    } catch (error) {
      if (!(error instanceof ShiplockError) || !engineIsDown.has(error.code)) throw error;
      opened.delete(address.name);
      return host.host.close();
    }
    throw notDown(address.name);
  }

  /** The home first: what else is needed stands in its record. */
  async function connectAsRecorded(ending: Exclude<Purpose, { kind: "deploy" | "record" }>): Promise<void> {
    const home = await connect(addressOfHome(options));
    const record = recordOf(home, options);
    const state = (await record.read())?.state ?? null;
    const operation = state?.operation ?? null;
    const plan = operation === null ? null : await record.readPlan(operation.deployment);
    const { out, excused } = absentHosts(ending, state, plan);
    const others = options.hosts.filter(({ name }) => name !== home.name && !out.includes(name));
    await allOf(
      others.map((host) =>
        excused.includes(host.name)
          ? connectExcused(host, Math.min(lookTimeoutMs, options.connectTimeoutMs))
          : connectNeeded(host),
      ),
    );
  }

  try {
    if (purpose.kind === "deploy") {
      const { skip } = purpose;
      refuseUnskippable(
        options.hosts.map((host) => host.name),
        options.home,
        skip,
      );
      await allOf(
        options.hosts.map((host) => (skip.includes(host.name) ? makeSureItIsDown(host) : connectNeeded(host))),
      );
    } else if (purpose.kind === "record") await connect(addressOfHome(options));
    else await connectAsRecorded(purpose);
  } catch (error) {
    await Promise.all([...opened.values()].map((host) => host.host.close()));
    throw error;
  }
  const home = opened.get(addressOfHome(options).name) as H;
  const names = options.hosts.map((host) => host.name);
  return {
    hosts: names.flatMap((name) => opened.get(name) ?? []),
    home,
    record: recordOf(home, options),
    skipped: names.filter((name) => !opened.has(name)),
    claimed,
  };
}

function addressOfHome(options: OpenHostsOptions): HostAddress {
  const home = options.hosts.find((host) => host.name === options.home);
  if (home !== undefined) return home;
  throw new ShiplockError({
    code: "target/no-home",
    blame: "bug",
    message: `${options.home} is no host of ${options.environment}`,
  });
}

function recordOf(home: Placed, whose: Whose): EnvironmentRecord {
  return ownRecord(folderRecord(home.host.files, home.layout.folder), home, whose);
}

function isUnreachable(error: unknown): boolean {
  return error instanceof ShiplockError && error.code === "ssh/unreachable";
}

/** Waits for every attempt, so that none is left in the air, and then fails with the first failure. */
async function allOf(attempts: readonly Promise<void>[]): Promise<void> {
  const settled = await Promise.allSettled(attempts);
  const failed = settled.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
