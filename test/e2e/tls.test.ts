import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { WebSocket } from "ws";
import { ownRootPath } from "../../src/proxy/caddy/edge-config.ts";
import { labAvailability } from "../lab/availability.ts";
import type { LabHost } from "../lab/host.ts";
import type { Lab } from "../lab/lab.ts";
import { startE2eLab, stopE2eLab } from "./support/lab.ts";
import { assertNothingLost, flowing, lightDrain, lightLoadOver, onlyAnsweredBy } from "./support/light-load.ts";
import { shiplockFolder } from "./support/observe.ts";
import { createProject, type Project } from "./support/project.ts";
import { askSecurely, postOverHttp2, type SecureAddress, shakeHands } from "./support/secure.ts";

const availability = labAvailability();
const proxy = (value: unknown) => [{ path: ["environments", "staging", "target", "compose", "proxy"], value }];
const shortDrain = ["web", "caller"].map((service) => ({ path: ["services", service, "drain"], value: lightDrain }));

describe("HTTPS", { skip: availability.available ? false : availability.reason }, () => {
  let lab: Lab;

  before(async () => {
    lab = await startE2eLab({ name: "tls", hosts: 1 });
  });

  after(async () => {
    await stopE2eLab(lab);
  });

  describe("with an authority of the edge's own", () => {
    const port = 8443;
    let host: LabHost;
    let app: Project;
    let web: SecureAddress;

    before(async () => {
      host = lab.host("host-1");
      app = await createProject(lab, { configure: [...shortDrain, ...proxy({ tls: "internal", https: port })] });
      await app.must(["deploy", "staging"]);
      const ca = readFileSync(join(shiplockFolder(host), "edge", ownRootPath), "utf8");
      web = { address: host.address, port, name: app.address(), ca };
    });

    after(async () => {
      await app?.[Symbol.asyncDispose]();
    });

    test("the public name has a certificate that its root vouches for, and answers over HTTP/2", async () => {
      const { certificate, protocol } = await shakeHands(web);
      assert.equal(protocol, "h2");
      assert.equal(certificate.subjectaltname, `DNS:${web.name}`);
      assert.equal(new X509Certificate(web.ca).ca, true);
      const posted = await postOverHttp2(web, "/echo", "tea");
      assert.equal(posted.status, 200);
      assert.equal((JSON.parse(posted.body) as { body: string }).body, "tea");
      assert.equal((await shakeHands(web, ["http/1.1"])).protocol, "http/1.1");
    });

    test("nothing is announced that the host has no port for", async () => {
      assert.equal((await askSecurely(web)).headers["alt-svc"], undefined);
    });

    test("a plain request is sent on for good, to the port that HTTPS has, and one for no name of ours is not", async () => {
      const plain = await app.curl(host, "/orders?page=2");
      assert.equal(plain.status, 308);
      assert.equal(plain.headers["location"], `https://${web.name}:${port}/orders?page=2`);
      const other = await app.curl(host, "/", { environment: "production" });
      assert.equal(other.status, 404);
    });

    test("a name that no environment has gets no certificate", async () => {
      await assert.rejects(shakeHands({ ...web, name: app.address("production") }), /alert|handshake/i);
    });

    test("the application is told that the request came over HTTPS, whatever the caller claims", async () => {
      const answer = await askSecurely(web, "/headers", { "X-Forwarded-Proto": "http", "X-Shiplock-Proto": "http" });
      const { headers } = JSON.parse(answer.body) as { headers: Record<string, string> };
      assert.equal(headers["x-forwarded-proto"], "https");
      assert.equal(headers["x-forwarded-host"], `${web.name}:${port}`);
      assert.equal(headers["x-shiplock-proto"], undefined);
    });

    test("doctor says which Caddy runs, and that an edge has other settings than the environment wants by now", async () => {
      const content = await app.must(["doctor", "staging"]);
      for (const name of ["edge", "router"])
        assert.match(content.stdout, new RegExp(`host-1: ${name}: Caddy 2\\.6\\.2, the version that is tested`));
      app.configure(proxy({ tls: "internal", https: 9443 }));
      const discontent = await app.run(["doctor", "staging"]);
      app.configure(proxy({ tls: "internal", https: port }));
      assert.equal(discontent.code, 1, discontent.stdout);
      assert.match(discontent.stdout, /host-1: edge: .*other settings[^]*docker rm -f shiplock-edge/);
    });

    test("WebSockets pass", async () => {
      const socket = new WebSocket(`wss://${web.address}:${port}/ws`, {
        ...{ servername: web.name, ca: web.ca, handshakeTimeout: 10_000 },
        headers: { host: web.name },
      });
      const signal = AbortSignal.timeout(15_000);
      await once(socket, "open", { signal });
      const [back] = (socket.send("ahoy"), await once(socket, "message", { signal })) as [Buffer];
      assert.equal(back.toString(), "ahoy");
      socket.close();
    });

    test("a deployment loses nothing: kept and fresh connections, POSTs and WebSockets", async () => {
      await app.commitVersion("v2");
      await using load = lightLoadOver(
        { name: "edge", url: `https://${web.address}:${port}/`, host: web.name, ca: web.ca },
        ["v1"],
      );
      await flowing(load);
      await load.setAllowed(["v1", "v2"]);
      const deployed = await app.must(["deploy", "staging"]);
      assert.match(deployed.stdout, /2 public addresses answer/);
      await onlyAnsweredBy(load, "v2");
      await assertNothingLost(load);
    });
  });
});
