import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { stringify } from "yaml";
import { parseConfig } from "../../../src/config/load.ts";
import { importWorkflows } from "../../../src/github/import/import.ts";
import type { Import } from "../../../src/github/import/types.ts";
import { treeOf } from "../../init/fixtures.ts";

const repository = {
  Dockerfile: "FROM node:24-slim\nEXPOSE 3000\n",
  "compose.yaml": "services:\n  web:\n    build: .\n    ports: ['3000:3000']\n    environment: { KEY: '${KEY}' }\n",
};

function imported(workflow: string, name = "ci.yml"): Import {
  const file = `.github/workflows/${name}`;
  return importWorkflows({ [file]: workflow }, treeOf({ ...repository, [file]: workflow }), {
    root: "/repository",
    repository: "acme/shop",
  });
}

const text = fc.oneof(
  fc.constantFrom(
    "main",
    "${{ secrets.HOST }}",
    "${{ matrix.a }}",
    "${{ inputs.environment }}",
    "${{",
    "*",
    "",
    "staging",
    "linux/amd64",
    "0 3 * * *",
    "[",
    "web",
  ),
  fc.constantFrom(
    "${{ env.A }}",
    "${{ github.repository }}",
    "refs/heads/main",
    "ghcr.io/acme/x:1",
    "a b",
    "# no",
    "true",
    "1e3",
    "\u202e",
    "null",
  ),
  fc.string({ maxLength: 12 }),
);
const script = fc.oneof(
  text,
  fc.constantFrom(
    "npm test",
    "docker compose up -d",
    "ssh deploy@a.test 'docker compose pull && docker compose up -d'",
    "docker compose exec web npx prisma migrate deploy",
    "docker build -t $A/x:1 -f web/Dockerfile --build-arg A=$B web",
    "curl -f https://a.test/health",
    "ssh $USER@$HOST <<EOF\ndocker compose up\nEOF",
    'pytest [a] {b} "c',
  ),
);
const uses = fc.constantFrom(
  ...[
    "actions/checkout@v4",
    "actions/setup-node@v4",
    "docker/build-push-action@v6",
    "docker/login-action@v3",
    "appleboy/ssh-action@v1",
  ],
  ...[
    "slackapi/slack-github-action@v2",
    "actions/upload-artifact@v4",
    "acme/thing@v1",
    "./.github/actions/x",
    "docker/metadata-action@v5",
  ],
);
const keys = fc.constantFrom(
  "host",
  "username",
  "port",
  "script",
  "context",
  "tags",
  "build-args",
  "platforms",
  "path",
  "webhook",
  "registry",
  "password",
  "images",
  "node-version",
);
const some = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined, freq: 2 });
const lists = fc.oneof(text, fc.array(text, { maxLength: 3 }));
const pairs = fc.dictionary(
  fc.oneof(fc.constantFrom("A", "HOST", "KEY", "NODE_ENV"), text),
  fc.oneof(text, fc.integer(), fc.constant(null)),
  { maxKeys: 3 },
);
const step = fc.oneof(
  fc.record({
    uses,
    with: fc.dictionary(keys, fc.oneof(text, script), { maxKeys: 4 }),
    if: some(text),
    env: some(pairs),
  }),
  fc.record({ run: script, env: some(pairs), if: some(text), "working-directory": some(text), shell: some(text) }),
  fc.anything({ maxDepth: 1, maxKeys: 2 }),
);
const job = fc.record({
  "runs-on": some(lists),
  needs: some(lists),
  if: some(fc.oneof(text, fc.constantFrom("github.ref == 'refs/heads/main'", "startsWith(github.ref, 'refs/tags/v')"))),
  environment: some(
    fc.oneof(text, fc.record({ name: text, url: some(fc.oneof(text, fc.constant("https://a.test"))) })),
  ),
  container: some(text),
  env: some(pairs),
  services: some(
    fc.dictionary(text, fc.record({ image: text, options: some(text), env: some(pairs) }), { maxKeys: 2 }),
  ),
  strategy: some(
    fc.record({
      matrix: fc.oneof(
        text,
        fc.dictionary(
          fc.constantFrom("a", "include", "node", "b c"),
          fc.oneof(lists, fc.array(pairs, { maxLength: 2 })),
          { maxKeys: 3 },
        ),
      ),
    }),
  ),
  "timeout-minutes": some(fc.oneof(fc.integer(), text)),
  concurrency: some(fc.oneof(text, fc.record({ group: text, "cancel-in-progress": fc.boolean() }))),
  uses: some(text),
  with: some(pairs),
  steps: fc.oneof(fc.array(step, { maxLength: 4 }), text),
});
const on = fc.oneof(
  lists,
  fc.dictionary(
    fc.constantFrom(
      "push",
      "workflow_run",
      "schedule",
      "workflow_dispatch",
      "pull_request",
      "release",
      "workflow_call",
    ),
    fc.oneof(
      fc.constant(null),
      fc.dictionary(fc.constantFrom("branches", "tags", "paths", "workflows", "inputs"), lists, { maxKeys: 3 }),
      fc.array(fc.record({ cron: text }), { maxLength: 2 }),
    ),
    { maxKeys: 3 },
  ),
);
const workflow = fc.record({
  name: some(text),
  on,
  env: some(pairs),
  jobs: fc.dictionary(fc.oneof(fc.constantFrom("test", "build", "deploy", "deploy-production"), text), job, {
    maxKeys: 3,
  }),
});

describe("an import comes to an end with whatever a file holds", () => {
  it("a workflow of any shape leads to a proposal that loads", () => {
    fc.assert(
      fc.property(workflow, (drawn) => {
        const { text: proposal, problems, left } = imported(stringify(drawn));
        if (problems.length === 0) parseConfig(proposal, "/repository/shiplock.yml");
        assert.deepEqual(problems, [], proposal);
        for (const { line, why, instead } of left) assert.ok(line >= 1 && why !== "" && instead !== "");
      }),
      { numRuns: 120 },
    );
  });

  it("a value that no configuration takes is left out, and listed with its line", () => {
    const {
      text: proposal,
      problems,
      left,
    } = imported(
      'on:\n  push:\n    branches: [""]\njobs:\n  deploy:\n    environment: live\n    steps:\n      - run: ssh a@b.test "docker compose up -d"\n',
    );
    assert.deepEqual(problems, []);
    assert.doesNotMatch(proposal, /push:/);
    const told = left.find(({ what }) => what === "environments.live.on.push");
    assert.equal(told?.line, 3);
  });

  it("a file that is no YAML, or no workflow, costs itself and nothing else", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (drawn) => {
        const { problems } = imported(drawn);
        assert.deepEqual(problems, []);
      }),
    );
  });
});
