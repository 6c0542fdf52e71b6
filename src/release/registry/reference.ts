import { registryError } from "./errors.ts";
import type { ImageReference } from "./types.ts";

const DOCKER_HUB = "docker.io";
const DOCKER_HUB_API = "registry-1.docker.io";
const DOCKER_HUB_NAMES: ReadonlySet<string> = new Set([DOCKER_HUB, "index.docker.io", DOCKER_HUB_API]);

// The grammar is that of the distribution project's reference package, which the engine uses as well.
const DOMAIN =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\])(?::[0-9]{1,5})?$/;
const PART = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const DIGEST = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;

/**
 * Reads `[host[:port]/]name[:tag][@digest]`. Docker Hub's short forms are written out: `nginx` is `docker.io/library/nginx`.
 * A reference with neither tag nor digest stays so: nothing here means `latest`. Errors: `registry/bad-reference`.
 */
export function parseReference(text: string): ImageReference {
  const [named = "", digest = null, ...more] = text.split("@");
  if (more.length > 0) throw badReference(text, "it has more than one @");
  if (digest !== null && !isDigest(digest))
    throw badReference(text, "its digest is not sha256 or sha512 in hexadecimal");

  const colon = named.lastIndexOf(":");
  const hasTag = colon > named.lastIndexOf("/");
  const tag = hasTag ? named.slice(colon + 1) : null;
  if (tag !== null && !isTag(tag)) throw badReference(text, "its tag has characters that no tag has, or too many");

  const name = hasTag ? named.slice(0, colon) : named;
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const isHost = /[.:A-Z]/.test(first) || first === "localhost";
  const registry = isHost ? normalHost(first) : DOCKER_HUB;
  const path = isHost ? name.slice(slash + 1) : name;
  const repository = registry === DOCKER_HUB && !path.includes("/") ? `library/${path}` : path;

  if (!DOMAIN.test(registry)) throw badReference(text, "its host name is none");
  if (!path.split("/").every((part) => PART.test(part)))
    throw badReference(text, "its name has characters that no image has");
  if (repository.length > 255) throw badReference(text, "its name is longer than 255 characters");
  return { registry, repository, tag, digest };
}

/** The reference written out in full, as `parseReference` reads it. */
export function formatReference(reference: ImageReference): string {
  const tag = reference.tag === null ? "" : `:${reference.tag}`;
  const digest = reference.digest === null ? "" : `@${reference.digest}`;
  return `${reference.registry}/${reference.repository}${tag}${digest}`;
}

/** What of a reference a registry is asked for: the digest where there is one, otherwise the tag. */
export function nameOf(reference: ImageReference): string {
  const name = reference.digest ?? reference.tag;
  if (name === null) throw badReference(formatReference(reference), "it has neither tag nor digest");
  return name;
}

/** The host (and port) whose API serves a registry; Docker Hub's has another name than its images. */
export function apiHost(registry: string): string {
  return registry === DOCKER_HUB ? DOCKER_HUB_API : registry;
}

export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** Whether a tag holds the list of what refers to an image, as the distribution specification 1.1 names it: it is no image to deploy. */
export function isReferrersTag(tag: string): boolean {
  return /^sha256-[a-f0-9]{64}$/.test(tag);
}

/** The tag under which registries without a referrers API keep what refers to a manifest. */
export function referrersTag(digest: string): string {
  return digest.replace(":", "-").slice(0, 128);
}

export function isDigest(text: string): boolean {
  return DIGEST.test(text);
}

function normalHost(host: string): string {
  const lower = host.toLowerCase();
  return DOCKER_HUB_NAMES.has(lower) ? DOCKER_HUB : lower;
}

function badReference(text: string, why: string): Error {
  return registryError("registry/bad-reference", `${JSON.stringify(text)}, because ${why}`);
}
