import type { Place } from "../../deploy/types.ts";
import { ShiplockError } from "../../errors.ts";
import { asObject, asText, type JsonObject } from "../../json.ts";
import type { ReleaseDocument, ReleaseImage } from "../../release/types.ts";
import type { ComposeProgram } from "./compose-program.ts";
import { bothRouterService, type Layout } from "./layout.ts";
import { composeText, designOf, placeModel, type PlaceRequest } from "./place.ts";
import type { RecordedContainer } from "./recorder.ts";
import { bothFaces, designPorts, designRouter, faceOf, type PortDesign, type RouterDesign } from "./routers.ts";
import { imageVariable } from "./tokens.ts";

/** A container to create, and what Compose says it is. */
export type ContainerSpec = RecordedContainer & { service: string; configHash: string };

/** All that a final compose file means to an engine. Holds secret values: it is never stored. */
export type Translation = {
  text: string;
  dotenv: string;
  containers: readonly ContainerSpec[];
  networks: readonly JsonObject[];
  volumes: readonly JsonObject[];
  /** What carries its traffic; null in place. */
  proxies: Proxies | null;
};

export type Proxies = {
  /** The router while both releases are there. */
  both: RouterDesign;
  /** The router of the new release alone; the same as `both` unless something of the old one goes. */
  after: RouterDesign;
  ports: readonly PortDesign[];
};

export type TranslateRequest = {
  compose: ComposeProgram;
  document: ReleaseDocument;
  /** The release that is live in a slot, which the router has to go on answering for; null for none. */
  previous: ReleaseDocument | null;
  place: Place;
  layout: Layout;
  owner: { uid: number; gid: number };
  proxyImage: string;
  apiVersion: string;
  /** What the containers of an image are created from on the host. */
  referenceOf(image: ReleaseImage): string;
  /** Today's values. */
  secrets: Readonly<Record<string, string>>;
};

/** What a release in a place of a host is made of. Pure but for running Compose on this machine; touches no host. */
export async function translate(request: TranslateRequest): Promise<Translation> {
  const { document, layout } = request;
  const place = {
    snapshot: document.snapshot,
    release: document.release.id,
    project: document.release.project,
    place: request.place,
    layout,
    owner: request.owner,
    proxyImage: request.proxyImage,
  };
  const model = placeModel(place);
  const text = composeText(model, layout);
  const images = imageReferences(request);
  const proxies = request.place === "direct" ? null : designProxies(place, request.previous);
  const recording = await request.compose.translate({
    text: proxies === null ? text : composeText(withBothRouter(model, proxies, request.previous), layout),
    project: layout.id,
    directory: layout.folder,
    env: { ...images, ...request.secrets },
    apiVersion: request.apiVersion,
  });
  return {
    text,
    dotenv: dotenvText(layout.id, images, document.snapshot.secrets.onHost ? request.secrets : {}),
    networks: recording.networks,
    volumes: recording.volumes,
    proxies,
    containers: recording.containers.map((container) => withFinalLabels(container, layout)),
  };
}

function designProxies(place: PlaceRequest, previous: ReleaseDocument | null): Proxies {
  const options = designOf(place);
  const face = faceOf(place.snapshot);
  const after = designRouter(face, options);
  const both = previous === null ? after : designRouter(bothFaces(faceOf(previous.snapshot), face), options);
  return { after, both, ports: designPorts(place.snapshot, options) };
}

/** The router of both releases stands beside the one of the file only while the deployment runs, so only the translation has it. */
function withBothRouter(model: JsonObject, { both, after }: Proxies, previous: ReleaseDocument | null): JsonObject {
  if (both.generation === after.generation || previous === null) return model;
  const old = asObject(previous.snapshot.model["networks"]) ?? {};
  const networks = asObject(model["networks"]) ?? {};
  const wanted = Object.keys(asObject(both.definition["networks"]) ?? {});
  const missing = wanted.filter((name) => networks[name] === undefined && old[name] !== undefined);
  return {
    ...model,
    services: { ...asObject(model["services"]), [bothRouterService]: both.definition },
    networks: { ...networks, ...Object.fromEntries(missing.map((name) => [name, old[name] ?? null])) },
  };
}

/** What is in `.env`: the images by digest, so that nothing resolves a tag. */
function imageReferences({ document, referenceOf }: TranslateRequest): Record<string, string> {
  return Object.fromEntries(
    document.snapshot.services.map((service) => {
      const image = document.release.images[service.image];
      if (image === undefined) {
        throw new ShiplockError({
          code: "release/image-missing",
          blame: "bug",
          message: `release ${document.release.id} has no image "${service.image}"`,
        });
      }
      return [imageVariable(service.name), referenceOf(image)];
    }),
  );
}

/**
 * The project's name stands here too, because Compose then does `ps`, `logs`, `restart`, `stop` and `start` also where a secret that the compose file demands is not on the
 * host; what would create a container is refused, which is what the demand is for.
 */
function dotenvText(
  project: string,
  images: Readonly<Record<string, string>>,
  secrets: Readonly<Record<string, string>>,
): string {
  const quote = (value: string): string => `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const values = { COMPOSE_PROJECT_NAME: project, ...images, ...secrets };
  const lines = Object.entries(values).map(([name, value]) => `${name}=${quote(value)}`);
  return `# Written by Shiplock: the images that run, by digest.\n${lines.join("\n")}\n`;
}

function withFinalLabels(container: RecordedContainer, layout: Layout): ContainerSpec {
  const labels = asObject(container.body["Labels"]) ?? {};
  const final: JsonObject = { ...labels, "com.docker.compose.project.config_files": layout.compose };
  const service = asText(labels["com.docker.compose.service"]) ?? "";
  const configHash = asText(labels["com.docker.compose.config-hash"]) ?? "";
  return { ...container, service, configHash, body: { ...container.body, Labels: final } };
}
