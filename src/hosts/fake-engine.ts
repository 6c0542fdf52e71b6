import type { Engine, Network } from "./engine.ts";
import { messageOf } from "../errors.ts";
import { engineRefusal } from "./engine-refusal.ts";
import { cancelledError } from "./host-errors.ts";
import { archiveOf, filesIn, historyOf, imagesIn } from "./fake-archive.ts";
import { fakeContainerCalls, giveAddress, mountsOf, settle } from "./fake-containers.ts";
import {
  type FakeEngineState,
  type FakeImage,
  type FakeNetwork,
  findContainer,
  findImage,
  findNetwork,
  fitsLabels,
  nextId,
} from "./fake-engine-state.ts";
import { flagAt, objectAt, textAt, textMapAt, textsAt } from "./json.ts";

/** The Engine port on `state`: names conflict, images have to be there, what is in use is not removed. */
export function createFakeEngine(state: FakeEngineState): Engine {
  return {
    async ping() {},
    async info() {
      return {
        version: "28.0.0",
        apiVersion: "1.48",
        os: "linux",
        architecture: "amd64",
        cpus: 2,
        memoryBytes: 4 * 1024 ** 3,
        storageDriver: "overlay2",
        containerdImageStore: false,
        dataRoot: "/var/lib/docker",
      };
    },
    ...fakeContainerCalls(state),
    ...fakeImageCalls(state),
    ...fakeNetworkCalls(state),
    ...fakeVolumeCalls(state),
  };
}

function copyOf(image: FakeImage): FakeImage {
  return { ...image, repoTags: [...image.repoTags], repoDigests: [...image.repoDigests], labels: { ...image.labels } };
}

function addTag(state: FakeEngineState, image: FakeImage, tag: string): void {
  for (const other of state.images.values()) other.repoTags = other.repoTags.filter((each) => each !== tag);
  image.repoTags.push(tag);
}

/** Puts an image on a host, under its references; one of the same id gets the further references. */
export function addImage(state: FakeEngineState, image: FakeImage): void {
  const held = state.images.get(image.id) ?? { ...copyOf(image), repoTags: [], repoDigests: [] };
  state.images.set(image.id, held);
  for (const tag of image.repoTags) addTag(state, held, tag);
  held.repoDigests = [...new Set([...held.repoDigests, ...image.repoDigests])];
}

function fakeImageCalls(
  state: FakeEngineState,
): Pick<Engine, `${string}Image` & keyof Engine> & Pick<Engine, "imageHistory" | (`${string}Images` & keyof Engine)> {
  const refuse = (request: string, status: number, words: string) => engineRefusal(state.host, request, status, words);

  function mustFind(request: string, reference: string): FakeImage {
    const image = findImage(state, reference);
    if (image === undefined) throw refuse(request, 404, `No such image: ${reference}`);
    return image;
  }

  return {
    async listImages(options) {
      const prefix = options?.reference?.replace(/[:@*].*$/, "");
      const fits = (image: FakeImage) =>
        prefix === undefined ||
        [...image.repoTags, ...image.repoDigests].some(
          (each) => each.startsWith(`${prefix}:`) || each.startsWith(`${prefix}@`),
        );
      return [...state.images.values()]
        .filter((image) => fits(image) && fitsLabels(image.labels, options?.labels))
        .map(copyOf);
    },
    async inspectImage(reference) {
      const image = findImage(state, reference);
      return image === undefined ? null : copyOf(image);
    },
    async pullImage(reference, auth, onProgress) {
      const request = `POST /images/create ${reference}`;
      const { password, images } = state.registry;
      const given = auth !== undefined && "password" in auth ? auth.password : undefined;
      if (password !== undefined && given !== password)
        throw refuse(request, 500, "unauthorized: authentication required");
      const offered = images.get(reference);
      if (offered === undefined) throw refuse(request, 404, `manifest for ${reference} not found: manifest unknown`);
      onProgress?.({ id: offered.id.slice(7, 19), status: "Pull complete" });
      const isDigest = reference.includes("@");
      addImage(state, {
        ...copyOf(offered),
        repoTags: isDigest ? [] : [reference],
        repoDigests: isDigest ? [reference] : offered.repoDigests,
      });
    },
    async pushImage(reference, auth) {
      const request = `POST /images/${reference}/push`;
      const image = mustFind(request, reference);
      const { password, images } = state.registry;
      const given = auth !== undefined && "password" in auth ? auth.password : undefined;
      if (password !== undefined && given !== password)
        throw refuse(request, 500, "unauthorized: authentication required");
      const digest = image.id;
      const repository = reference.slice(0, reference.lastIndexOf(":"));
      images.set(reference, copyOf(image));
      images.set(`${repository}@${digest}`, copyOf(image));
      return digest;
    },
    async tagImage(reference, repository, tag) {
      addTag(state, mustFind(`POST /images/${reference}/tag`, reference), `${repository}:${tag}`);
    },
    async imageHistory(reference) {
      return historyOf(mustFind(`GET /images/${reference}/history`, reference));
    },
    async *saveImages(ids) {
      yield archiveOf(ids.map((id) => mustFind("GET /images/get", id)));
    },
    async loadImages(archive, options) {
      if (options?.signal?.aborted === true) throw cancelledError(state.host, options.signal.reason);
      const files = await filesIn(archive);
      try {
        const there = [...state.images.values()].map((image) => image.layers);
        for (const image of imagesIn(files, there)) addImage(state, image);
      } catch (error) {
        throw refuse("POST /images/load", 500, messageOf(error));
      }
    },
    async removeImage(reference) {
      const image = findImage(state, reference);
      if (image === undefined) return;
      const byId = image.id === reference || image.id === `sha256:${reference}`;
      const tags = byId ? [] : image.repoTags.filter((each) => each !== reference && each !== `${reference}:latest`);
      const digests = byId || tags.length === 0 ? [] : image.repoDigests.filter((each) => each !== reference);
      const user = [...state.containers.values()].find((container) => container.imageId === image.id);
      if (user !== undefined && tags.length === 0) {
        throw refuse(
          `DELETE /images/${reference}`,
          409,
          `conflict: unable to remove, image is being used by container ${user.id.slice(0, 12)}`,
        );
      }
      image.repoTags = tags;
      image.repoDigests = digests;
      if (tags.length === 0 && digests.length === 0) state.images.delete(image.id);
    },
  };
}

type NetworkCalls = Pick<
  Engine,
  "listNetworks" | "inspectNetwork" | "createNetwork" | "connectNetwork" | "disconnectNetwork" | "removeNetwork"
>;

function fakeNetworkCalls(state: FakeEngineState): NetworkCalls {
  const refuse = (request: string, status: number, words: string) => engineRefusal(state.host, request, status, words);

  function mustFind(request: string, id: string): FakeNetwork {
    const network = findNetwork(state, id);
    if (network === undefined) throw refuse(request, 404, `network ${id} not found`);
    return network;
  }

  function connected(network: FakeNetwork): Network["containers"] {
    const running = [...state.containers.values()].filter((each) => {
      settle(state, each);
      return each.state.running && each.networks.has(network.id);
    });
    return Object.fromEntries(
      running.map(({ id, name, networks }) => [id, { name, ipAddress: networks.get(network.id)?.ipAddress ?? "" }]),
    );
  }

  function viewOf({ id, name, driver, internal, labels }: FakeNetwork, containers: Network["containers"]): Network {
    return { id, name, driver, internal, labels: { ...labels }, containers };
  }

  return {
    async listNetworks(options) {
      const fitting = [...state.networks.values()].filter((network) => fitsLabels(network.labels, options?.labels));
      return fitting.map((network) => viewOf(network, {}));
    },
    async inspectNetwork(id) {
      const network = findNetwork(state, id);
      return network === undefined ? null : viewOf(network, connected(network));
    },
    async createNetwork(body) {
      const name = textAt(body, "Name");
      if (findNetwork(state, name) !== undefined)
        throw refuse("POST /networks/create", 409, `network with name ${name} already exists`);
      const id = nextId(state);
      const driver = textAt(body, "Driver") || "bridge";
      const common = { id, name, driver, internal: flagAt(body, "Internal"), labels: textMapAt(body, "Labels") };
      state.networks.set(id, { ...common, nextAddress: 1, subnet: state.networks.size + 1 });
      return id;
    },
    async connectNetwork(id, body) {
      const request = `POST /networks/${id}/connect`;
      const network = mustFind(request, id);
      const wanted = textAt(body, "Container");
      const container = findContainer(state, wanted);
      if (container === undefined) throw refuse(request, 404, `No such container: ${wanted}`);
      settle(state, container);
      if (container.networks.has(network.id)) {
        throw refuse(request, 403, `endpoint with name ${container.name} already exists in network ${network.name}`);
      }
      container.networks.set(network.id, {
        ipAddress: "",
        aliases: textsAt(objectAt(body, "EndpointConfig"), "Aliases"),
      });
      if (container.state.running) giveAddress(state, container, network.id);
    },
    async disconnectNetwork(id, containerId) {
      const request = `POST /networks/${id}/disconnect`;
      const network = mustFind(request, id);
      const container = findContainer(state, containerId);
      if (container === undefined) throw refuse(request, 404, `No such container: ${containerId}`);
      container.networks.delete(network.id);
    },
    async removeNetwork(id) {
      const network = findNetwork(state, id);
      if (network === undefined) return;
      if (Object.keys(connected(network)).length > 0) {
        throw refuse(
          `DELETE /networks/${id}`,
          403,
          `error while removing network: network ${network.name} has active endpoints`,
        );
      }
      state.networks.delete(network.id);
    },
  };
}

type VolumeCalls = Pick<Engine, "listVolumes" | "inspectVolume" | "createVolume" | "removeVolume">;

function fakeVolumeCalls(state: FakeEngineState): VolumeCalls {
  return {
    async listVolumes(options) {
      return [...state.volumes.values()]
        .filter((volume) => fitsLabels(volume.labels, options?.labels))
        .map((volume) => ({ ...volume }));
    },
    async inspectVolume(name) {
      const volume = state.volumes.get(name);
      return volume === undefined ? null : { ...volume };
    },
    async createVolume(body) {
      const name = textAt(body, "Name") || nextId(state);
      const labels = textMapAt(body, "Labels");
      const fresh = {
        name,
        driver: textAt(body, "Driver") || "local",
        labels,
        mountpoint: `/var/lib/docker/volumes/${name}/_data`,
      };
      const volume = state.volumes.get(name) ?? fresh;
      state.volumes.set(name, volume);
      return { ...volume };
    },
    async removeVolume(name) {
      const user = [...state.containers.values()].find((each) => mountsOf(each).some((mount) => mount.name === name));
      if (user !== undefined) {
        const words = `remove ${name}: volume is in use - [${user.id}]`;
        throw engineRefusal(state.host, `DELETE /volumes/${name}`, 409, words);
      }
      state.volumes.delete(name);
    },
  };
}
