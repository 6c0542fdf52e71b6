import type {
  Container,
  ContainerState,
  ContainerSummary,
  Health,
  Image,
  ImageSummary,
  Network,
  Volume,
} from "./engine.ts";
import type { HistoryEntry } from "./layer-sizes.ts";
import { flagAt, type JsonObject, listAt, numberAt, objectAt, textAt, textMapAt, textsAt } from "./json.ts";

// The engine's answers as our own types. Missing fields become empty values: engines of different versions leave out different ones.

const HEALTH_WORDS: readonly string[] = ["starting", "healthy", "unhealthy"] satisfies Health[];

function decodeHealth(state: JsonObject): { health?: Health } {
  const word = textAt(objectAt(state, "Health"), "Status");
  return HEALTH_WORDS.includes(word) ? { health: word as Health } : {};
}

function decodeState(state: JsonObject): ContainerState {
  return {
    status: textAt(state, "Status"),
    running: flagAt(state, "Running"),
    exitCode: numberAt(state, "ExitCode"),
    startedAt: textAt(state, "StartedAt"),
    finishedAt: textAt(state, "FinishedAt"),
    oomKilled: flagAt(state, "OOMKilled"),
    error: textAt(state, "Error"),
    ...decodeHealth(state),
  };
}

function decodePorts(settings: JsonObject): Container["ports"] {
  return Object.entries(objectAt(settings, "Ports")).flatMap(([key, bindings]) => {
    const [port = "0", protocol = "tcp"] = key.split("/");
    const list = Array.isArray(bindings) ? (bindings as readonly unknown[]) : [];
    return list.map((binding) => ({
      containerPort: Number(port),
      protocol,
      hostIp: textAt(binding, "HostIp"),
      hostPort: Number(textAt(binding, "HostPort") || 0),
    }));
  });
}

function decodeNetworks(settings: JsonObject): Container["networks"] {
  const entries = Object.entries(objectAt(settings, "Networks")).map(([name, endpoint]) => {
    const decoded = {
      networkId: textAt(endpoint, "NetworkID"),
      ipAddress: textAt(endpoint, "IPAddress"),
      aliases: textsAt(endpoint, "Aliases"),
    };
    return [name, decoded] as const;
  });
  return Object.fromEntries(entries);
}

export function decodeContainer(answer: unknown): Container {
  const config = objectAt(answer, "Config");
  const settings = objectAt(answer, "NetworkSettings");
  const manifestDigest = textAt(objectAt(answer, "ImageManifestDescriptor"), "digest");
  return {
    id: textAt(answer, "Id"),
    name: textAt(answer, "Name").replace(/^\//, ""),
    imageId: textAt(answer, "Image"),
    image: textAt(config, "Image"),
    ...(manifestDigest === "" ? {} : { manifestDigest }),
    labels: textMapAt(config, "Labels"),
    state: decodeState(objectAt(answer, "State")),
    restartCount: numberAt(answer, "RestartCount"),
    networks: decodeNetworks(settings),
    ports: decodePorts(settings),
    mounts: listAt(answer, "Mounts").map((mount) => ({
      type: textAt(mount, "Type"),
      name: textAt(mount, "Name"),
      source: textAt(mount, "Source"),
      destination: textAt(mount, "Destination"),
    })),
    created: textAt(answer, "Created"),
  };
}

export function decodeContainerSummary(answer: unknown): ContainerSummary {
  return {
    id: textAt(answer, "Id"),
    name: (textsAt(answer, "Names")[0] ?? "").replace(/^\//, ""),
    imageId: textAt(answer, "ImageID"),
    image: textAt(answer, "Image"),
    labels: textMapAt(answer, "Labels"),
    status: textAt(answer, "State"),
    created: numberAt(answer, "Created"),
  };
}

export function decodeImage(answer: unknown): Image {
  return {
    id: textAt(answer, "Id"),
    repoTags: textsAt(answer, "RepoTags"),
    repoDigests: textsAt(answer, "RepoDigests"),
    architecture: textAt(answer, "Architecture"),
    os: textAt(answer, "Os"),
    sizeBytes: numberAt(answer, "Size"),
    labels: textMapAt(objectAt(answer, "Config"), "Labels"),
    created: textAt(answer, "Created"),
    layers: textsAt(objectAt(answer, "RootFS"), "Layers"),
  };
}

export function decodeImageSummary(answer: unknown): ImageSummary {
  // 20.10 lists an untagged image as "<none>:<none>".
  return {
    id: textAt(answer, "Id"),
    repoTags: textsAt(answer, "RepoTags").filter((tag) => tag !== "<none>:<none>"),
    repoDigests: textsAt(answer, "RepoDigests").filter((digest) => digest !== "<none>@<none>"),
    sizeBytes: numberAt(answer, "Size"),
    labels: textMapAt(answer, "Labels"),
  };
}

export function decodeHistoryEntry(answer: unknown): HistoryEntry {
  return { instruction: textAt(answer, "CreatedBy"), bytes: numberAt(answer, "Size") };
}

export function decodeNetwork(answer: unknown): Network {
  const containers = Object.entries(objectAt(answer, "Containers")).map(([id, endpoint]) => {
    const ipAddress = textAt(endpoint, "IPv4Address").replace(/\/.*$/, "");
    return [id, { name: textAt(endpoint, "Name"), ipAddress }] as const;
  });
  return {
    id: textAt(answer, "Id"),
    name: textAt(answer, "Name"),
    driver: textAt(answer, "Driver"),
    internal: flagAt(answer, "Internal"),
    labels: textMapAt(answer, "Labels"),
    containers: Object.fromEntries(containers),
  };
}

export function decodeVolume(answer: unknown): Volume {
  return {
    name: textAt(answer, "Name"),
    driver: textAt(answer, "Driver"),
    labels: textMapAt(answer, "Labels"),
    mountpoint: textAt(answer, "Mountpoint"),
  };
}
