import { pythonEntries } from "../dockerfiles/ignore.ts";
import { pythonDockerfile } from "../dockerfiles/python.ts";
import { pythonSources } from "../python-project.ts";
import { codeOf, healthPathAmong, variablesOfPython } from "../search-code.ts";
import { at, firstOf, has, type Tree } from "../tree.ts";
import { examplesFor, wantedBy } from "../variables.ts";
import { celeryProcesses } from "./celery.ts";
import { pinNotes } from "./fastapi.ts";
import { appOf, healthBy, imageFiles, pythonBacking, textOf } from "./parts.ts";
import type { Detector } from "./types.ts";

const port = 8000;

/** Django: served by gunicorn, its files collected in the image, its migrations run once per release. */
export const django: Detector = {
  kind: "Django",
  detect: (place) => {
    const { tree, folder, python } = place;
    const manage = at(folder, "manage.py");
    if (python === undefined || !python.packages.has("django") || !has(tree, manage)) return undefined;
    const sources = pythonSources(tree, folder);
    const settings = /DJANGO_SETTINGS_MODULE["']\s*,\s*["']([\w.]+)["']/.exec(textOf(tree, manage))?.[1];
    const settingsFile =
      settings === undefined
        ? undefined
        : firstOf(tree, folder, [
            `${settings.replaceAll(".", "/")}.py`,
            `${settings.replaceAll(".", "/")}/__init__.py`,
          ]);
    const text = settingsFile === undefined ? "" : codeOf(tree, settingsFile);
    const wsgi = wsgiModule(tree, folder, text);
    if (wsgi === undefined) return undefined;
    const gunicorn = python.packages.has("gunicorn");
    const inCode = variablesOfPython(tree, sources);
    const collects = /^\s*STATIC_ROOT\s*=/m.test(text);
    const dockerfile = pythonDockerfile(tree, python, {
      port,
      command: [
        "gunicorn",
        `${wsgi}:application`,
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
      afterSources: collects ? collectLines(inCode) : [],
      sourceFolder: null,
    });
    const hosts = /ALLOWED_HOSTS\s*=\s*\[\s*["'](?!\*)/.test(text);
    return appOf(place, "Django", {
      evidence: [`django in ${python.list}`, manage, ...(settings === undefined ? [] : [`settings in ${settings}`])],
      front: true,
      port,
      health: healthBy(healthPathAmong(addressesOf(tree, sources))),
      files: imageFiles(place, folder, dockerfile, [...pythonEntries, "**/staticfiles", "**/*.sqlite3"]),
      wants: wantedBy(inCode, examplesFor(tree, folder)),
      backing: pythonBacking(python),
      databaseScheme: "postgresql",
      processes: celeryProcesses(tree, python, place.name),
      migrations: ["python", "manage.py", "migrate", "--noinput"],
      notes: [
        ...(gunicorn ? [] : [`gunicorn is not in ${python.list}: the Dockerfile installs it`]),
        ...(collects && !python.packages.has("whitenoise")
          ? ["static files are collected into the image, and nothing serves them there: whitenoise does"]
          : []),
        ...(collects ? [] : [`${settingsFile ?? "the settings"} has no STATIC_ROOT: static files are not collected`]),
        ...(hosts
          ? [
              `ALLOWED_HOSTS in ${settingsFile} names hosts: Shiplock's health checks come from the container's own network, so its name has to be among them`,
            ]
          : []),
        ...(/sqlite3/.test(text) && !/postgres/i.test(text)
          ? [`${settingsFile} keeps its data in a file of the container, which a deployment leaves behind`]
          : []),
        ...pinNotes(python),
      ],
    });
  },
};

/** Settings demand variables that no build has; what stands in for them is used for this one command and is in no layer's environment. */
function collectLines(variables: readonly string[]): readonly string[] {
  const standIns = variables.map((name) => `${name}=${name.endsWith("URL") ? "sqlite://" : "collectstatic"} `).join("");
  return [
    "# The settings ask for variables that a build does not have; nothing stays of what stands in for them.",
    `RUN ${standIns}python manage.py collectstatic --noinput`,
  ];
}

function wsgiModule(tree: Tree, folder: string, settings: string): string | undefined {
  const told = /WSGI_APPLICATION\s*=\s*["']([\w.]+)\.application["']/.exec(settings)?.[1];
  if (told !== undefined) return told;
  const file = tree.paths.find(
    (path) => path.startsWith(folder === "" ? "" : `${folder}/`) && path.endsWith("/wsgi.py"),
  );
  return file?.slice(folder === "" ? 0 : folder.length + 1, -3).replaceAll("/", ".");
}

/** Addresses of the root's own `urls.py`; those that are included have an unknown beginning. */
function addressesOf(tree: Tree, sources: readonly string[]): readonly string[] {
  const urls = sources.filter((path) => path.endsWith("urls.py"));
  const root = urls.find((path) => /\binclude\(|admin\.site\.urls/.test(codeOf(tree, path))) ?? urls[0];
  if (root === undefined) return [];
  return [...codeOf(tree, root).matchAll(/\bpath\(\s*["']([\w./-]+)["']\s*,\s*(?!include\b)/g)].map(
    (match) => `/${match[1] ?? ""}`,
  );
}
