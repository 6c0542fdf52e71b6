import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { asList, asObject, type Json, type JsonObject } from "../../src/json.ts";
import { edgeConfig, type EdgeTls } from "../../src/proxy/caddy/edge-config.ts";
import { replicaSocket, type RouterService } from "../../src/proxy/caddy/router-config.ts";
import { layoutOf } from "../../src/targets/compose/layout.ts";
import { bothFaces, designRouter } from "../../src/targets/compose/routers.ts";

const layout = layoutOf("shop", "production", "~/.shiplock", "/home/deploy");

const service = (name: string, port: number, paths: string[], more: Partial<RouterService> = {}): RouterService => ({
  ...{ name, port, published: [], capacity: 2 },
  routes: paths.map((path) => ({ host: "shop.example.com", path })),
  ...more,
});

function design(services: readonly RouterService[], networks: Record<string, string[]> = {}) {
  return designRouter(
    { services, networks },
    {
      project: "shop",
      environment: "production",
      layout,
      owner: { uid: 1000, gid: 1000 },
      proxyImage: "caddy:2",
    },
  );
}

function servers(services: readonly RouterService[]): JsonObject {
  const config = JSON.parse(design(services).config) as JsonObject;
  return asObject(asObject(asObject(config["apps"])?.["http"])?.["servers"]) ?? {};
}

/** Which service answers a path, as the router goes through its routes. */
function answering(services: readonly RouterService[], path: string): string | null {
  for (const route of asList(asObject(servers(services)["front"])?.["routes"])) {
    const match = asObject(asList(asObject(route)?.["match"])[0]);
    const paths = asList(match?.["path"]).map(String);
    if (match === undefined) return null;
    if (
      paths.length > 0 &&
      !paths.some((each) => each === path || (each.endsWith("/*") && path.startsWith(each.slice(0, -1))))
    )
      continue;
    const text = JSON.stringify(route);
    return /live\/([a-z]+)\//.exec(text)?.[1] ?? null;
  }
  return null;
}

describe("the router's configuration", () => {
  it("does not change with the order in which services and routes are named, so no router is replaced without need", () => {
    const services = [
      service("web", 3000, ["/", "/docs"]),
      service("api", 8000, ["/api", "/v2"]),
      service("admin", 8000, ["/admin"]),
    ];
    fc.assert(
      fc.property(fc.shuffledSubarray(services, { minLength: 3 }), fc.boolean(), (shuffled, turn) => {
        const same = shuffled.map((each) => ({ ...each, routes: turn ? [...each.routes].reverse() : each.routes }));
        assert.deepEqual(
          design(same, { default: ["web"], back: [] }),
          design(services, { back: [], default: ["web"] }),
        );
      }),
    );
  });

  it("the most specific route wins", () => {
    const services = [
      service("web", 3000, ["/"]),
      service("api", 8000, ["/api"]),
      service("admin", 8001, ["/api/admin"]),
    ];
    assert.equal(answering(services, "/"), "web");
    assert.equal(answering(services, "/apiary"), "web");
    assert.equal(answering(services, "/api"), "api");
    assert.equal(answering(services, "/api/orders"), "api");
    assert.equal(answering(services, "/api/admin/x"), "admin");
  });

  it("has a socket for every replica of every slot, and knows no release", () => {
    const text = design([service("web", 3000, ["/"])]).config;
    for (const slot of ["a", "b", "c"] as const)
      for (const replica of [1, 2]) assert.ok(text.includes(replicaSocket("web", slot, replica)));
    assert.doesNotMatch(text, /r-v\d|sha256/);
  });

  it("services that share a port are told apart by name, one that is alone answers by any", () => {
    const namesIn = (server: Json | undefined) =>
      asList(asObject(server)?.["routes"]).filter((route) =>
        /"host":\["(api|admin|web)"\]/.test(JSON.stringify(route)),
      );
    const shared = servers([service("api", 8000, []), service("admin", 8000, []), service("web", 3000, [])]);
    assert.equal(namesIn(shared["inside-8000"]).length, 2);
    assert.equal(namesIn(shared["inside-3000"]).length, 0);
  });

  it("any other route, name, port or capacity is another generation, with folders and a container of its own", () => {
    const base = [service("web", 3000, ["/"])];
    const changed = [
      design([service("web", 3000, ["/", "/docs"])]),
      design([service("web", 3001, ["/"])]),
      design([service("web", 3000, ["/"], { capacity: 8 })]),
      design([service("web", 3000, ["/"], { published: ["8080"] })]),
      design(base, { default: ["web"] }),
    ];
    const all = [design(base), ...changed];
    assert.equal(new Set(all.map((each) => each.generation)).size, all.length);
    for (const { generation, name, config } of all) {
      assert.ok(name.endsWith(generation));
      assert.ok(
        config.includes(`/front/${generation}/front.sock`) && config.includes(`/routers/${generation}/admin.sock`),
      );
    }
  });

  it("while both releases are there, a route that moves stays with the old service, and what is new is there already", () => {
    const before = [service("web", 3000, ["/", "/api"]), service("old", 9000, ["/old"])];
    const after = [service("web", 3000, ["/"], { capacity: 6 }), service("api", 8000, ["/api", "/v2"])];
    const { services: both, networks } = bothFaces(
      { services: before, networks: { default: ["old", "web"], back: ["old"] } },
      { services: after, networks: { default: ["api", "web"], front: ["web"] } },
    );
    assert.deepEqual(networks, { default: ["api", "old", "web"], back: ["old"], front: ["web"] });
    assert.equal(answering(both, "/api"), "web");
    assert.equal(answering(both, "/v2"), "api");
    assert.equal(answering(both, "/old/x"), "old");
    assert.equal(both.find((each) => each.name === "web")?.capacity, 6);
  });
});

describe("the edge's configuration", () => {
  const internal: EdgeTls = { issuer: "internal", port: 443 };
  const acme: EdgeTls = { ...{ issuer: "acme", port: 443 }, directory: null, email: null, trustedRoot: null };

  it("never depends on a project, so a new one touches nobody's connections", () => {
    for (const tls of ["off", internal, acme] as const) {
      assert.equal(JSON.stringify(edgeConfig(tls)), JSON.stringify(edgeConfig(tls)));
      assert.doesNotMatch(JSON.stringify(edgeConfig(tls)), /shop|example\.com/);
    }
  });

  it("takes nothing for a host name that could lead out of its folder", () => {
    const pattern = /"pattern":"(\^[^"]+\$)"/.exec(JSON.stringify(edgeConfig("off")))?.[1];
    const hostName = new RegExp(JSON.parse(`"${pattern}"`) as string);
    for (const name of ["shop.example.com", "a", "x-1.test"]) assert.match(name, hostName);
    for (const name of ["../../etc", "a/b", "", ".hidden", "a\nb", "..", "-x"])
      assert.doesNotMatch(name, hostName, name);
  });

  it("with certificates, plain requests are sent on to the safe address, and certificates are only fetched for claimed names", () => {
    const text = JSON.stringify(edgeConfig(acme));
    assert.match(text, /"status_code":308/);
    assert.match(text, /"on_demand":true/);
    assert.match(text, /"ask":"http:\/\/127\.0\.0\.1:/);
    assert.doesNotMatch(JSON.stringify(edgeConfig("off")), /on_demand|308/);
  });

  it("sends plain requests to the port that the host has for HTTPS", () => {
    const location = (tls: EdgeTls): string | undefined =>
      /"Location":\["([^"]+)"\]/.exec(JSON.stringify(edgeConfig(tls)))?.[1];
    assert.equal(location(internal), "https://{http.request.host}{http.request.uri}");
    assert.equal(location({ ...internal, port: 8443 }), "https://{http.request.host}:8443{http.request.uri}");
  });

  it("asks the authority that the team names, trusted by the team's own root", () => {
    const own = { ...acme, directory: "https://ca.test/directory", email: "ops@ca.test", trustedRoot: "PEM" };
    const text = JSON.stringify(edgeConfig(own));
    assert.match(text, /"issuers":\[\{"module":"acme","ca":"https:\/\/ca\.test\/directory","email":"ops@ca\.test"/);
    assert.match(text, /"trusted_roots_pem_files":\["\/shiplock\/trusted-root\.pem"\]/);
    assert.doesNotMatch(JSON.stringify(edgeConfig(acme)), /issuers/);
    assert.match(JSON.stringify(edgeConfig(internal)), /"issuers":\[\{"module":"internal"\}\]/);
  });
});
