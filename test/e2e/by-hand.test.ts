import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ensureBaseImages } from "../lab/images/base-images.ts";
import type { Lab } from "../lab/lab.ts";
import { startE2eLab, stopE2eLab } from "./support/lab.ts";
import { containersOf } from "./support/observe.ts";
import { createProject, type Project } from "./support/project.ts";

const folder = "/home/deploy/.shiplock/environments/switchboard-staging";

const compose = `services:
  web:
    build: .
    container_name: the-web
    restart: always
    ports: ["\${WEB_PORT:-3000}:3000"]
    environment: { SECRET_WORD: "\${SECRET_WORD}" }
    depends_on: [store]
    volumes: ["./settings.json:/etc/settings.json:ro"]
  caller:
    build: .
    environment: { CALL_URL: "http://web:3000/" }
  store:
    image: node:24-slim
    command: [node, -e, "setInterval(() => {}, 60000)"]
    init: true
    volumes: ["data:/data", "./store.conf:/etc/store.conf:ro"]
volumes:
  data: {}
`;

describe("after a deployment the host is operable by hand", () => {
  let lab: Lab;
  let app: Project;

  before(async () => {
    lab = await startE2eLab({ name: "hand", hosts: 1 });
    // The backing service's image has to be on the host, as a pulled one would be.
    await ensureBaseImages({ socketPath: lab.host("host-1").socketPath, only: ["node:24-slim"], log: () => undefined });
    app = await createProject(lab, {
      configure: [
        { path: ["environments", "staging", "secrets"], value: { names: ["SECRET_WORD"], onHost: true } },
        { path: ["environments", "staging", "freeze"], value: [{ from: "2020-01-01", until: "2020-01-02" }] },
        { path: ["environments", "staging", "emergency"], value: { passes: ["freeze"] } },
      ],
    });
    app.write("compose.yml", compose);
    app.write("settings.json", "{}\n");
    app.write("store.conf", "one\n");
    await app.commit("A compose file as people write them");
    const env = { SECRET_WORD: 'it\'s $pecial "and" long', SHIPLOCK_WHO: "ada" };
    await app.must(["deploy", "staging", "--emergency", "--reason", "nobody can log in"], { env });
  });

  after(async () => {
    await app[Symbol.asyncDispose]();
    await stopE2eLab(lab);
  });

  const byHand = async (...args: string[]): Promise<string> => {
    const result = await lab
      .host("host-1")
      .exec(["docker", "compose", "--project-directory", folder, ...args], { user: "deploy" });
    assert.equal(result.code, 0, result.stderr);
    return result.stdout;
  };
  const seen = () => containersOf(lab.host("host-1"));
  const backing = async () =>
    (await seen())
      .filter((container) => container.kind === "backing")
      .map(({ name, id, startedAt }) => ({ name, id, startedAt }));

  test("docker compose ps shows what runs, and logs what it says", async () => {
    const listed = await byHand("ps", "--format", "{{.Service}} {{.State}}");
    assert.deepEqual(listed.trim().split("\n").sort(), [
      "caller-a running",
      "shiplock-port-8081 running",
      "shiplock-router running",
      "store running",
      "web-a running",
    ]);
    await byHand("logs", "--tail", "5", "web-a");
  });

  test("docker compose up -d changes nothing, with the secrets that the team keeps on the host", async () => {
    const before = await seen();
    await byHand("up", "--detach");
    assert.deepEqual(await seen(), before);
  });

  test("docker compose restart and docker image prune leave the release live, and a rollback still works", async () => {
    const env = { SECRET_WORD: 'it\'s $pecial "and" long' };
    const first = app.state(lab.host("host-1"))?.live?.release ?? "";
    await app.commitVersion("v2");
    await app.must(["deploy", "staging"], { env });
    await byHand("restart", "web-b");
    await app.must(["drift", "staging"]);
    // Of the first release there is no container any more that would keep its image.
    await app.commitVersion("v2-more");
    await app.must(["deploy", "staging"], { env });
    await lab.host("host-1").exec(["docker", "image", "prune", "--force"], { user: "deploy" });
    await app.must(["drift", "staging"]);
    await lab.stopRegistry();
    try {
      await app.must(["rollback", "staging", "--to", first], { env });
    } finally {
      await lab.startRegistry();
    }
    assert.equal((await app.curl(lab.host("host-1"))).version, "v1");
  });

  test("a deployment from another checkout, with another definition of the backing service, leaves its container alone and says so", async () => {
    const before = await backing();
    await using other = await app.clone();
    other.write("store.conf", "two\n");
    await other.commitVersion("v3");
    const planned = await other.must(["plan", "staging"], { env: { SECRET_WORD: "another" } });
    assert.match(planned.stdout, /backing service store changed in the compose file/);
    await other.must(["deploy", "staging"], { env: { SECRET_WORD: "another" } });
    assert.deepEqual(await backing(), before);
    const all = await seen();
    await byHand("up", "--detach");
    assert.deepEqual(await seen(), all);
  });

  test("the published port and the name of the service still answer, though the container has neither", async () => {
    const names = (await seen()).map((container) => container.name);
    assert.ok(!names.includes("the-web"));
    const answer = await fetch(`http://${lab.host("host-1").address}:8081/`, { signal: AbortSignal.timeout(5_000) });
    assert.equal(((await answer.json()) as { version: string }).version, "v3");
    const called = await app.curl(lab.host("host-1"), "/call", { service: "caller" });
    assert.match(called.body, /"ok":true/);
  });

  test("who did what stands in a log that is whole, and the emergency of the first day waits for somebody else until one has looked", async () => {
    const log = await app.must(["audit", "staging", "--verify", "--limit", "100", "--json"]);
    const { verified, entries } = log.json as { verified: boolean; entries: { action: string; subject: string }[] };
    assert.ok(verified);
    const actions = entries.map(({ action }) => action);
    assert.deepEqual(actions.slice(0, 5), ["secrets-read", "began", "emergency", "went-live", "ended"]);
    assert.ok(!log.stdout.includes("$pecial"));

    const status = await app.must(["status", "staging"]);
    assert.match(status.stdout, /deployed with.*\d+ ok/);
    assert.match(status.stdout, /the emergency d-\w+ of .* by ada \(nobody can log in\).* waits for a review/);
    await app.git(["config", "user.email", "grace@example.com"]);
    await app.git(["config", "user.name", "Grace"]);
    await app.must(["review", "staging", "--comment", "right call"], { env: { SHIPLOCK_WHO: "grace" } });
    assert.doesNotMatch((await app.must(["status", "staging"])).stdout, /waits for a review/);
  });
});
