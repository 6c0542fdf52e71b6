import { gunzipSync } from "node:zlib";
import { buildEngine } from "../../../src/cli/wiring.ts";
import { createRegistryClient } from "../../../src/release/registry/client.ts";
import type { PlatformImage } from "../../../src/release/registry/types.ts";
import { registryShipper } from "../../../src/release/ship.ts";
import type { ReleaseImage } from "../../../src/release/types.ts";
import type { Lab } from "../../lab/lab.ts";
import { must } from "../../lab/process.ts";
import type { Project } from "./project.ts";

const manifestTypes = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
];

const largestLayer = 5_000_000;

type Manifest = { type: string; digest: string; bytes: Uint8Array };

/** Puts a manifest that the registry has under another tag, as a careless push would. */
export async function pushUnderTag(lab: Lab, repository: string, digest: string, tag: string): Promise<void> {
  await put(lab, repository, await read(lab, repository, digest), tag);
}

/** What a tag points to now. */
export async function digestOf(lab: Lab, repository: string, tag: string): Promise<string> {
  return (await read(lab, repository, tag)).digest;
}

/** All tags of a repository, sorted; none when there is no such repository. */
export async function tagsOf(lab: Lab, repository: string): Promise<string[]> {
  const response = await ask(lab, "GET", `/v2/${repository}/tags/list`, {}, [404]);
  const { tags } = (await response.json()) as { tags?: string[] | null };
  return (tags ?? []).sort();
}

/** What the registry holds under a tag or digest: the platforms of an index, or the layers of one image. */
export async function contentsOf(
  lab: Lab,
  repository: string,
  reference: string,
): Promise<{ platforms: string[]; layers: string[] }> {
  const { bytes } = await read(lab, repository, reference);
  const { manifests = [], layers = [] } = JSON.parse(Buffer.from(bytes).toString()) as {
    manifests?: { platform: { os: string; architecture: string } }[];
    layers?: { digest: string }[];
  };
  return {
    platforms: manifests.map(({ platform }) => `${platform.os}/${platform.architecture}`),
    layers: layers.map(({ digest }) => digest),
  };
}

/** The architecture that the configuration of an image says it is for. */
export async function architectureOf(
  lab: Lab,
  repository: string,
  image: ReleaseImage,
  platform: string,
): Promise<string> {
  const response = await ask(lab, "GET", `/v2/${repository}/blobs/${image.platforms[platform]?.config}`, {});
  return ((await response.json()) as { architecture: string }).architecture;
}

/**
 * Builds a project's image with BuildKit's own provenance beside it, which makes an index with an entry of no platform, and ships it as Shiplock ships what it built.
 * @returns what shipping answered, and the digest of the index
 */
export async function shippedWithAttestation(
  lab: Lab,
  project: Project,
  platform: string,
): Promise<{ shipped: PlatformImage; index: string }> {
  const { address, username, password } = lab.registry;
  const reference = `${address}/${project.name}/app:attested`;
  const flags = ["--provenance", "mode=max", "--load", "--tag", reference];
  await must(["docker", "buildx", "build", ...flags, project.folder], { env: project.env, timeoutMs: 60_000 });
  const registry = createRegistryClient({
    access: async () => ({ credentials: { username, password }, insecure: true }),
  });
  const login = async () => ({ username, password, serverAddress: address });
  const shipper = registryShipper(buildEngine(project.env), registry, login, registry);
  const signal = AbortSignal.timeout(60_000);
  const log = (): void => undefined;
  const shipped = await shipper.ship({ name: "app", reference, platform, timeoutMs: 60_000, signal, log });
  return { shipped, index: await digestOf(lab, `${project.name}/app`, "attested") };
}

/** Deletes a manifest with all its tags; `putBack` brings the manifest back. */
export async function removeFromRegistry(
  lab: Lab,
  repository: string,
  digest: string,
): Promise<{ putBack(): Promise<void> }> {
  const manifest = await read(lab, repository, digest);
  await ask(lab, "DELETE", `/v2/${repository}/manifests/${digest}`, {});
  return { putBack: () => put(lab, repository, manifest, digest) };
}

/** What lies under the tags of a repository, as text: manifests, configurations, what is attached to images, and layers unpacked, but for those of a base image, which are large. */
export async function blobsOf(lab: Lab, repository: string): Promise<{ name: string; text: string }[]> {
  const found = new Map<string, string>();
  const manifest = async (reference: string): Promise<void> => {
    const { digest, bytes } = await read(lab, repository, reference);
    if (found.has(digest)) return;
    found.set(digest, Buffer.from(bytes).toString("latin1"));
    const {
      config,
      layers = [],
      manifests = [],
    } = JSON.parse(Buffer.from(bytes).toString()) as {
      config?: { digest: string; size: number };
      layers?: { digest: string; size: number }[];
      manifests?: { digest: string }[];
    };
    for (const blob of [...(config === undefined ? [] : [config]), ...layers]) {
      if (found.has(blob.digest) || blob.size > largestLayer) continue;
      const response = await ask(lab, "GET", `/v2/${repository}/blobs/${blob.digest}`, {});
      const content = Buffer.from(await response.arrayBuffer());
      found.set(blob.digest, (content[0] === 0x1f ? gunzipSync(content) : content).toString("latin1"));
    }
    for (const inner of manifests) await manifest(inner.digest);
  };
  for (const tag of await tagsOf(lab, repository)) await manifest(tag);
  return [...found].map(([name, text]) => ({ name, text }));
}

async function read(lab: Lab, repository: string, reference: string): Promise<Manifest> {
  const response = await ask(lab, "GET", `/v2/${repository}/manifests/${reference}`, {
    headers: { accept: manifestTypes.join(", ") },
  });
  return {
    type: response.headers.get("content-type") ?? "",
    digest: response.headers.get("docker-content-digest") ?? "",
    bytes: new Uint8Array(await response.arrayBuffer()),
  };
}

async function put(lab: Lab, repository: string, manifest: Manifest, reference: string): Promise<void> {
  await ask(lab, "PUT", `/v2/${repository}/manifests/${reference}`, {
    headers: { "content-type": manifest.type },
    body: Uint8Array.from(manifest.bytes),
  });
}

async function ask(
  lab: Lab,
  method: string,
  path: string,
  options: { headers?: Record<string, string>; body?: Uint8Array<ArrayBuffer> },
  allowed: readonly number[] = [],
): Promise<Response> {
  const { address, username, password } = lab.registry;
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  const response = await fetch(`http://${address}${path}`, {
    ...options,
    method,
    headers: { ...options.headers, authorization },
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok && !allowed.includes(response.status))
    throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response;
}
