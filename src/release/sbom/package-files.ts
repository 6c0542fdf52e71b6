import type { Distribution, ImagePackage } from "./types.ts";

export type FileKind = "dpkg" | "apk" | "npm" | "python" | "os-release";

/** What a file tells. */
export type Told = { packages: readonly ImagePackage[]; distribution: Distribution | null };

/** Bytes of such a file that are read at most: databases of a whole system are the long ones. */
export const FILE_BYTES: Readonly<Record<FileKind, number>> = {
  dpkg: 64 * 1024 * 1024,
  apk: 64 * 1024 * 1024,
  npm: 4 * 1024 * 1024,
  python: 4 * 1024 * 1024,
  "os-release": 64 * 1024,
};

/** Which files tell of packages, by their path in the image without a leading slash; null for all others. */
export function fileKindOf(path: string): FileKind | null {
  if (path === "var/lib/dpkg/status") return "dpkg";
  // Images without a package manager list each package in a file of its own, with its checksums beside it.
  if (/^var\/lib\/dpkg\/status\.d\/[^/]+$/.test(path))
    return /\.(?:md5sums|list|conffiles)$/.test(path) ? null : "dpkg";
  if (path === "lib/apk/db/installed" || path === "usr/lib/apk/db/installed") return "apk";
  if (path === "etc/os-release" || path === "usr/lib/os-release") return "os-release";
  if (/(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/@.][^/]*\/package\.json$/.test(path)) return "npm";
  if (/[^/]\.dist-info\/METADATA$|[^/]\.egg-info(?:\/PKG-INFO)?$/.test(path)) return "python";
  return null;
}

/** Whether a file at this path could stand where a lower layer has a folder with such files. */
export function mayReplaceFolder(path: string): boolean {
  return (
    /(?:^|\/)(?:node_modules|site-packages|dist-packages|dpkg|status\.d|apk|db)$|\.(?:dist|egg)-info$/.test(path) ||
    /(?:^|\/)node_modules\/(?:@[^/]+|(?:@[^/]+\/)?[^/]+)$/.test(path)
  );
}

/** What a file tells; one that is not what its name promises tells nothing. */
export function readPackageFile(kind: FileKind, text: string): Told {
  switch (kind) {
    case "dpkg":
      return { packages: dpkgPackages(text), distribution: null };
    case "apk":
      return { packages: apkPackages(text), distribution: null };
    case "npm":
      return { packages: npmPackage(text), distribution: null };
    case "python":
      return { packages: pythonPackage(text), distribution: null };
    case "os-release":
      return { packages: [], distribution: distributionOf(text) };
  }
}

function dpkgPackages(text: string): ImagePackage[] {
  return text.split(/\n\s*\n/).flatMap((paragraph) => {
    const fields = fieldsOf(paragraph);
    const [name = "", version = "", status] = ["package", "version", "status"].map((field) => fields.get(field));
    // Removed packages stay in the list as long as their configuration does.
    if (name === "" || version === "" || (status !== undefined && !status.endsWith(" installed"))) return [];
    return [{ kind: "deb", name, version, architecture: fields.get("architecture") ?? "", licence: "" } as const];
  });
}

function apkPackages(text: string): ImagePackage[] {
  return text.split(/\n\s*\n/).flatMap((paragraph) => {
    // The case of a letter counts here: `p:` is what a package provides.
    const fields = new Map(paragraph.split("\n").map((line) => [line.slice(0, 2), line.slice(2).trim()] as const));
    const [name = "", version = ""] = [fields.get("P:"), fields.get("V:")];
    if (name === "" || version === "") return [];
    const [architecture = "", licence = ""] = [fields.get("A:"), fields.get("L:")];
    return [{ kind: "apk", name, version, architecture, licence } as const];
  });
}

function npmPackage(text: string): ImagePackage[] {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    // Packages ship broken files for tests of their own; such a folder is no package.
    return [];
  }
  const { name, version, license } = (typeof read === "object" && read !== null ? read : {}) as Record<string, unknown>;
  if (typeof name !== "string" || typeof version !== "string" || name === "" || version === "") return [];
  const type = typeof license === "object" && license !== null ? (license as { type?: unknown }).type : license;
  return [{ kind: "npm", name, version, architecture: "", licence: typeof type === "string" ? type : "" }];
}

function pythonPackage(text: string): ImagePackage[] {
  // A description of any length follows the first empty line.
  const [head = ""] = text.split(/\r?\n\r?\n/, 1);
  const fields = fieldsOf(head);
  const [name = "", version = ""] = [fields.get("name"), fields.get("version")];
  if (name === "" || version === "") return [];
  const stated = fields.get("license-expression") ?? fields.get("license") ?? "";
  const licence = stated === "UNKNOWN" || stated.length > 100 ? "" : stated;
  return [{ kind: "pypi", name, version, architecture: "", licence }];
}

function distributionOf(text: string): Distribution | null {
  const values = new Map(
    text.split("\n").flatMap((line) => {
      const [, name, value] = /^([A-Z_]+)=(.*)$/.exec(line.trim()) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value.replace(/^(["'])(.*)\1$/, "$2")] as const];
    }),
  );
  const id = values.get("ID") ?? "";
  if (id === "") return null;
  return { id, version: values.get("VERSION_ID") ?? "", name: values.get("PRETTY_NAME") ?? id };
}

/** Fields of a paragraph as mail has them, names in lower case; lines that go on are left out. */
function fieldsOf(paragraph: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of paragraph.split(/\r?\n/)) {
    const [, name, value] = /^([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*)$/.exec(line) ?? [];
    if (name === undefined || fields.has(name.toLowerCase())) continue;
    fields.set(name.toLowerCase(), (value ?? "").trim());
  }
  return fields;
}
