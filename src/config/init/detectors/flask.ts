import { pythonEntries } from "../dockerfiles/ignore.ts";
import { pythonDockerfile } from "../dockerfiles/python.ts";
import { moduleOf, pythonSources } from "../python-project.ts";
import { codeOf, healthPathAmong, variablesOfPython } from "../search-code.ts";
import { examplesFor, wantedBy } from "../variables.ts";
import { celeryProcesses } from "./celery.ts";
import { pinNotes } from "./fastapi.ts";
import { appOf, commonPrefix, databaseScheme, healthBy, imageFiles, pythonBacking } from "./parts.ts";
import type { Detector } from "./types.ts";

const port = 8000;

/** Flask, where the application or the function that makes it can be named; served by gunicorn. */
export const flask: Detector = {
  kind: "Flask",
  detect: (place) => {
    const { tree, folder, python } = place;
    if (python === undefined || !python.packages.has("flask")) return undefined;
    const sources = pythonSources(tree, folder);
    const target = sources.flatMap((path) => {
      const code = codeOf(tree, path);
      const variable = /^(\w+)\s*=\s*(?:flask\.)?Flask\(/m.exec(code)?.[1];
      if (variable !== undefined) return [`${moduleOf(folder, path)}:${variable}`];
      return /^def create_app\(\s*\)/m.test(code) ? [`${moduleOf(folder, path)}:create_app()`] : [];
    })[0];
    if (target === undefined) return undefined;
    const gunicorn = python.packages.has("gunicorn");
    const dockerfile = pythonDockerfile(tree, python, {
      port,
      command: [
        "gunicorn",
        target,
        "--bind",
        `0.0.0.0:${port}`,
        "--worker-class",
        "gthread",
        "--threads",
        "4",
        "--keep-alive",
        "75",
      ],
      extra: gunicorn ? [] : ["gunicorn"],
      afterSources: [],
      sourceFolder: null,
    });
    const paths = sources.flatMap((path) =>
      [...codeOf(tree, path).matchAll(/@app\.(?:route|get)\(\s*["']([^"']*)["']/g)].map((match) => match[1] ?? ""),
    );
    const health = healthBy(healthPathAmong(paths));
    return appOf(place, "Flask", {
      evidence: [`flask in ${python.list}`, target],
      port,
      health,
      files: imageFiles(place, folder, dockerfile, pythonEntries),
      wants: wantedBy(variablesOfPython(tree, sources), examplesFor(tree, folder)),
      backing: pythonBacking(python),
      databaseScheme: databaseScheme(python),
      processes: celeryProcesses(tree, python, place.name),
      prefix: commonPrefix(paths, health),
      notes: [
        ...(gunicorn ? [] : [`gunicorn is not in ${python.list}: the Dockerfile installs it`]),
        ...pinNotes(python),
      ],
    });
  },
};
