import { createHash } from "node:crypto";
import type { Distribution, ImageContents, ImagePackage } from "./types.ts";

export type SbomSubject = {
  /** Full name in the registry. */
  repository: string;
  /** Digest of the platform's manifest. */
  digest: string;
  platform: string;
  /** Of the commit, ISO 8601: the same commit and image give the same document. */
  time: string;
  commit: string;
};

/**
 * A CycloneDX 1.6 document of the packages in an image. Without chance or clock: the same image of the same commit gives the same bytes.
 * @returns JSON as UTF-8
 */
export function cycloneDx(subject: SbomSubject, contents: ImageContents): Buffer {
  const { repository, digest, platform, commit } = subject;
  const { distribution, packages, unread } = contents;
  const name = repository.split("/").at(-1) ?? repository;
  const purl = `pkg:oci/${encodePurl(name)}@${encodePurl(digest)}?repository_url=${encodePurl(repository)}`;
  const document = {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: serialOf(subject),
    version: 1,
    metadata: {
      timestamp: new Date(subject.time).toISOString(),
      tools: { components: [{ type: "application", name: "shiplock" }] },
      component: {
        "bom-ref": purl,
        type: "container",
        name: repository,
        version: digest,
        purl,
        properties: [
          { name: "shiplock:platform", value: platform },
          { name: "shiplock:commit", value: commit },
          // Whoever reads the list should know that it is not whole.
          ...(unread === 0 ? [] : [{ name: "shiplock:unreadFiles", value: String(unread) }]),
        ],
      },
    },
    components: [
      ...(distribution === null ? [] : [systemOf(distribution)]),
      ...byPurl(packages, distribution).map(([address, found]) => componentOf(address, found)),
    ],
  };
  return Buffer.from(`${JSON.stringify(document, null, 1)}\n`, "utf8");
}

function systemOf({ id, version, name }: Distribution) {
  return {
    "bom-ref": `os:${id}@${version}`,
    type: "operating-system",
    name: id,
    ...(version === "" ? {} : { version }),
    description: name,
  };
}

type Located = ImagePackage & { paths: readonly string[] };

/** One entry for each package URL: names that differ only in how they are written are one package. */
function byPurl(packages: readonly Located[], distribution: Distribution | null): (readonly [string, Located])[] {
  const all = new Map<string, Located>();
  for (const found of packages) {
    const purl = purlOf(found, distribution);
    const known = all.get(purl);
    const paths = [...new Set([...(known?.paths ?? []), ...found.paths])].sort();
    all.set(purl, { ...(known ?? found), paths });
  }
  return [...all].sort(([left], [right]) => (left < right ? -1 : 1));
}

function componentOf(purl: string, found: Located) {
  const { group, name } = nameParts(found);
  return {
    "bom-ref": purl,
    type: "library",
    ...(group === "" ? {} : { group }),
    name,
    version: found.version,
    ...(found.licence === "" ? {} : { licenses: [{ license: { name: found.licence } }] }),
    purl,
    evidence: { occurrences: found.paths.map((path) => ({ location: `/${path}` })) },
  };
}

/** The package URL (github.com/package-url/purl-spec) of what was found. */
export function purlOf(found: ImagePackage, distribution: Distribution | null): string {
  const { kind, version, architecture } = found;
  const { group, name } = nameParts(found);
  // A distribution that nobody names is most often Debian's for .deb and Alpine's for .apk.
  const vendor = distribution?.id ?? (kind === "deb" ? "debian" : "alpine");
  const namespace = kind === "deb" || kind === "apk" ? encodePurl(vendor) : encodePurl(group);
  const release = [distribution?.id, distribution?.version]
    .filter((part) => part !== undefined && part !== "")
    .join("-");
  const qualifiers = [
    ...(architecture === "" ? [] : [`arch=${encodePurl(architecture)}`]),
    ...(release === "" || kind === "npm" || kind === "pypi" ? [] : [`distro=${encodePurl(release)}`]),
  ];
  const path = [kind, namespace, encodePurl(kind === "pypi" ? normalPython(name) : name)].filter((part) => part !== "");
  return `pkg:${path.join("/")}@${encodePurl(version)}${qualifiers.length === 0 ? "" : `?${qualifiers.join("&")}`}`;
}

function nameParts({ kind, name }: ImagePackage): { group: string; name: string } {
  const slash = kind === "npm" && name.startsWith("@") ? name.indexOf("/") : -1;
  return slash === -1 ? { group: "", name } : { group: name.slice(0, slash), name: name.slice(slash + 1) };
}

/** Names of Python packages are one whatever case and separators they are written with. */
function normalPython(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, "-");
}

/** Percent-encoding that leaves a colon readable, as the specification has it. */
function encodePurl(text: string): string {
  return encodeURIComponent(text)
    .replaceAll("%3A", ":")
    .replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** A serial number that is the same for the same image: a UUID of version 8, made of a hash. */
function serialOf({ repository, digest, commit }: SbomSubject): string {
  const hash = createHash("sha256")
    .update(JSON.stringify(["shiplock-sbom", repository, digest, commit]))
    .digest("hex");
  const variant = ((Number.parseInt(hash.charAt(16), 16) & 0x3) | 0x8).toString(16);
  const parts = [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `8${hash.slice(13, 16)}`,
    `${variant}${hash.slice(17, 20)}`,
    hash.slice(20, 32),
  ];
  return `urn:uuid:${parts.join("-")}`;
}
