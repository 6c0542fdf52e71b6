import { freeName } from "./names.ts";
import { isUnreadable, type NodeProject, readNodeProject } from "./node-project.ts";
import { packageCaches } from "./package-caches.ts";
import { type PythonProject, readPythonProject } from "./python-project.ts";
import { at, filesBelow, firstOf, has, type Tree } from "./tree.ts";
import type { App, CheckDraft } from "./types.ts";
import { databasePart, isDatabaseAddress, isRedisAddress } from "./variables.ts";

/** Checks by the tools that the folders of applications are set up for, where no workflow names any. */
export function toolChecks(tree: Tree, apps: readonly App[]): readonly CheckDraft[] {
  const checks: CheckDraft[] = [];
  const several = apps.length > 1;
  for (const app of apps) {
    const node = readNodeProject(tree, app.folder);
    const python = readPythonProject(tree, app.folder);
    const found = [
      ...(node === undefined || isUnreadable(node) ? [] : nodeChecks(tree, node)),
      ...(python === undefined ? [] : pythonChecks(tree, python, app)),
    ];
    for (const check of found) {
      const name = freeName(
        several ? `${app.name}-${check.name}` : check.name,
        checks.map((one) => one.name),
      );
      checks.push({ ...check, name });
    }
  }
  return checks;
}

function nodeChecks(tree: Tree, project: NodeProject): readonly CheckDraft[] {
  const { folder, scripts, installRoot } = project;
  // Packages of a workspace are installed at its root, so that is where the check runs.
  const inside = folder === installRoot ? "" : folder.slice(installRoot === "" ? 0 : installRoot.length + 1);
  const install = {
    npm: project.lock === undefined ? "npm install" : "npm ci",
    pnpm: "corepack enable\npnpm install --frozen-lockfile",
    yarn: "yarn install --frozen-lockfile",
    "yarn-berry": "corepack enable\nyarn install --immutable",
  }[project.manager];
  const script = (name: string): string => {
    if (project.manager === "npm") return `npm run ${name}${inside === "" ? "" : ` --workspace=${inside}`}`;
    if (project.manager === "pnpm") return `pnpm ${inside === "" ? "" : `--filter ./${inside} `}run ${name}`;
    return `yarn ${inside === "" ? "" : `--cwd ${inside} `}run ${name}`;
  };
  const image = `node:${project.node}-slim`;
  const check = (name: string, command: string, from: string): CheckDraft => ({
    ...blank,
    name,
    from,
    image,
    run: `${install}\n${command}`,
    directory: installRoot,
    caches: packageCaches(tree, installRoot, image),
  });
  const manifest = at(folder, "package.json");
  const eslint = firstOf(tree, folder, [
    "eslint.config.js",
    "eslint.config.mjs",
    "eslint.config.ts",
    ".eslintrc.json",
    ".eslintrc.js",
    ".eslintrc.cjs",
  ]);
  const types = ["typecheck", "type-check", "check-types"].find((name) => scripts[name] !== undefined);
  // What npm writes into a new package.json fails always; watching never ends.
  const tests = scripts["test"] !== undefined && !/no test specified|--watch(?!=false|All=false)/.test(scripts["test"]);
  return [
    ...(scripts["lint"] === undefined
      ? eslint === undefined || inside !== ""
        ? []
        : [check("lint", "npx eslint .", `From ${eslint}.`)]
      : [check("lint", script("lint"), `From the script lint of ${manifest}.`)]),
    ...(types === undefined ? [] : [check("types", script(types), `From the script ${types} of ${manifest}.`)]),
    ...(tests
      ? [{ ...check("test", script("test"), `From the script test of ${manifest}.`), env: { CI: "true" } }]
      : []),
  ];
}

function pythonChecks(tree: Tree, project: PythonProject, app: App): readonly CheckDraft[] {
  const { folder, packages, development, pyproject } = project;
  const knows = (name: string): boolean => packages.has(name) || development.has(name);
  const tables = pyproject?.tables ?? [];
  const ruff =
    firstOf(tree, folder, ["ruff.toml", ".ruff.toml"]) ??
    (tables.some((name) => /^tool\.ruff\b/.test(name)) ? at(folder, "pyproject.toml") : undefined);
  const tests = filesBelow(tree, folder).some((path) => /(^|\/)(test_[^/]+|[^/]+_test)\.py$/.test(path));
  const pytest =
    firstOf(tree, folder, ["pytest.ini", "conftest.py"]) ??
    (tables.includes("tool.pytest.ini_options") ? at(folder, "pyproject.toml") : undefined);
  const image = `python:${project.python}-slim`;
  const check = (name: string, run: string, from: string): CheckDraft => ({
    ...blank,
    name,
    from,
    image,
    run,
    directory: folder,
    caches: packageCaches(tree, folder, image),
  });
  const lint = ruff === undefined ? [] : [check("lint", "pip install ruff\nruff check .", `From ${ruff}.`)];
  if (!tests || (pytest === undefined && !knows("pytest") && app.kind !== "Django")) return lint;
  const run =
    pytest !== undefined || knows("pytest")
      ? `${knows("pytest") ? "" : "pip install pytest\n"}python -m pytest`
      : "python manage.py test";
  return [
    ...lint,
    {
      ...check(
        "test",
        `${installLine(tree, project)}\n${run}`,
        pytest === undefined ? `From the tests below ${folder === "" ? "the root" : folder}.` : `From ${pytest}.`,
      ),
      ...backingFor(app),
    },
  ];
}

function installLine(tree: Tree, { folder, installer, list, developmentList }: PythonProject): string {
  const inside = (path: string): string => (folder === "" ? path : path.slice(folder.length + 1));
  if (installer === "uv")
    return "pip install uv\nuv export --frozen --all-groups --no-emit-project --output-file /tmp/packages.txt\npip install -r /tmp/packages.txt";
  if (installer === "poetry")
    return "pip install poetry\npoetry config virtualenvs.create false\npoetry install --no-root";
  if (installer === "pyproject")
    return has(tree, at(folder, "setup.cfg")) || developmentList === undefined
      ? "pip install --group dev . || pip install ."
      : `pip install . -r ${inside(developmentList)}`;
  return `pip install -r ${inside(list)}${developmentList === undefined ? "" : ` -r ${inside(developmentList)}`}`;
}

/**
 * The database and queue that tests reach by the variables which the program reads. What else it cannot do without gets a stand-in, which is no
 * secret: nothing but the tests ever sees it.
 */
function backingFor(app: App): Pick<CheckDraft, "services" | "env"> {
  const env: Record<string, string> = {};
  const used = new Set<string>();
  for (const { name, optional } of app.wants) {
    const database = app.backing.includes("postgres") ? databaseValue(name, app) : undefined;
    const redis = app.backing.includes("redis") ? redisValue(name) : undefined;
    if (database !== undefined) used.add("db");
    if (redis !== undefined) used.add("redis");
    const value = database ?? redis ?? (optional ? undefined : "test");
    if (value !== undefined) env[name] = value;
  }
  return {
    env,
    services: {
      ...(used.has("db")
        ? { db: { image: "postgres:17", env: { POSTGRES_HOST_AUTH_METHOD: "trust" }, health: "pg_isready" } }
        : {}),
      ...(used.has("redis") ? { redis: { image: "redis:8", env: {}, health: "redis-cli ping" } } : {}),
    },
  };
}

function databaseValue(name: string, app: App): string | undefined {
  if (isDatabaseAddress(name)) return `${app.databaseScheme ?? "postgresql"}://postgres@db:5432/postgres`;
  const part = databasePart(name);
  if (part === undefined) return undefined;
  return { host: "db", port: "5432", user: "postgres", name: "postgres", password: "postgres" }[part];
}

function redisValue(name: string): string | undefined {
  if (isRedisAddress(name)) return "redis://redis:6379/0";
  if (name === "REDIS_HOST") return "redis";
  return name === "REDIS_PORT" ? "6379" : undefined;
}

const blank = { directory: "", needs: [], matrix: {}, env: {}, secrets: [], services: {}, caches: [] } as const;
