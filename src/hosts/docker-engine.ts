import { boundsOf, containerCalls, filtersOf, segment } from "./docker-containers.ts";
import { decodeNetwork, decodeVolume } from "./docker-decode.ts";
import { imageCalls } from "./docker-images.ts";
import type { EngineTransport } from "./docker-transport.ts";
import { type Engine, EngineError } from "./engine.ts";
import { listAt, numberAt, textAt } from "./json.ts";

type NetworkCalls = Pick<
  Engine,
  "listNetworks" | "inspectNetwork" | "createNetwork" | "connectNetwork" | "disconnectNetwork" | "removeNetwork"
>;
type VolumeCalls = Pick<Engine, "listVolumes" | "inspectVolume" | "createVolume" | "removeVolume">;
type SystemCalls = Pick<Engine, "ping" | "info">;

/** The Engine port over HTTP. Does nothing until the first call. */
export function createDockerEngine(transport: EngineTransport): Engine {
  return {
    ...systemCalls(transport),
    ...containerCalls(transport),
    ...imageCalls(transport),
    ...networkCalls(transport),
    ...volumeCalls(transport),
  };
}

function systemCalls(transport: EngineTransport): SystemCalls {
  return {
    async ping(options) {
      await transport.call({ method: "GET", path: "/_ping", timeoutMs: 10_000, ...boundsOf(options) });
    },
    async info(options) {
      const [apiVersion, info] = await Promise.all([
        transport.apiVersion(boundsOf(options)),
        transport.json({ method: "GET", path: "/info", ...boundsOf(options) }),
      ]);
      const driverStatus = listAt(info, "DriverStatus").map((pair) => (Array.isArray(pair) ? pair.join(" ") : ""));
      return {
        version: textAt(info, "ServerVersion"),
        apiVersion,
        os: textAt(info, "OSType"),
        architecture: imageArchitecture(textAt(info, "Architecture")),
        cpus: numberAt(info, "NCPU"),
        memoryBytes: numberAt(info, "MemTotal"),
        storageDriver: textAt(info, "Driver"),
        containerdImageStore: driverStatus.some((line) => line.includes("io.containerd.snapshotter")),
        dataRoot: textAt(info, "DockerRootDir"),
      };
    },
  };
}

/** The engine says what the kernel says; images say what Go says. */
function imageArchitecture(kernelName: string): string {
  if (kernelName === "x86_64") return "amd64";
  return kernelName === "aarch64" ? "arm64" : kernelName;
}

function networkCalls(transport: EngineTransport): NetworkCalls {
  return {
    async listNetworks(options) {
      const query = { filters: filtersOf(options?.labels) };
      const answer = await transport.json({ method: "GET", path: "/networks", query, ...boundsOf(options) });
      return Array.isArray(answer) ? answer.map(decodeNetwork) : [];
    },
    async inspectNetwork(id, options) {
      const answer = await transport.json(
        { method: "GET", path: `/networks/${segment(id)}`, ...boundsOf(options) },
        [404],
      );
      return answer === null ? null : decodeNetwork(answer);
    },
    async createNetwork(body, options) {
      // Without this the engine makes a second network of the same name.
      const call = { method: "POST", path: "/networks/create", body: { CheckDuplicate: true, ...body } } as const;
      return textAt(await transport.json({ ...call, ...boundsOf(options) }), "Id");
    },
    async connectNetwork(id, body, options) {
      await transport.call({ method: "POST", path: `/networks/${segment(id)}/connect`, body, ...boundsOf(options) });
    },
    async disconnectNetwork(id, containerId, options) {
      const body = { Container: containerId, Force: options?.force === true };
      const path = `/networks/${segment(id)}/disconnect`;
      try {
        await transport.call({ method: "POST", path, body, ...boundsOf(options) });
      } catch (error) {
        if (!(error instanceof EngineError) || !/is not connected to/.test(error.engineMessage)) throw error;
      }
    },
    async removeNetwork(id, options) {
      await transport.call({ method: "DELETE", path: `/networks/${segment(id)}`, ...boundsOf(options) }, [404]);
    },
  };
}

function volumeCalls(transport: EngineTransport): VolumeCalls {
  return {
    async listVolumes(options) {
      const query = { filters: filtersOf(options?.labels) };
      const answer = await transport.json({ method: "GET", path: "/volumes", query, ...boundsOf(options) });
      return listAt(answer, "Volumes").map(decodeVolume);
    },
    async inspectVolume(name, options) {
      const answer = await transport.json(
        { method: "GET", path: `/volumes/${segment(name)}`, ...boundsOf(options) },
        [404],
      );
      return answer === null ? null : decodeVolume(answer);
    },
    async createVolume(body, options) {
      return decodeVolume(
        await transport.json({ method: "POST", path: "/volumes/create", body, ...boundsOf(options) }),
      );
    },
    async removeVolume(name, options) {
      await transport.call({ method: "DELETE", path: `/volumes/${segment(name)}`, ...boundsOf(options) }, [404]);
    },
  };
}
