/** A package that is installed in an image. */
export type ImagePackage = {
  kind: "deb" | "apk" | "npm" | "pypi";
  /** As its package manager writes it. */
  name: string;
  version: string;
  /** As its package manager writes it; empty where it has none. */
  architecture: string;
  /** As it is stated, which is seldom an SPDX expression; empty where it is not. */
  licence: string;
};

/** The distribution of an image, as its os-release tells it. */
export type Distribution = { id: string; version: string; name: string };

/** What was found in an image on one platform. */
export type ImageContents = {
  distribution: Distribution | null;
  /** Sorted; a package that lies in several places is there once. */
  packages: readonly (ImagePackage & { paths: readonly string[] })[];
  /** Files that would tell of a package and could not be read: their content lies under another name of the same file. */
  unread: number;
};

/** Media type of a CycloneDX document in JSON. */
export const CYCLONEDX_TYPE = "application/vnd.cyclonedx+json";
