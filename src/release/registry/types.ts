import type { RegistryAuth } from "../../hosts/engine.ts";

/**
 * The registry: where images lie between the build and the hosts. Every implementation keeps to this:
 *
 * - **Content is what its digest says.** Whatever comes back was hashed and compared; a mismatch is `registry/bad-answer`, never data.
 * - **What may be repeated.** Everything: reads change nothing, writes are whole and convergent (the same bytes under the same name).
 * - **Concurrency.** Calls may overlap. Two that set one tag leave it at one of theirs.
 * - **After a failure.** A manifest is stored completely or not at all. A tag that could not be moved stays where it was.
 * - **Time.** Every call ends within the deadline given at construction, retries included, or at once when its signal is aborted, with
 *   the signal's reason.
 *
 * Errors of all calls: `registry/unauthorized` (login missing or wrong), `registry/denied` (logged in, but may not), `registry/not-found`,
 * `registry/unavailable` (network, time-out, 5xx), `registry/rate-limited`, `registry/bad-answer`, `registry/bad-reference`; and those of
 * finding a login.
 * No error carries a credential or token.
 */
export type Registry = {
  /** What a tag or digest stands for, platform by platform; `null` when the registry does not have it. */
  resolve(reference: ImageReference, call?: CallOptions): Promise<ResolvedImage | null>;
  /** The manifest or index, as the registry holds it. The digest counts where a reference has tag and digest. */
  manifest(reference: ImageReference, call?: CallOptions): Promise<Manifest>;
  /**
   * What a tag or digest names, without its content; `null` when the registry does not have it. Costs little: a registry counts no pull for it.
   */
  head(reference: ImageReference, call?: CallOptions): Promise<{ digest: string; mediaType: string } | null>;
  /** Whether the registry has it. A registry that hides what one may not see answers `registry/denied`, not `false`. */
  exists(reference: ImageReference, call?: CallOptions): Promise<boolean>;
  /** Lets `toTag` name the manifest with this digest, byte for byte; no layer is moved. */
  tag(repository: Repository, fromDigest: string, toTag: string, call?: CallOptions): Promise<void>;
  /** Stores a manifest under its digest and, if given, a tag. What it names has to be there. Answers the digest. */
  putManifest(repository: Repository, manifest: NewManifest, call?: CallOptions): Promise<string>;
  /**
   * Takes a manifest away, with every tag that names it; whoever asks has made sure that nobody needs them. What is gone already is fine. Layers go when the
   * registry collects its garbage. Errors: `registry/delete-unsupported` where the registry takes nothing away by its API.
   */
  deleteManifest(repository: Repository, digest: string, call?: CallOptions): Promise<void>;
  /** A small blob, as a configuration; at most `maxBytes` (4 MiB). */
  blob(repository: Repository, digest: string, call?: CallOptions & { maxBytes?: number }): Promise<Uint8Array>;
  /** Stores a small blob and answers its digest. One that is there already is not sent again. */
  uploadBlob(repository: Repository, bytes: Uint8Array, call?: CallOptions): Promise<string>;
  /**
   * What names a manifest as its `subject` (its SBOM, its provenance, signatures of others), as the registry's referrers API lists it.
   * `null` when the registry has no such API: then a list lies under a tag, see `referrersOf`.
   */
  referrers(repository: Repository, digest: string, call?: CallOptions): Promise<readonly Descriptor[] | null>;
  /** All tags of a repository, sorted; at most 10,000. Empty when the repository has none or does not exist. */
  listTags(repository: Repository, call?: CallOptions): Promise<string[]>;
};

export type CallOptions = { signal?: AbortSignal };

export type Repository = {
  /** Host and port, for example `registry.example.com:5000`; `docker.io` for Docker Hub. */
  registry: string;
  /** The path in the registry, for example `library/nginx`. */
  repository: string;
};

export type ImageReference = Repository & { tag: string | null; digest: string | null };

/**
 * What logs in at a registry: a name with its password, or the token that `docker login` got from a registry's own sign-in (an OAuth 2 refresh token). In memory
 * only: never in an argument, a log, an error or a record.
 */
export type RegistryCredentials = { username: string; password: string } | { identityToken: string };

/** How one registry is reached; kept in memory only. */
export type RegistryAccess = {
  /** What logs in, or how it is found once the registry asks for it; with `again` it is found anew, because what was found before was refused. */
  credentials: RegistryCredentials | null | ((again: boolean) => Promise<RegistryCredentials | null>);
  /** Plain http; never used unless this says so. */
  insecure: boolean;
};

export type Descriptor = {
  mediaType: string;
  digest: string;
  /** Bytes. */
  size: number;
  platform?: { os: string; architecture: string; variant?: string | undefined } | undefined;
  annotations?: Readonly<Record<string, string>> | undefined;
  /** What kind of document a referrer is. */
  artifactType?: string | undefined;
};

export type ManifestContent =
  | { kind: "index"; manifests: readonly Descriptor[] }
  | { kind: "image"; config: Descriptor; layers: readonly Descriptor[] };

export type Manifest = {
  digest: string;
  mediaType: string;
  /** Exactly as stored; their hash is the digest. */
  bytes: Uint8Array;
  content: ManifestContent;
};

export type NewManifest = { mediaType: string; bytes: Uint8Array; tag?: string };

export type PlatformImage = {
  /** Digest of the platform's manifest. */
  manifest: string;
  /** Digest of its configuration. */
  config: string;
  /** Bytes of the manifest itself. */
  size: number;
  mediaType: string;
};

export type ResolvedImage = {
  /** Present when the reference names an index and not a single manifest. */
  index?: { digest: string; mediaType: string };
  /** By platform: `linux/amd64`, `linux/arm64`, `linux/arm/v7`. */
  platforms: Readonly<Record<string, PlatformImage>>;
};

/** The login that the configuration names for the project's own registry. */
export type RegistryLogin = { address: string; username: string; password: string };

/**
 * Finds what an engine needs to log in where an image lies (`registry.example.com/shop/web`); `undefined` for no login. It travels with that pull or push alone, and
 * is written nowhere.
 */
export type EngineLogin = (repository: string) => Promise<RegistryAuth | undefined>;
