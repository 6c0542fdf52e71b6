import { createHash } from "node:crypto";
import type { Check, CheckService } from "../config/types.ts";
import { canonical } from "./canonical.ts";
import type { CheckJob } from "./types.ts";

/** Changes when entries of older programs must no longer be found. */
const format = 1;

/** What decides nothing about a result: how it is called, how long it may take, how often it is tried, and what happens with its result. */
type WithoutInfluence = "name" | "timeoutMs" | "retries" | "cached" | "required";
/** What stands in the key as what it meant for this run: the files instead of the patterns, the digest instead of the name. */
type Resolved = "place" | "files" | "secrets" | "services" | "matrix" | "needs";

/** A file that a check gets, as git has it. */
export type KeyFile = {
  /** From the root of the repository. */
  readonly path: string;
  /** A file, a program, or a symbolic link (whose content is its target). */
  readonly mode: "100644" | "100755" | "120000";
  /** Hash of its content: git's own, or any other that is always the same one. */
  readonly hash: string;
};

/** What only the run knows. */
export type CacheFacts = {
  readonly files: readonly KeyFile[];
  /** `machine` names what a process finds: system and architecture, and not the Node.js that runs Shiplock. */
  readonly place:
    | { readonly kind: "container"; readonly imageDigest: string }
    | { readonly kind: "process"; readonly machine: string };
  /** `hashSecret` of the values, by name. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Digests of the services' images, by the service's name. */
  readonly serviceDigests: Readonly<Record<string, string>>;
  /** Hashes of what the needed jobs hand over, by job. */
  readonly needs: Readonly<Record<string, string>>;
};

type KeyService = Omit<CheckService, "image" | "startPeriodMs"> & { readonly imageDigest: string };

/** Everything that a check's result depends on. A new property of a check is among them unless it is left out by name above. */
export type CacheIngredients = Omit<Check, WithoutInfluence | Resolved> &
  Omit<CacheFacts, "serviceDigests"> & {
    readonly matrix: Readonly<Record<string, string>>;
    readonly services: readonly KeyService[];
  };

/**
 * The ingredients of a job's key.
 * @throws Error where the facts lack the digest of a service's image: a key without it would find results of another image
 */
export function ingredientsOf(job: CheckJob, facts: CacheFacts): CacheIngredients {
  const {
    name: _name,
    timeoutMs: _timeoutMs,
    retries: _retries,
    cached: _cached,
    required: _required,
    services,
    ...check
  } = job.check;
  const { serviceDigests, ...resolved } = facts;
  return {
    ...check,
    ...resolved,
    matrix: job.matrix,
    services: services.map(({ image, startPeriodMs: _startPeriodMs, ...service }) => {
      const imageDigest = Object.hasOwn(serviceDigests, service.name) ? serviceDigests[service.name] : undefined;
      if (imageDigest === undefined) throw new Error(`no digest of the image ${image} of the service ${service.name}`);
      return { ...service, imageDigest };
    }),
  };
}

/** The key of a result: SHA-256 in hexadecimal over everything that the result depends on. The order of files, services and maps does not matter. */
export function cacheKey(ingredients: CacheIngredients): string {
  const files = [...ingredients.files].sort((left, right) => (left.path < right.path ? -1 : 1));
  const services = [...ingredients.services].sort((left, right) => (left.name < right.name ? -1 : 1));
  return sha256(canonical({ format, ...ingredients, files, services }));
}

/**
 * The hash of all definitions, SHA-256 in hexadecimal: what a record of passed checks is bound to besides its commit. Their order does not matter,
 * everything else does, so that a relaxed threshold or a check that is no longer required asks for new results.
 */
export function definitionsHash(checks: Readonly<Record<string, Check>>): string {
  return sha256(canonical({ format, checks }));
}

/** What stands for a secret's value in a key. Written nowhere by itself: a short secret could be guessed from it. */
export function hashSecret(value: string): string {
  return sha256(value);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
