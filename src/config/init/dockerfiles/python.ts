import type { PythonProject } from "../python-project.ts";
import { at, filesBelow, has, type Tree } from "../tree.ts";
import { marker } from "./ignore.ts";

export type PythonImage = {
  readonly port: number;
  readonly command: readonly string[];
  /** Packages that the command needs and the project does not list. */
  readonly extra: readonly string[];
  /** Lines between the sources and the last ones, such as collecting static files. */
  readonly afterSources: readonly string[];
  /** Folder of the sources below the project's, where it has its own: "src". */
  readonly sourceFolder: string | null;
};

/** Libraries of the system that packages without wheels are compiled against and run with. */
const systemLibraries: Readonly<
  Record<string, { readonly build: readonly string[]; readonly run: readonly string[] }>
> = {
  psycopg2: { build: ["gcc", "libc6-dev", "libpq-dev"], run: ["libpq5"] },
  mysqlclient: { build: ["gcc", "libc6-dev", "pkg-config", "default-libmysqlclient-dev"], run: ["libmariadb3"] },
  psycopg: { build: [], run: ["libpq5"] },
};

/**
 * A Dockerfile for a Python server. Packages may be compiled, so they are installed on the target's architecture; compilers stay in the first
 * stage.
 */
export function pythonDockerfile(tree: Tree, project: PythonProject, image: PythonImage): string {
  const base = `python:${project.python}-slim`;
  const libraries = Object.entries(systemLibraries).filter(([name]) => needsLibrary(project, name));
  const lines = [
    `${marker}. Packages are installed in a stage of their own, which leaves compilers and lists behind.`,
    `FROM ${base} AS packages`,
    "WORKDIR /app",
    ...aptLines(libraries.flatMap(([, { build }]) => build)),
    ...packageLines(tree, project, image.extra),
    "",
    `FROM ${base}`,
    "WORKDIR /app",
    ...aptLines(libraries.flatMap(([, { run }]) => run)),
    "RUN useradd --uid 1000 --create-home app",
    `ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1${image.sourceFolder === null ? "" : ` PYTHONPATH=/app/${image.sourceFolder}`}`,
    "COPY --from=packages /packages /usr/local",
    "COPY . .",
    ...image.afterSources,
    "USER 1000:1000",
    `EXPOSE ${image.port}`,
    `CMD ${JSON.stringify(image.command).replaceAll('","', '", "')}`,
  ];
  return `${lines.join("\n")}\n`;
}

/** psycopg alone needs the system's library; with its own binary or compiled part it does not. */
function needsLibrary({ packages }: PythonProject, name: string): boolean {
  if (name !== "psycopg") return packages.has(name);
  return packages.has(name) && !packages.has("psycopg[binary]") && !packages.has("psycopg-binary");
}

function aptLines(names: readonly string[]): readonly string[] {
  if (names.length === 0) return [];
  const wanted = [...new Set(names)].join(" ");
  return [
    `RUN apt-get update && apt-get install --yes --no-install-recommends ${wanted} && rm -rf /var/lib/apt/lists/*`,
  ];
}

function packageLines(tree: Tree, project: PythonProject, extra: readonly string[]): readonly string[] {
  const inside = (path: string): string => (project.folder === "" ? path : path.slice(project.folder.length + 1));
  const cache = "--mount=type=cache,target=/root/.cache/pip";
  const again = "# Installed again only when one of these changes.";
  // The folder is there also when the base image has everything already.
  const install = (list: string): string =>
    `RUN ${cache} mkdir -p /packages && pip install --prefix=/packages ${[`-r ${list}`, ...extra].join(" ")}`;
  // With hashes in a list, pip refuses whatever has none.
  const hashes = extra.length === 0;
  switch (project.installer) {
    case "requirements": {
      const folder = inside(project.list).includes("/") ? `${inside(project.list).split("/")[0]}/` : "";
      const beside = filesBelow(tree, project.folder).map(inside);
      const files =
        folder === ""
          ? beside.filter((name) => /^(requirements|constraints)[\w.-]*\.(txt|in)$/.test(name)).join(" ")
          : folder;
      return [again, `COPY ${files} ./${folder}`, install(inside(project.list))];
    }
    case "uv":
      return [
        again,
        "COPY pyproject.toml uv.lock ./",
        `RUN ${cache} pip install uv && uv export --frozen --no-dev --no-emit-project${hashes ? "" : " --no-hashes"} --output-file /packages.txt`,
        install("/packages.txt"),
      ];
    case "poetry": {
      const lock = has(tree, at(project.folder, "poetry.lock")) ? " poetry.lock" : "";
      return [
        again,
        `COPY pyproject.toml${lock} ./`,
        `RUN ${cache} pip install poetry poetry-plugin-export && poetry export${hashes ? "" : " --without-hashes"} --output /packages.txt`,
        install("/packages.txt"),
      ];
    }
    case "pyproject":
      return [
        again,
        "COPY pyproject.toml ./",
        `RUN ["python", "-c", "import tomllib; open('/packages.txt', 'w').write('\\\\n'.join(tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies']))"]`,
        install("/packages.txt"),
      ];
  }
}
