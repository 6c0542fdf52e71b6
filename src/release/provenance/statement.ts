import type { Image } from "../../config/types.ts";
import { maskedJson } from "../../secrets/mask.ts";

/** Media type of an in-toto statement. */
export const IN_TOTO_TYPE = "application/vnd.in-toto+json";

/** What identifies how an image was made; docs/scanning.md describes it. */
const BUILD_TYPE = "urn:shiplock:build:v1";
const BUILDER = "urn:shiplock:builder:command-line";

/** An image that the build started from. */
export type BaseImage = {
  /** As the Dockerfile names it. */
  reference: string;
  /** `sha256:…`, where it is known. */
  digest: string | null;
};

export type BuildFacts = {
  image: Image;
  /** Build arguments as they were filled in. None holds a secret: such a build is refused. */
  args: Readonly<Record<string, string>>;
  /** The environment whose values are baked in, or null. */
  environment: string | null;
  commit: { hash: string; ref: string | null };
  /** Built from the working tree instead of a clean checkout: then the commit is only where it began. */
  dirty: boolean;
  /** Where the repository is fetched from, without a login; null when it has no remote. */
  repository: string | null;
  bases: readonly BaseImage[];
  /** Digest of the image, and the manifest of each platform. */
  digest: string;
  platforms: Readonly<Record<string, string>>;
  versions: Readonly<Record<string, string>>;
  invocation: string;
  /** ISO 8601 */
  startedOn: string;
  finishedOn: string;
};

/**
 * How an image came to be, as an in-toto statement with SLSA's provenance predicate v1. Secrets stand in it by name.
 * @param mask takes the values of secrets out of a text, should an argument hold one after all
 * @returns JSON as UTF-8
 */
export function provenanceOf(facts: BuildFacts, mask: (text: string) => string): Buffer {
  const { image, commit, dirty } = facts;
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    subject: subjectsOf(facts),
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: {
      buildDefinition: {
        buildType: BUILD_TYPE,
        externalParameters: {
          source: { repository: facts.repository ?? "", ref: commit.ref ?? commit.hash, workingTree: dirty },
          image: image.name,
          context: image.context,
          dockerfile: image.dockerfile,
          target: image.target ?? "",
          platforms: image.platforms,
          network: image.network ?? "default",
          arguments: facts.args,
          secrets: image.secrets,
          environment: facts.environment ?? "",
        },
        resolvedDependencies: [sourceOf(facts), ...facts.bases.map(baseOf)],
      },
      runDetails: {
        builder: { id: BUILDER, version: facts.versions },
        metadata: {
          invocationId: facts.invocation,
          startedOn: new Date(facts.startedOn).toISOString(),
          finishedOn: new Date(facts.finishedOn).toISOString(),
        },
      },
    },
  };
  return Buffer.from(`${maskedJson(statement, mask, 1)}\n`, "utf8");
}

/**
 * An address of a repository without what logs in: user and password of an address by HTTP, and the password of one by SSH. A path of this machine is
 * no address for others, and answers null.
 */
export function withoutLogin(remote: string): string | null {
  const text = remote.trim();
  const short = /^(?:[^@/\s:]+@)?([A-Za-z0-9._-]+):(?!\/\/)(.+)$/.exec(text);
  if (short !== null && !/^[A-Za-z]:[\\/]/.test(text)) return `ssh://git@${short[1]}/${short[2]?.replace(/^\/+/, "")}`;
  const url = URL.parse(text);
  if (url === null || !["http:", "https:", "ssh:", "git:"].includes(url.protocol)) return null;
  url.password = "";
  // By SSH the user is part of the address, most often `git`; by HTTP it can be a token.
  if (url.protocol !== "ssh:") url.username = "";
  url.search = "";
  url.hash = "";
  return url.href;
}

/** The images that a Dockerfile starts from, as it names them; those that a build argument chooses are left out. */
export function basesIn(dockerfile: string): string[] {
  const stages = new Set<string>();
  const bases = new Set<string>();
  for (const line of dockerfile.replaceAll(/\\\r?\n/g, " ").split("\n")) {
    const [, image, stage] = /^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?\s*$/i.exec(line.trimEnd()) ?? [];
    if (image === undefined) continue;
    if (image !== "scratch" && !image.includes("$") && !stages.has(image.toLowerCase())) bases.add(image);
    if (stage !== undefined) stages.add(stage.toLowerCase());
  }
  return [...bases];
}

function subjectsOf({ image, digest, platforms }: BuildFacts) {
  const others = Object.entries(platforms).filter(([, manifest]) => manifest !== digest);
  return [
    { name: image.repository, digest: digestSet(digest) },
    ...others.map(([platform, manifest]) => ({
      name: `${image.repository} (${platform})`,
      digest: digestSet(manifest),
    })),
  ];
}

function sourceOf({ repository, commit, dirty }: BuildFacts) {
  const uri = repository === null ? {} : { uri: `git+${repository}${commit.ref === null ? "" : `@${commit.ref}`}` };
  return {
    name: dirty ? "source, with changes of a working tree" : "source",
    ...uri,
    digest: { gitCommit: commit.hash },
  };
}

function baseOf({ reference, digest }: BaseImage) {
  return { name: "base image", uri: `docker:${reference}`, ...(digest === null ? {} : { digest: digestSet(digest) }) };
}

function digestSet(digest: string): Record<string, string> {
  const [algorithm = "", hex = ""] = digest.split(":");
  return { [algorithm]: hex };
}
