import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { asObject } from "../../../src/json.ts";
import { makeDocument } from "../../../src/release/snapshot.ts";
import type { ReleaseDocument } from "../../../src/release/types.ts";
import { dockerCompose } from "../../../src/targets/compose/compose-program.ts";
import { layoutOf } from "../../../src/targets/compose/layout.ts";
import { renderCompose } from "../../../src/targets/compose/render.ts";
import { type Translation, translate } from "../../../src/targets/compose/translate.ts";
import { whyNoCompose } from "../../fakes/real-compose.ts";
import { shop } from "../../fakes/shop.ts";

const layout = layoutOf("shop", "production", "~/.shiplock", "/home/deploy");

const referenceOf = ({ repository, digest }: { repository: string; digest: string }) => `${repository}@${digest}`;

const composeFile = `
services:
  web:
    build: .
    image: web
    ports: ["8080:3000"]
    container_name: shop-web
    environment: { TOKEN: "\${TOKEN}", PRICE: "$$5", TAG: "\${TAG:-none}" }
    configs: [{ source: greeting, target: /greeting }]
    networks: { default: { aliases: [www] } }
    restart: always
  api: { image: api, networks: [default, data] }
  worker: { image: worker, depends_on: [api] }
  db: { image: "postgres:17", networks: [data], volumes: ["data:/var/lib/postgresql/data"] }
networks: { data: {} }
volumes: { data: {} }
configs: { greeting: { content: "price $$5" } }
`;

describe("with the real Compose", async () => {
  const reason = await whyNoCompose();
  const skip = reason === null ? false : `not run: ${reason}`;
  const compose = dockerCompose(process.env);
  let document: ReleaseDocument;
  let byApi: Map<string, Translation>;

  before(async () => {
    if (reason !== null) return;
    const directory = await mkdtemp(join(tmpdir(), "compose-"));
    await writeFile(join(directory, "compose.yml"), composeFile);
    const rendered = await renderCompose({
      ...{ compose, directory, composeFiles: ["compose.yml"], composeProject: layout.id, variables: { TAG: "v9" } },
      ...{ secretNames: ["TOKEN"], released: ["web", "api", "worker"], backing: undefined },
    });
    await rm(directory, { recursive: true, force: true });
    const { release, snapshot } = shop("v1");
    document = makeDocument(release, { ...snapshot, model: rendered.model, backing: rendered.backing, files: [] });
    byApi = new Map();
    for (const apiVersion of ["1.41", "1.45"]) {
      byApi.set(
        apiVersion,
        await translate({
          compose,
          document,
          previous: null,
          place: "b",
          layout,
          owner: { uid: 1000, gid: 1000 },
          proxyImage: "caddy:2",
          apiVersion,
          referenceOf,
          secrets: { TOKEN: "pa$$w'rd" },
        }),
      );
    }
  });

  function specs(apiVersion = "1.45") {
    const translation = byApi.get(apiVersion);
    assert.ok(translation !== undefined);
    return new Map(translation.containers.map((spec) => [spec.name, spec]));
  }

  it("it asks for each replica of the slot, the router and the backing services, and for nothing under the service's own name", {
    skip,
  }, () => {
    const { after } = byApi.get("1.45")?.proxies ?? assert.fail("there are no proxies");
    assert.deepEqual([...specs().keys()].sort(), [
      "shop-production-api-b-1",
      "shop-production-db-1",
      "shop-production-shiplock-port-8080-1",
      after.name,
      "shop-production-web-b-1",
      "shop-production-web-b-2",
      "shop-production-worker-b-1",
    ]);
    assert.doesNotMatch(
      JSON.stringify(
        [...specs().values()]
          .filter((spec) => spec.service !== "shiplock-router")
          .map((spec) => spec.body["NetworkingConfig"]),
      ),
      /"www"|"web"/,
    );
  });

  it("images are by digest, dollars stay dollars, variables have their values and secrets today's", { skip }, () => {
    const web = specs().get("shop-production-web-b-1");
    assert.match(String(web?.body["Image"]), /^registry\.test\/shop\/web@sha256:[0-9a-f]{64}$/);
    const env = web?.body["Env"] as string[];
    assert.ok(env.includes("PRICE=$5") && env.includes("TAG=v9") && env.includes("TOKEN=pa$$w'rd"), env.join(" "));
    assert.equal(web?.archives.length, 1);
  });

  it("the text that is stored holds no secret, and says by hash and label what each container is", { skip }, () => {
    const translation = byApi.get("1.45");
    assert.doesNotMatch(`${translation?.text}${translation?.dotenv}`, /pa\$\$w/);
    for (const spec of specs().values()) {
      assert.match(spec.configHash, /^[0-9a-f]{64}$/);
      assert.equal(asObject(spec.body["Labels"])?.["com.docker.compose.project.working_dir"], layout.folder);
    }
  });

  it("replicas of one service are one definition, and another slot is another", { skip }, async () => {
    const [one, two] = [specs().get("shop-production-web-b-1"), specs().get("shop-production-web-b-2")];
    assert.equal(one?.configHash, two?.configHash);
    const other = await translate({
      compose,
      document,
      previous: null,
      place: "c",
      layout,
      owner: { uid: 1000, gid: 1000 },
      proxyImage: "caddy:2",
      apiVersion: "1.45",
      referenceOf,
      secrets: { TOKEN: "x" },
    });
    const inC = other.containers.find((spec) => spec.name === "shop-production-web-c-1");
    assert.ok(inC !== undefined && inC.configHash !== one?.configHash);
  });

  it("a service on two networks is on both, whether the engine takes them at once or one by one", { skip }, () => {
    for (const apiVersion of byApi.keys()) {
      const api = specs(apiVersion).get("shop-production-api-b-1");
      const first = Object.keys(asObject(asObject(api?.body["NetworkingConfig"])?.["EndpointsConfig"]) ?? {});
      const all = [...new Set([...first, ...(api?.connects.map((each) => each.network) ?? [])])].sort();
      assert.deepEqual(all, ["shop-production_data", "shop-production_default"], apiVersion);
    }
  });

  it("it asks for the networks and volumes of the environment", { skip }, () => {
    const translation = byApi.get("1.45");
    assert.deepEqual(translation?.networks.map((body) => body["Name"]).sort(), [
      "shop-production_data",
      "shop-production_default",
    ]);
    assert.deepEqual(
      translation?.volumes.map((body) => body["Name"]),
      ["shop-production_data"],
    );
  });

  it("a secret without a value is refused in Compose's own words", { skip }, async () => {
    const request = {
      compose,
      document,
      previous: null,
      place: "b" as const,
      layout,
      owner: { uid: 1, gid: 1 },
      proxyImage: "caddy:2",
      apiVersion: "1.45",
      referenceOf,
    };
    await assert.rejects(
      translate({ ...request, secrets: {} }),
      (error: Error) => /TOKEN/.test(error.message) && "code" in error && error.code === "compose/invalid",
    );
  });

  it("a compose file that Compose cannot read is refused with its own reason", { skip }, async () => {
    const directory = await mkdtemp(join(tmpdir(), "compose-"));
    await writeFile(join(directory, "compose.yml"), "services: { web: { imagee: x } }\n");
    await assert.rejects(compose.config({ directory, files: ["compose.yml"], project: "x", env: {} }), (error: Error) =>
      /imagee/.test(error.message),
    );
    await rm(directory, { recursive: true, force: true });
  });
});
