import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Files, readRepository } from "../init/fixtures.ts";
import { labAvailability } from "../lab/availability.ts";
import type { LabHost } from "../lab/host.ts";
import { ensureBaseImages } from "../lab/images/base-images.ts";
import type { Lab } from "../lab/lab.ts";
import { startE2eLab, stopE2eLab } from "./support/lab.ts";
import { createProject, type Project } from "./support/project.ts";

const availability = labAvailability();

describe("what init writes deploys unedited", {
  skip: availability.available ? false : availability.reason,
}, () => {
  let lab: Lab;
  let host: LabHost;

  before(async () => {
    lab = await startE2eLab({ name: "init", hosts: 1 });
    host = lab.host("host-1");
    const log = () => undefined;
    await ensureBaseImages({ socketPath: lab.runnerSocket, only: ["python:3.13-slim"], log });
    await ensureBaseImages({ socketPath: host.socketPath, only: ["postgres:17"], log });
  });

  after(async () => {
    if (lab !== undefined) await stopE2eLab(lab);
  });

  /** A repository that knows nothing of Shiplock, after init with this lab's host, with its registry or without one, and nothing else. */
  async function initialised(name: string, files: Files, registry: readonly string[]): Promise<Project> {
    const project = await createProject(lab, { name });
    for (const entry of readdirSync(project.folder))
      if (entry !== ".git") rmSync(join(project.folder, entry), { recursive: true });
    for (const [path, text] of Object.entries(files)) project.write(path, text);
    await project.commit("A repository as it was before");
    Object.assign(project.env, { REGISTRY_USERNAME: lab.registry.username });
    const where = ["--host", "staging=host-1", "--domain", `staging=${project.address()}`, "--tls", "off"];
    await project.must(["init", "--yes", ...where, ...registry, "--build-network", "host", "--name", name]);
    await project.commit("What init wrote");
    return project;
  }

  test("FastAPI with Alembic: its own PostgreSQL, migrated, healthy by the path in its code, over SSH without a registry", async () => {
    await using project = await initialised("tea-api", readRepository("fastapi-alembic"), []);
    Object.assign(project.env, { POSTGRES_PASSWORD: "only-for-this-test" });
    await project.must(["deploy", "staging"]);
    const answer = await project.curl(host, "/api/teas");
    assert.deepEqual([answer.status, answer.body], [200, '["Assam"]']);
    assert.equal((await project.curl(host, "/health")).status, 200);
  });

  test("Next.js: standalone, through a registry, with the environment's values in its pages", async () => {
    const shop = join(import.meta.dirname, "../../examples/shop/web");
    const files = readRepository("nextjs");
    const { scripts } = JSON.parse(files["package.json"] ?? "") as { scripts: unknown };
    // The shop's packages are in the lab's caches; its scripts would become checks, which have a test of their own.
    const manifest = { ...(JSON.parse(readFileSync(join(shop, "package.json"), "utf8")) as object), scripts };
    const packages = {
      "package.json": JSON.stringify(manifest),
      "package-lock.json": readFileSync(join(shop, "package-lock.json"), "utf8"),
    };
    const registry = ["--registry", `http://${lab.registry.address}/tea-web`];
    await using project = await initialised("tea-web", { ...files, ...packages }, registry);
    Object.assign(project.env, { SESSION_SECRET: "only-for-this-test" });
    await project.must(["deploy", "staging"]);
    const page = await project.curl(host);
    assert.equal(page.status, 200);
    assert.match(page.body, /<h1 data-api="https:\/\/staging\.tea-web\.example\.com">Tea<\/h1>/);
    assert.deepEqual(JSON.parse((await project.curl(host, "/api/health")).body), { status: "ok", signed: true });
    assert.equal((await project.curl(host, "/robots.txt")).body, "User-agent: *\n");
  });
});
