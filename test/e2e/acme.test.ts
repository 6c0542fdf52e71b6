import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { labAvailability } from "../lab/availability.ts";
import type { LabHost } from "../lab/host.ts";
import type { Lab } from "../lab/lab.ts";
import { type AcmeServer, acmeServer } from "./support/acme-server.ts";
import { assertRefused } from "./support/assertions.ts";
import { startE2eLab, stopE2eLab } from "./support/lab.ts";
import { createProject, type Project } from "./support/project.ts";
import { askSecurely, type SecureAddress, shakeHands } from "./support/secure.ts";

const availability = labAvailability();
const proxy = (value: unknown) => [{ path: ["environments", "staging", "target", "compose", "proxy"], value }];

describe("HTTPS with an ACME authority of the team's own", {
  skip: availability.available ? false : availability.reason,
}, () => {
  let lab: Lab;
  let host: LabHost;
  let app: Project;
  let authority: AcmeServer;
  let web: SecureAddress;

  before(async () => {
    lab = await startE2eLab({ name: "acme", hosts: 2 });
    host = lab.host("host-2");
    app = await createProject(lab, { name: "acme", hosts: { staging: ["host-2"], production: ["host-2"] } });
    authority = await acmeServer(lab.host("host-1"), [app.address(), app.address("staging", "caller")], host.address);
    await authority.start();
    const ca = authority.root();
    web = { address: host.address, port: 443, name: app.address(), ca };
    app.write("ops/ca-root.pem", ca);
    const acme = { directory: authority.directory, email: "ops@acme.example.com", trustedRoot: "ops/ca-root.pem" };
    app.configure(proxy({ tls: "auto", acme }));
    await app.commit("Certificates from our own authority");
  });

  after(async () => {
    await authority?.stop();
    await app?.[Symbol.asyncDispose]();
    if (lab !== undefined) await stopE2eLab(lab);
  });

  test("every public name gets a certificate of that authority, before the release counts as live", async () => {
    const deployed = await app.must(["deploy", "staging"]);
    assert.match(deployed.stdout, /2 public addresses answer/);
    const { certificate, protocol } = await shakeHands(web);
    assert.equal(protocol, "h2");
    assert.equal(certificate.subjectaltname, `DNS:${web.name}`);
    assert.equal((await askSecurely(web)).version, "v1");
    assert.equal((await app.curl(host, "/x")).headers["location"], `https://${web.name}/x`);
  });

  test("certificates are kept: what comes after needs no authority", async () => {
    await authority.stop();
    const serial = (await shakeHands(web)).certificate.serialNumber;
    await app.commitVersion("v2");
    await app.must(["deploy", "staging"]);
    assert.equal((await askSecurely(web)).version, "v2");
    assert.equal((await shakeHands(web)).certificate.serialNumber, serial);
  });

  test("a deployment whose name gets no certificate is refused, with what the edge says and what to do", async () => {
    await authority.stop();
    await using other = await createProject(lab, { name: "unsigned", hosts: { staging: ["host-2"] } });
    other.write("ops/ca-root.pem", web.ca);
    other.configure([
      ...proxy({ tls: "auto", acme: { directory: authority.directory, trustedRoot: "ops/ca-root.pem" } }),
      { path: ["environments", "staging", "variables", "WEB_PORT"], value: "8099" },
    ]);
    await other.commit("Certificates from an authority that is away");
    const error = assertRefused(await other.run(["deploy", "staging", "--json"]), {
      ...{ exit: 1, code: "verify/certificate" },
      says: /https:\/\/(caller\.)?staging\.unsigned\.example\.com\/ does not answer on host-2/,
      remedy: /let the name lead to this host/,
    });
    assert.match(error.details.join("\n"), /connection refused/);
    assert.equal(other.state(host)?.live ?? null, null);
  });
});
