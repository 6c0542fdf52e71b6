import { type Clock, systemClock } from "../../clock.ts";
import { registryError } from "./errors.ts";
import { checkDigest, digestOf, MANIFEST_TYPES, OCI_INDEX, parseJson, readManifest } from "./manifest.ts";
import { answerChallenge } from "./login.ts";
import { apiHost, formatReference, isDigest, isTag, nameOf } from "./reference.ts";
import { errorsOf, isUnauthorized, refusal, refusesLogin } from "./refusal.ts";
import { resolveImage } from "./resolve.ts";
import { type Budget, type HttpAnswer, type HttpRequest, send, type Transport } from "./transport.ts";
import type { CallOptions, ImageReference, Registry, RegistryAccess, Repository } from "./types.ts";

export type RegistryOptions = {
  /** How a registry is reached (`docker.io`, `registry.example.com:5000`), asked before every call. */
  access: (registry: string) => Promise<RegistryAccess>;
  fetch?: typeof globalThis.fetch;
  clock?: Clock;
  random?: () => number;
  /** Milliseconds for one call with all its attempts (60,000). */
  deadlineMs?: number;
  /** Milliseconds for one attempt (15,000). */
  attemptTimeoutMs?: number;
  /** How often a request is sent at most (5). */
  attempts?: number;
};

type Action = "pull" | "pull,push" | "delete";
type Wanted = Pick<HttpRequest, "method" | "body" | "maxBytes"> & {
  /** Below `/v2/<repository>/`, or from the registry's root. */
  path: string;
  action: Action;
  headers?: Readonly<Record<string, string>>;
};

const MANIFEST_BYTES = 4 * 1024 * 1024;
/** The share of a token's life for which it is used, so that it does not end on its way. */
const LIFE_USED = 0.9;
const TAGS_PER_PAGE = 1000;
const TAGS_AT_MOST = 10_000;

/** A client for registries that speak the OCI distribution protocol. Does nothing until it is called. */
export function createRegistryClient(options: RegistryOptions): Registry {
  const transport: Transport = {
    fetch: options.fetch ?? globalThis.fetch,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
    attempts: options.attempts ?? 5,
    attemptTimeoutMs: options.attemptTimeoutMs ?? 15_000,
  };
  /** Logins that were accepted, by registry, repository and action, and until when (by `clock.elapsed`) they will be. */
  const logins = new Map<string, { header: string; until: number }>();

  function budgetOf(call: CallOptions): Budget {
    return { deadline: transport.clock.elapsed() + (options.deadlineMs ?? 60_000), signal: call.signal };
  }

  async function ask(at: ImageReference, wanted: Wanted, budget: Budget): Promise<HttpAnswer> {
    const { registry, repository } = at;
    const where = formatReference(at);
    const access = await options.access(registry);
    const base = `${access.insecure ? "http" : "https"}://${apiHost(registry)}/v2/${repository}/`;
    const { action, path, headers, ...rest } = wanted;
    const url = new URL(path, base);
    // An upload may go on at another host, which gets no login of this one.
    const own = url.origin === new URL(base).origin;
    const request = { ...rest, url, insecure: access.insecure, where };
    const key = `${registry} ${repository} ${action}`;
    const sendAs = (login: string | null) =>
      send(transport, { ...request, headers: { ...headers, ...(login ? { authorization: login } : {}) } }, budget);

    const known = own ? logins.get(key) : undefined;
    const kept = known !== undefined && transport.clock.elapsed() < known.until ? known : null;
    let answer = await sendAs(kept?.header ?? null);
    if (!own || !refusesLogin(answer, wanted.method)) return answer;
    logins.delete(key);
    // ECR tells that a login has expired without saying what it wants; asked without one, it does.
    if (answer.status !== 401 && kept !== null) answer = await sendAs(null);
    if (answer.status !== 401) return answer;
    const { insecure, credentials } = access;
    const challenge = answer.headers.get("www-authenticate");
    const scope = `repository:${repository}:${action}`;
    // What a helper gave before may have expired since, so what it finds is had anew, once.
    const tries = typeof credentials === "function" ? [false, true] : [false];
    for (const again of tries) {
      const found = typeof credentials === "function" ? await credentials(again) : credentials;
      const asked = { credentials: found, insecure, scope, where, budget };
      const login = await answerChallenge(transport, challenge, asked).catch((error: unknown) => {
        if (again || tries.length === 1 || !isUnauthorized(error)) throw error;
        return "refused" as const;
      });
      if (login === "refused") continue;
      if (login === null)
        throw registryError("registry/unauthorized", `${registry} wants one, and none is given`, { where });
      answer = await sendAs(login.header);
      if (refusesLogin(answer, wanted.method)) continue;
      const life = login.lifeMs === null ? Number.POSITIVE_INFINITY : login.lifeMs * LIFE_USED;
      logins.set(key, { header: login.header, until: transport.clock.elapsed() + life });
      return answer;
    }
    return answer;
  }

  async function readAt(reference: ImageReference, budget: Budget) {
    const where = formatReference(reference);
    const name = nameOf(reference);
    const headers = { accept: MANIFEST_TYPES.join(", ") };
    const wanted = {
      method: "GET",
      path: `manifests/${name}`,
      action: "pull",
      headers,
      maxBytes: MANIFEST_BYTES,
    } as const;
    const answer = await ask(reference, wanted, budget);
    if (answer.status !== 200) throw refusal(answer, where);
    const claimed = claimedDigest(answer, where);
    if (claimed !== null) checkDigest(answer.body, claimed, where);
    const digest = isDigest(name) ? checkDigest(answer.body, name, where) : (claimed ?? digestOf(answer.body));
    const mediaType = answer.headers.get("content-type")?.split(";")[0]?.trim() ?? null;
    return readManifest(answer.body, { digest, mediaType, where });
  }

  async function headOf(reference: ImageReference, budget: Budget): Promise<HttpAnswer | null> {
    const headers = { accept: MANIFEST_TYPES.join(", ") };
    const path = `manifests/${nameOf(reference)}`;
    const wanted = { method: "HEAD", path, action: "pull", headers, maxBytes: MANIFEST_BYTES } as const;
    const answer = await ask(reference, wanted, budget);
    if (answer.status === 404) return null;
    if (answer.status !== 200) throw refusal(answer, formatReference(reference));
    return answer;
  }

  async function putAt(at: ImageReference, mediaType: string, bytes: Uint8Array, budget: Budget): Promise<void> {
    const where = formatReference(at);
    const headers = { "content-type": mediaType };
    const path = `manifests/${nameOf(at)}`;
    const answer = await ask(
      at,
      { method: "PUT", path, action: "pull,push", headers, body: bytes, maxBytes: 65_536 },
      budget,
    );
    if (answer.status < 200 || answer.status > 299) throw refusal(answer, where);
    const claimed = claimedDigest(answer, where);
    if (claimed !== null) checkDigest(bytes, claimed, where);
  }

  const client: Registry = {
    resolve: (reference, call) => resolveImage(client, reference, call),
    manifest: (reference, call = {}) => readAt(reference, budgetOf(call)),

    async exists(reference, call = {}) {
      return (await headOf(reference, budgetOf(call))) !== null;
    },

    async head(reference, call = {}) {
      const budget = budgetOf(call);
      const answer = await headOf(reference, budget);
      if (answer === null) return null;
      const digest = claimedDigest(answer, formatReference(reference)) ?? reference.digest;
      const mediaType = answer.headers.get("content-type")?.split(";")[0]?.trim();
      if (digest !== null && mediaType !== undefined) return { digest, mediaType };
      // Not every registry says it without the content.
      const manifest = await readAt(reference, budget);
      return { digest: manifest.digest, mediaType: manifest.mediaType };
    },

    async deleteManifest(repository, digest, call = {}) {
      const at = { ...place(repository), digest };
      const where = formatReference(at);
      if (!isDigest(digest)) throw registryError("registry/bad-reference", `the digest ${JSON.stringify(digest)}`);
      const wanted = { method: "DELETE", path: `manifests/${digest}`, action: "delete", maxBytes: 65_536 } as const;
      const answer = await ask(at, wanted, budgetOf(call));
      if ((answer.status >= 200 && answer.status <= 299) || answer.status === 404) return;
      if (answer.status === 405 || errorsOf(answer).some(({ code }) => code === "UNSUPPORTED"))
        throw registryError("registry/delete-unsupported", repository.registry, { where });
      throw refusal(answer, where);
    },

    async tag(repository, fromDigest, toTag, call = {}) {
      const budget = budgetOf(call);
      const target = { ...place(repository), tag: checkTag(toTag) };
      const manifest = await readAt({ ...place(repository), digest: fromDigest }, budget);
      await putAt(target, manifest.mediaType, manifest.bytes, budget);
    },

    async putManifest(repository, { mediaType, bytes, tag }, call = {}) {
      const budget = budgetOf(call);
      const digest = digestOf(bytes);
      if (tag !== undefined) checkTag(tag);
      await putAt({ ...place(repository), digest }, mediaType, bytes, budget);
      if (tag !== undefined) await putAt({ ...place(repository), tag }, mediaType, bytes, budget);
      return digest;
    },

    async blob(repository, digest, { maxBytes = MANIFEST_BYTES, ...call } = {}) {
      const at = { ...place(repository), digest };
      const where = formatReference(at);
      if (!isDigest(digest)) throw registryError("registry/bad-reference", `the digest ${JSON.stringify(digest)}`);
      const answer = await ask(
        at,
        { method: "GET", path: `blobs/${digest}`, action: "pull", maxBytes },
        budgetOf(call),
      );
      if (answer.status !== 200) throw refusal(answer, where);
      checkDigest(answer.body, digest, where);
      return answer.body;
    },

    async uploadBlob(repository, bytes, call = {}) {
      const budget = budgetOf(call);
      const digest = digestOf(bytes);
      const at = { ...place(repository), digest };
      const where = formatReference(at);
      const write = { action: "pull,push", maxBytes: 65_536 } as const;
      const there = await ask(at, { ...write, method: "HEAD", path: `blobs/${digest}` }, budget);
      if (there.status === 200) return digest;
      const begun = await ask(at, { ...write, method: "POST", path: "blobs/uploads/" }, budget);
      const location = begun.headers.get("location");
      if (begun.status !== 202) throw refusal(begun, where);
      if (location === null) throw registryError("registry/bad-answer", "an upload without a place", { where });
      const path = `${location}${location.includes("?") ? "&" : "?"}digest=${encodeURIComponent(digest)}`;
      const headers = { "content-type": "application/octet-stream" };
      const answer = await ask(at, { ...write, method: "PUT", path, headers, body: bytes }, budget);
      if (answer.status < 200 || answer.status > 299) throw refusal(answer, where);
      return digest;
    },

    async referrers(repository, digest, call = {}) {
      if (!isDigest(digest)) throw registryError("registry/bad-reference", `the digest ${JSON.stringify(digest)}`);
      const at = { ...place(repository), digest };
      const where = formatReference(at);
      const path = `referrers/${digest}`;
      const headers = { accept: OCI_INDEX };
      const wanted = { method: "GET", path, action: "pull", headers, maxBytes: MANIFEST_BYTES } as const;
      const answer = await ask(at, wanted, budgetOf(call));
      // The specification demands 200 of a registry that has the API; some of those without it say 405 or 400.
      if ([400, 404, 405].includes(answer.status)) return null;
      if (answer.status !== 200) throw refusal(answer, where);
      const { content } = readManifest(answer.body, { digest: "", mediaType: OCI_INDEX, where });
      return content.kind === "index" ? content.manifests : [];
    },

    async listTags(repository, call = {}) {
      const budget = budgetOf(call);
      const at = place(repository);
      const where = formatReference(at);
      const tags = new Set<string>();
      let path: string | null = `tags/list?n=${TAGS_PER_PAGE}`;
      while (path !== null) {
        const answer: HttpAnswer = await ask(
          at,
          { method: "GET", path, action: "pull", maxBytes: MANIFEST_BYTES },
          budget,
        );
        if (answer.status === 404) return [];
        if (answer.status !== 200) throw refusal(answer, where);
        const before = tags.size;
        for (const tag of tagsOf(answer, where)) tags.add(tag);
        if (tags.size > TAGS_AT_MOST)
          throw registryError("registry/bad-answer", `more than ${TAGS_AT_MOST} tags`, { where });
        // A page without anything new would go on for ever.
        path = tags.size === before ? null : nextPage(answer, where);
      }
      return [...tags].sort();
    },
  };
  return client;
}

function place({ registry, repository }: Repository): ImageReference {
  return { registry, repository, tag: null, digest: null };
}

function checkTag(tag: string): string {
  if (!isTag(tag)) throw registryError("registry/bad-reference", `the tag ${JSON.stringify(tag)}`);
  return tag;
}

function claimedDigest(answer: HttpAnswer, where: string): string | null {
  const claimed = answer.headers.get("docker-content-digest");
  if (claimed !== null && !isDigest(claimed))
    throw registryError("registry/bad-answer", "a digest that is none", { where });
  return claimed;
}

/** The path and query of the next page's Link header; its host is not followed, so a login never leaves for another. */
function nextPage(answer: HttpAnswer, where: string): string | null {
  const target = /<([^>]+)>\s*;\s*rel="?next"?/.exec(answer.headers.get("link") ?? "")?.[1];
  if (target === undefined) return null;
  const url = URL.parse(target, "http://registry.invalid/");
  if (url === null || !url.pathname.startsWith("/v2/")) {
    throw registryError("registry/bad-answer", "a next page that is none", { where });
  }
  return `${url.pathname}${url.search}`;
}

function tagsOf(answer: HttpAnswer, where: string): string[] {
  const { tags } = (parseJson(answer.body, where) ?? {}) as { tags?: unknown };
  if (tags === null || tags === undefined) return [];
  if (Array.isArray(tags) && tags.every((tag) => typeof tag === "string")) return tags;
  throw registryError("registry/bad-answer", "no list of tags", { where });
}
