import { pythonEntries } from "../dockerfiles/ignore.ts";
import { pythonDockerfile } from "../dockerfiles/python.ts";
import { moduleOf, type PythonProject, pythonSources } from "../python-project.ts";
import { codeOf, healthPathAmong, variablesOfPython } from "../search-code.ts";
import { at, has, isBelow, type Tree } from "../tree.ts";
import { examplesFor, wantedBy } from "../variables.ts";
import { celeryProcesses } from "./celery.ts";
import { appOf, commonPrefix, databaseScheme, healthBy, imageFiles, pythonBacking } from "./parts.ts";
import type { Detector } from "./types.ts";

const port = 8000;

/** FastAPI and Starlette: run by uvicorn, migrated by Alembic where it is there. */
export const fastapi: Detector = {
  kind: "FastAPI",
  detect: (place) => {
    const { tree, folder, python } = place;
    if (python === undefined) return undefined;
    const sources = pythonSources(tree, folder);
    const found = applicationIn(tree, sources);
    if (found === undefined || !(python.packages.has("fastapi") || python.packages.has("starlette"))) return undefined;
    const inSource = isBelow(at(folder, "src"), found.path);
    const paths = addressesOf(tree, sources);
    const health = healthBy(healthPathAmong(paths));
    const uvicorn = ["uvicorn", "uvicorn[standard]", "fastapi[standard]"].some((name) => python.packages.has(name));
    const command = [
      "uvicorn",
      `${moduleOf(folder, found.path)}:${found.variable}`,
      "--host",
      "0.0.0.0",
      "--port",
      String(port),
      "--timeout-keep-alive",
      "75",
    ];
    const dockerfile = pythonDockerfile(tree, python, {
      port,
      command,
      extra: uvicorn ? [] : ["uvicorn"],
      afterSources: [],
      sourceFolder: inSource ? "src" : null,
    });
    const alembic = has(tree, at(folder, "alembic.ini")) && python.packages.has("alembic");
    return appOf(place, "FastAPI", {
      evidence: [
        `${python.packages.has("fastapi") ? "fastapi" : "starlette"} in ${python.list}`,
        `${found.variable} = FastAPI() in ${found.path}`,
        ...(alembic ? [at(folder, "alembic.ini")] : []),
      ],
      port,
      health,
      files: imageFiles(place, folder, dockerfile, pythonEntries),
      wants: wantedBy(
        variablesOfPython(tree, [...sources, ...alembicSources(tree, folder)]),
        examplesFor(tree, folder),
      ),
      backing: pythonBacking(python),
      databaseScheme: databaseScheme(python),
      processes: celeryProcesses(tree, python, place.name),
      migrations: alembic ? ["alembic", "upgrade", "head"] : null,
      prefix: commonPrefix(paths, health),
      notes: [
        ...(uvicorn ? [] : [`uvicorn is not in ${python.list}: the Dockerfile installs it`]),
        ...pinNotes(python),
      ],
    });
  },
};

/** What is said where packages may be others at each build. */
export function pinNotes({ installer, list }: PythonProject): readonly string[] {
  return installer === "pyproject" ? [`${list} has no lock file: each build may install other packages`] : [];
}

function applicationIn(tree: Tree, sources: readonly string[]): { path: string; variable: string } | undefined {
  const found = sources.flatMap((path) => {
    const variable = /^(\w+)(?:\s*:\s*\w+)?\s*=\s*(?:fastapi\.)?(?:FastAPI|Starlette)\(/m.exec(codeOf(tree, path))?.[1];
    return variable === undefined ? [] : [{ path, variable }];
  });
  // The one nearest to the root, and main.py before others there.
  const rank = ({ path }: { path: string }): number =>
    path.split("/").length * 2 - (/(^|\/)main\.py$/.test(path) ? 1 : 0);
  return found.toSorted((a, b) => rank(a) - rank(b))[0];
}

function alembicSources(tree: Tree, folder: string): readonly string[] {
  return ["migrations/env.py", "alembic/env.py"].map((path) => at(folder, path)).filter((path) => has(tree, path));
}

/** Addresses that GET is answered at, where their routers' places are known. */
function addressesOf(tree: Tree, sources: readonly string[]): readonly string[] {
  const included = sources.flatMap((path) => [...codeOf(tree, path).matchAll(/include_router\(\s*([\w.]+)([^)]*)\)/g)]);
  return sources.flatMap((path) => {
    const code = codeOf(tree, path);
    const stem = path.split("/").at(-1)?.replace(/\.py$/, "") ?? "";
    return [...code.matchAll(/@(\w+)\.(?:get|api_route)\(\s*["']([^"']*)["']/g)].flatMap(
      ([, owner = "", route = ""]) => {
        const router = new RegExp(`^${owner}\\s*=\\s*APIRouter\\(([^)]*)\\)`, "m").exec(code);
        if (router === null) return [route];
        const places = included.filter(([, named = ""]) => named === owner || named.split(".").includes(stem));
        const [place] = places;
        // Included somewhere that cannot be read, or in several places.
        if (
          place === undefined ||
          places.length > 1 ||
          (/prefix\s*=/.test(place[2] ?? "") && prefixOf(place[2] ?? "") === "")
        )
          return [];
        return [`${prefixOf(place[2] ?? "")}${prefixOf(router[1] ?? "")}${route}`];
      },
    );
  });
}

function prefixOf(code: string): string {
  return /prefix\s*=\s*["']([^"']*)["']/.exec(code)?.[1] ?? "";
}
