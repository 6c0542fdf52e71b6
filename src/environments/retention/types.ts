import type { EnvironmentState } from "../record/types.ts";

/** A release document of the environment's record, as far as a retention has to know it. */
export type StoredDocument = {
  name: string;
  release: string;
  images: readonly StoredImage[];
  /** Hashes of the sets of files that its containers mount. */
  files: readonly string[];
};

export type StoredImage = {
  repository: string;
  /** What is pulled, and the manifest of every platform. */
  digest: string;
  platforms: readonly string[];
  tags: readonly string[];
};

/** What lies on one host that is this environment's. */
export type HostHoldings = {
  host: string;
  /** Containers of releases: of their services, and of their migrations. */
  containers: readonly { id: string; name: string; release: string; running: boolean; imageId: string }[];
  /** Tags of ours that protect images from a prune by hand; `release` is the one that each is for. */
  images: readonly ProtectedImage[];
  /** Ids of images that any other container has, running or not. */
  inUse: readonly string[];
  /** Hashes of the sets of files. */
  files: readonly string[];
};

export type ProtectedImage = { tag: string; release: string; imageId: string };

export type RetentionFacts = {
  state: EnvironmentState;
  /** Successful releases that stay ready for a rollback, the live one not counted. */
  keep: number;
  documents: readonly StoredDocument[];
  /** Deployments whose plan and journal are there. */
  operations: readonly string[];
  hosts: readonly HostHoldings[];
  /** What the registry has; a sentence where it is left alone in this run, `null` where it always is. */
  registry: RegistryFacts | { leftAlone: string } | null;
};

export type HostRemoval = {
  host: string;
  containers: readonly { id: string; name: string; release: string }[];
  images: readonly ProtectedImage[];
  files: readonly string[];
};

/** What goes, in the order in which it goes, and why the rest stays. */
export type Retention = {
  /** Releases that stay, each with its reason. */
  kept: readonly { release: string; why: string }[];
  /** Releases that can be gone back to no more. The record says so before anything of them goes. */
  forgotten: readonly string[];
  registry: readonly RegistryRemoval[];
  hosts: readonly HostRemoval[];
  operations: readonly string[];
  /** Release documents, last: by them the next run knows what a run that was cut off had left. */
  documents: readonly string[];
  /** What is of no use to this environment and stays all the same: each a sentence. */
  stays: readonly string[];
};

/** What one repository has. */
export type RepositoryFacts = {
  repository: string;
  tags: readonly { tag: string; digest: string }[];
  /** Manifests that are there, of those that this environment's documents name. */
  manifests: readonly string[];
  /** The indexes that tags name, with the manifests of their platforms. */
  indexes: readonly { digest: string; manifests: readonly string[] }[];
};

export type RegistryFacts = {
  repositories: readonly RepositoryFacts[];
  /** Digests that other environments' records name, whatever for. */
  neededElsewhere: ReadonlySet<string>;
  /** Prefixes of the tags of all environments. Whether an environment needs an image is said by its record, and not by such a tag. */
  prefixes: readonly string[];
};

/** A manifest that goes, with the tags that name it. */
export type RegistryRemoval = { repository: string; digest: string; tags: readonly string[] };
