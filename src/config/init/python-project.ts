import { type Pyproject, readPyproject } from "./pyproject.ts";
import { at, filesBelow, firstOf, has, type Tree } from "./tree.ts";

/** How packages are installed, by the file that lists them. */
export type PythonInstaller = "requirements" | "uv" | "poetry" | "pyproject";

/** A folder with Python's lists of packages. */
export type PythonProject = {
  readonly folder: string;
  readonly name: string | undefined;
  readonly installer: PythonInstaller;
  /** The file that lists packages, relative to the root. */
  readonly list: string;
  /** Names of packages, lower-case with hyphens, with their extras: "uvicorn", "celery", "celery[redis]". */
  readonly packages: ReadonlySet<string>;
  readonly development: ReadonlySet<string>;
  /** Where tests' and tools' packages are listed, relative to the root. */
  readonly developmentList: string | undefined;
  readonly pyproject: Pyproject | undefined;
  /** Version of Python for `python:<version>-slim`. */
  readonly python: string;
};

const requirementFiles = [
  "requirements.txt",
  "requirements/production.txt",
  "requirements/prod.txt",
  "requirements/base.txt",
];
const developmentFiles = [
  "requirements-dev.txt",
  "dev-requirements.txt",
  "requirements_dev.txt",
  "requirements-test.txt",
  "requirements/dev.txt",
  "requirements/test.txt",
];
const newest = 13;

/** The project of a folder, or undefined where nothing lists Python packages. */
export function readPythonProject(tree: Tree, folder: string): PythonProject | undefined {
  const requirements = firstOf(tree, folder, requirementFiles);
  const file = at(folder, "pyproject.toml");
  const text = tree.text(file);
  const pyproject = text === undefined ? undefined : readPyproject(text);
  // A pyproject.toml of tools alone lists nothing to install.
  const lists = pyproject !== undefined && pyproject.dependencies.length > 0;
  if (requirements === undefined && !lists) return undefined;
  const developmentList = firstOf(tree, folder, developmentFiles);
  const listed = requirements === undefined ? [] : requirementLines(tree, requirements);
  return {
    folder,
    name: pyproject?.name,
    installer: lists && requirements === undefined ? installerOf(tree, folder, pyproject) : "requirements",
    list: lists && requirements === undefined ? file : (requirements ?? file),
    packages: new Set([...listed, ...(pyproject?.dependencies ?? [])].flatMap(packageNames)),
    development: new Set(
      [
        ...(developmentList === undefined ? [] : requirementLines(tree, developmentList)),
        ...(pyproject?.development ?? []),
      ].flatMap(packageNames),
    ),
    developmentList,
    pyproject,
    python: pythonVersion(tree, folder, pyproject?.requiresPython),
  };
}

/** The Python sources of a project without its tests, relative to the root. */
export function pythonSources(tree: Tree, folder: string): readonly string[] {
  return filesBelow(tree, folder).filter(
    (path) => path.endsWith(".py") && !/(^|\/)(tests?|migrations|\.venv|venv)\/|(^|\/)(test_|conftest)/.test(path),
  );
}

/** The name that a source is imported by, from the folder that the program runs in: "app/main.py" is "app.main". */
export function moduleOf(folder: string, path: string): string {
  const inside = folder === "" ? path : path.slice(folder.length + 1);
  return inside
    .replace(/^src\//, "")
    .replace(/(\/__init__)?\.py$/, "")
    .replaceAll("/", ".");
}

function installerOf(tree: Tree, folder: string, pyproject: Pyproject): PythonInstaller {
  if (has(tree, at(folder, "uv.lock"))) return "uv";
  if (has(tree, at(folder, "poetry.lock")) || pyproject.tables.some((name) => name.startsWith("tool.poetry")))
    return "poetry";
  return "pyproject";
}

/** The lines of a list with those of the lists that it names by `-r`; each list once. */
function requirementLines(tree: Tree, path: string, seen: Set<string> = new Set()): readonly string[] {
  if (seen.has(path)) return [];
  seen.add(path);
  const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
  return (tree.text(path) ?? "").split(/\r?\n/).flatMap((line) => {
    const other = /^\s*(?:-r|--requirement)[ =]\s*(\S+)/.exec(line)?.[1];
    return other === undefined ? [line] : requirementLines(tree, at(folder, other), seen);
  });
}

function packageNames(line: string): readonly string[] {
  const [, name, extras] = /^\s*([A-Za-z0-9][\w.-]*)\s*(?:\[([^\]]*)\])?/.exec(line) ?? [];
  if (name === undefined) return [];
  const plain = name.toLowerCase().replaceAll(/[._]/g, "-");
  return [
    plain,
    ...(extras ?? "").split(",").flatMap((extra) => (extra.trim() === "" ? [] : [`${plain}[${extra.trim()}]`])),
  ];
}

function pythonVersion(tree: Tree, folder: string, requires: string | undefined): string {
  const file = /^3\.(\d+)/.exec(tree.text(at(folder, ".python-version"))?.trim() ?? "")?.[1];
  if (file !== undefined) return `3.${file}`;
  const wanted = requires ?? "";
  const exact = /^(?:==|~=|~)\s*3\.(\d+)/.exec(wanted)?.[1];
  if (exact !== undefined) return `3.${exact}`;
  const below = /<\s*3\.(\d+)/.exec(wanted)?.[1];
  return `3.${below === undefined ? newest : Math.min(newest, Number(below) - 1)}`;
}
