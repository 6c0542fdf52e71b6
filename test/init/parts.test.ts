import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { answersOf } from "../../src/config/init/answers.ts";
import { diffLines, editsBetween } from "../../src/config/init/diff.ts";
import { standaloneEdit } from "../../src/config/init/next-config.ts";
import { propose } from "../../src/config/init/propose.ts";
import { readPyproject } from "../../src/config/init/pyproject.ts";
import { healthPathAmong } from "../../src/config/init/search-code.ts";
import { flowList, scalar } from "../../src/config/init/text.ts";
import { readVariables } from "../../src/config/init/variables.ts";
import { readYaml } from "../../src/config/read-yaml.ts";
import { type Files, treeOf } from "./fixtures.ts";

const nobody = answersOf({ name: null, hosts: [], domains: [], registry: null, tls: null, buildNetwork: null });

function configOf(files: Files): string {
  return propose(treeOf(files), nobody, "/x").files.find(({ path }) => path === "shiplock.yml")?.text ?? "";
}

test("a difference holds both texts whole, whatever they are", () => {
  const lines = fc.array(fc.constantFrom("a", "b", "c", "", "  d"), { maxLength: 30 });
  fc.assert(
    fc.property(lines, lines, (before, after) => {
      const edits = editsBetween(before, after);
      const side = (mark: string) => edits.filter((edit) => edit.mark !== mark).map(({ line }) => line);
      assert.deepEqual(side("+"), before);
      assert.deepEqual(side("-"), after);
      assert.equal(diffLines(`${before.join("\n")}\n`, `${before.join("\n")}\n`).length, 0);
    }),
  );
});

test("any text that is written into YAML is read as that text", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string(), fc.constantFrom("yes", "1.10", "a: b", "${X}", "null", "- a", "#")), {
        maxLength: 5,
      }),
      (texts) => {
        const { raw } = readYaml(
          "x",
          `list: ${flowList(texts)}\n${texts.map((text, index) => `k${index}: ${scalar(text)}`).join("\n")}\n`,
        );
        assert.deepEqual((raw as { list: unknown }).list, texts);
      },
    ),
  );
});

describe("the standalone output is switched on in", () => {
  for (const [what, before, after] of [
    [
      "a mapping by name",
      "const nextConfig = {\n  a: 1,\n};\nexport default nextConfig;\n",
      '{\n  output: "standalone",\n  a: 1',
    ],
    ["a typed one", "const c: NextConfig = {\n\ta: 1,\n};\nexport default c;\n", '{\n\toutput: "standalone",\n\ta: 1'],
    ["one that is exported at once", "export default { a: 1 };\n", '{ output: "standalone", a: 1'],
    ["CommonJS", "module.exports = {};\n", '{ output: "standalone",}'],
    ["one inside a plugin", "const c = {\n};\nexport default withMDX(c);\n", '{\n  output: "standalone",\n}'],
    [
      "one inside a plugin's plugin",
      "const c = {};\nexport default withX({ deep: true })(c);\n",
      '{ output: "standalone",}',
    ],
  ] as const) {
    test(what, () => {
      const edit = standaloneEdit(treeOf({ "next.config.mjs": before }), "", "next.config.mjs", true);
      assert.ok(edit.kind === "edit");
      assert.ok(edit.file.text.includes(after), edit.file.text);
    });
  }

  for (const text of [
    "export default async () => ({ a: 1 });\n",
    "const c = { output: process.env.MODE };\nexport default c;\n",
    "export { default } from './other.mjs';\n",
  ]) {
    test(`nothing that is more than a mapping: ${text.split("\n")[0]}`, () => {
      const edit = standaloneEdit(treeOf({ "next.config.mjs": text }), "", "next.config.mjs", true);
      assert.ok(edit.kind === "cannot");
      assert.match(edit.note, /by hand/);
    });
  }
});

test("pyproject.toml is read with its comments, long lists, groups and Poetry's tables", () => {
  const read = readPyproject(`[project]
name = "tea" # comment
dependencies = [
  "fastapi[standard]>=0.1; python_version > '3.8'", # "not-this"
  'celery',
]
[project.optional-dependencies]
dev = ["pytest"]
[dependency-groups]
lint = ["ruff", {include-group = "dev"}]
[tool.ruff.lint]
select = ["E"]
[tool.poetry.group.dev.dependencies]
mypy = "^1"
`);
  assert.equal(read.name, "tea");
  assert.deepEqual(read.dependencies, ["fastapi[standard]>=0.1; python_version > '3.8'", "celery"]);
  assert.ok(["pytest", "ruff", "mypy"].every((name) => read.development.includes(name)));
  assert.ok(read.tables.includes("tool.ruff.lint"));
});

test("an example's value is taken over only where neither its name nor itself looks like a secret", () => {
  const read = readVariables(
    'A=1\nexport B="two words" # why\nAPI_KEY=x\nURL=redis://:pw@h\nKEYISH=abcdefghijkl0123456789abcdef\n#C=3\nSMTP_HOST=mail\n',
  );
  assert.deepEqual(
    read.map(({ name, example, secret }) => [name, secret === true ? "secret" : example]),
    [
      ["A", "1"],
      ["B", "two words"],
      ["API_KEY", "secret"],
      ["URL", "secret"],
      ["KEYISH", "secret"],
      ["SMTP_HOST", "mail"],
    ],
  );
});

test("of several paths the plainest word for health is asked, and never one with a parameter", () => {
  assert.equal(healthPathAmong(["/ping", "/api/health", "/health/:id", "/healthz"]), "/api/health");
  assert.equal(healthPathAmong(["/users", "/:health"]), undefined);
});

describe("what is said in the configuration", () => {
  const express = (server: string, more: Files = {}): Files => ({
    "package.json": '{ "scripts": { "start": "node s.js" }, "dependencies": { "express": "5" } }',
    "s.js": `const app = require("express")();\n${server}`,
    ...more,
  });

  test("a health path of a router whose place is unknown is not taken, nor one in a comment or a test", () => {
    const text = configOf(
      express('// app.get("/health")\nrouter.get("/healthz", f);\napp.listen(80);', {
        "s.test.js": 'app.get("/health")',
      }),
    );
    assert.match(text, /health: \{ tcp: true \}/);
    assert.match(text, /# No health path was found/);
  });

  test("a server without a framework is asked on the path that it compares its request's with", () => {
    const text = configOf({
      "package.json": '{ "scripts": { "start": "node s.js" } }',
      "s.js": 'require("node:http").createServer((q, r) => r.end(q.url === "/health" ? "ok" : "hello")).listen(80);',
    });
    assert.match(text, /health: \/health/);
  });

  for (const [code, port] of [
    ["app.listen(4001)", 4001],
    ["app.listen(process.env.PORT || 4002)", 4002],
    ["const port = Number(process.env.PORT ?? 4003); app.listen(port)", 4003],
    ['app.listen(process.env["PORT"] ?? "4004")', 4004],
    ["const PORT = 4005; app.listen(PORT)", 4005],
    ["app.listen(process.env.PORT)", 3000],
  ] as const) {
    test(`the port of ${code} is ${port}`, () =>
      assert.match(configOf(express(code)), new RegExp(`port: ${port}$`, "m")));
  }

  test("a FastAPI router that is included under a prefix nobody can read gives no health path", () => {
    const files = (prefix: string): Files => ({
      "requirements.txt": "fastapi\nuvicorn\n",
      "main.py": `from fastapi import FastAPI\nimport checks\napp = FastAPI()\napp.include_router(checks.router, prefix=${prefix})\n`,
      "checks.py": 'router = APIRouter(prefix="/v1")\n@router.get("/health")\ndef f(): ...\n',
    });
    assert.match(configOf(files('"/api"')), /health: \/api\/v1\/health/);
    assert.match(configOf(files("settings.PREFIX")), /tcp: true/);
  });
});

describe("a compose file of the team's", () => {
  test("that only has what developers need beside them is taken, and the applications are put beside it", () => {
    const { files } = propose(
      treeOf({
        "requirements.txt": "fastapi\nuvicorn\npsycopg\nsqlalchemy\n",
        "main.py": 'import os\nfrom fastapi import FastAPI\napp = FastAPI()\nurl = os.environ["DATABASE_URL"]\n',
        "docker-compose.yml":
          "services:\n  store:\n    image: postgres:16\n    environment: { POSTGRES_USER: tea, POSTGRES_PASSWORD: '${PG_PASS}' }\n",
      }),
      nobody,
      "/x",
    );
    const texts = Object.fromEntries(files.map(({ path, text }) => [path, text]));
    assert.match(texts["shiplock.yml"] ?? "", /compose: \[docker-compose\.yml, compose\.deploy\.yaml\]/);
    assert.match(texts["compose.deploy.yaml"] ?? "", /postgresql\+psycopg:\/\/tea:\$\{PG_PASS:\?\}@store:5432\/tea/);
    assert.doesNotMatch(texts["compose.deploy.yaml"] ?? "", /image: postgres/);
    assert.equal(texts["docker-compose.yml"], undefined);
  });

  test("for production stands on top of the usual one, or instead of it where it stands for itself", () => {
    const base = "services: { web: { build: ., ports: ['80:3000'] } }\n";
    const files = { Dockerfile: "FROM scratch\n", "compose.yaml": base };
    assert.match(
      configOf({ ...files, "compose.prod.yaml": "services: { web: { restart: always } }\n" }),
      /compose: \[compose\.yaml, compose\.prod\.yaml\]/,
    );
    assert.match(configOf({ ...files, "compose.production.yaml": base }), /compose: compose\.production\.yaml/);
  });

  test("whose build arguments lead to the developer's machine gets a value of each environment, and a secret among them is left out", () => {
    const proposal = propose(
      treeOf({
        "web/Dockerfile": "FROM scratch\nEXPOSE 3000\nARG API_URL\n",
        "compose.yaml": `services:
  web:
    ports: ["3000:3000"]
    build:
      context: web
      args:
        API_URL: \${PUBLIC_API_URL:-http://localhost:8000}
        CHANNEL: \${CHANNEL-stable}
        COMMIT:
        NPM_TOKEN: \${NPM_TOKEN}
`,
      }),
      nobody,
      "/x",
    );
    const text = proposal.files.at(-1)?.text ?? "";
    assert.match(
      text,
      /API_URL: "\$\{PUBLIC_API_URL\}"\n {6}CHANNEL: "\$\{CHANNEL:-stable\}"\n {6}COMMIT: "\$\{COMMIT\}"\n\n/,
    );
    assert.match(text, /PUBLIC_API_URL: https:\/\/staging\.example\.com/);
    assert.ok(proposal.examples.some((line) => line.includes("PUBLIC_API_URL")));
    assert.ok(proposal.notes.some((note) => note.includes("NPM_TOKEN of web looks like a secret")));
  });

  test("whose own container has port 80 leaves it to that one", () => {
    const text = configOf({
      "app/Dockerfile": "FROM scratch\nEXPOSE 9000\n",
      "compose.yaml": "services: { app: { build: app }, nginx: { image: nginx, ports: ['80:80'] } }\n",
    });
    assert.match(text, /proxy: \{ http: 8080, https: 8443 \}/);
    assert.match(text, /left alone: nginx/);
  });
});

test("a workflow's tools that an action brings are installed in its check; jobs that deploy are none", () => {
  const job = (uses: string, run: string, more = ""): string =>
    `{ ${more}steps: [{ uses: "${uses}", with: { python-version: "3.12" } }, { run: "${run}" }] }`;
  const text = configOf({
    Dockerfile: "FROM scratch\nEXPOSE 80\n",
    ".github/workflows/ci.yml": [
      "on: push",
      "jobs:",
      `  one: ${job("astral-sh/setup-uv@v6", "uv run pytest")}`,
      `  two: ${job("pnpm/action-setup@v4", "pnpm lint")}`,
      `  live: ${job("actions/setup-node@v5", "npm test", "environment: production, ")}`,
      `  ship: ${job("actions/setup-node@v5", "npm publish")}`,
    ].join("\n"),
  });
  assert.match(text, /one:\n {4}image: python:3\.12-slim\n {4}run: \|\n {6}pip install uv\n {6}uv run pytest\n/);
  assert.match(text, /two:\n {4}image: node:24-slim\n {4}run: \|\n {6}corepack enable\n {6}pnpm lint\n/);
  assert.doesNotMatch(text, /live:|ship:/);
});
