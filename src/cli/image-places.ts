import type { Config, Environment } from "../config/types.ts";
import type { Connector, Host, HostAddress } from "../hosts/types.ts";
import type { Engine } from "../hosts/engine.ts";
import type { ImagePlace, ImagePlaces } from "../hosts/image-places.ts";

/** Time for a connection to a host that is only asked whether it has an image. */
const connectTimeoutMs = 10_000;

export type PlacesOptions = {
  config: Config;
  /** Its hosts are left out, because its session has them; null leaves out none. */
  environment: Environment | null;
  /** The engine of this machine, which is asked first. Throws where there is none. */
  buildEngine: () => Engine;
  connector: Connector;
  addressesOf: (environment: Environment) => HostAddress[];
};

/**
 * Machines that may have an image which is in no registry: this one, then the hosts of the configuration's environments, each environment's home first. Connects to a
 * host when it is asked, once.
 */
export function imagePlaces(options: PlacesOptions): ImagePlaces {
  const { config, environment, connector } = options;
  const opened = new Map<string, Promise<Host | null>>();
  const own = environment === null ? [] : options.addressesOf(environment).map(keyOf);
  const addresses = new Map(
    Object.values(config.environments)
      .flatMap((each) => homeFirst(options.addressesOf(each), each.target.home))
      .filter((address) => !own.includes(keyOf(address)))
      .map((address) => [keyOf(address), address]),
  );

  function connect(address: HostAddress, signal: AbortSignal): Promise<Host | null> {
    const key = keyOf(address);
    // A host that cannot be reached has nothing to give; whoever misses an image for it says so.
    const host = opened.get(key) ?? connector.connect(address, { connectTimeoutMs, signal }).catch(() => null);
    opened.set(key, host);
    return host;
  }

  return {
    places: [
      { name: "this machine", engine: async () => options.buildEngine() },
      ...[...addresses.values()].map(
        (address): ImagePlace => ({
          name: address.name,
          engine: async (signal) => (await connect(address, signal))?.engine ?? null,
        }),
      ),
    ],
    close: async () => {
      // One that cannot be left in order keeps none of the others open.
      const closed = await Promise.allSettled([...opened.values()].map(async (host) => (await host)?.close()));
      for (const one of closed) if (one.status === "rejected") throw one.reason;
    },
  };
}

function homeFirst(addresses: readonly HostAddress[], home: string): HostAddress[] {
  return [...addresses].sort((left, right) => Number(right.name === home) - Number(left.name === home));
}

function keyOf(address: HostAddress): string {
  return address.kind === "local" ? "this machine" : address.destination;
}
