import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { changed, load, problemsIn, VALID } from "./example.ts";

function tells(text: string, ...expected: readonly string[]) {
  assert.deepEqual(problemsIn(text), expected);
}

describe("what holds between keys", () => {
  test("a route and a health check by HTTP need a port", () => {
    tells(
      changed(["port: 3000", "route: shop.example.com"]),
      "7:3: services.web.port: is missing: a route and a health check by HTTP need the port of the container",
    );
  });

  test("two services cannot claim one address, also not by way of a variable", () => {
    const api = "services:\n  api: { image: web, port: 80, health: { tcp: true }, route: shop.example.com/ }";
    tells(
      changed(["services:", api], ["port: 3000", "port: 3000\n    route: shop.example.com"]),
      '11:12: services.web.route: the address "shop.example.com" is routed to the service "api" already',
    );
    const variable = changed(
      ["services:", api],
      ["port: 3000", 'port: 3000\n    route: "${HOST}"'],
      ["strategy: rolling", "variables: { HOST: shop.example.com }"],
    );
    assert.match(
      problemsIn(variable)[0] ?? "",
      /^11:12: .*routed to the service "api" already \(in the environment staging\)$/,
    );
  });

  test("a text that is no host name is refused, when it is known what a variable holds", () => {
    const text = changed(["port: 3000", 'port: 3000\n    route: "${HOST}"']);
    assert.deepEqual(load(text).services.web?.routes, ["${HOST}"]);
    const [problem] = problemsIn(text, { HOST: "private value" });
    assert.match(problem ?? "", /^10:12: services\.web\.route: must be a host name/);
    assert.doesNotMatch(problem ?? "", /private/);
  });

  test("a secret cannot become a build argument", () => {
    const text = changed(
      ["context: web", 'args: { TOKEN: "${API_TOKEN}" }'],
      ["strategy: rolling", "secrets: [API_TOKEN]"],
    );
    assert.match(
      problemsIn(text)[0] ?? "",
      /^5:20: images\.web\.args\.TOKEN: API_TOKEN is a secret of the environment staging/,
    );
  });

  test("a name cannot be a variable and a secret at once", () => {
    tells(
      changed(["strategy: rolling", "variables: { A: x }\n    secrets: [A, B, B]"]),
      "17:15: environments.staging.secrets[0]: this name is under variables too; it can be only one of both",
      "17:21: environments.staging.secrets[2]: is in the list already",
    );
  });

  test("a variable's value that asks for filling in is refused rather than passed on", () => {
    assert.match(
      problemsIn(changed(["strategy: rolling", 'variables: { A: "${B}" }']))[0] ?? "",
      /^16:21: .*taken as they are/,
    );
  });

  test("a reference without braces or a malformed one is refused where it stands", () => {
    assert.match(
      problemsIn(changed(["context: web", "args: { A: $API_URL }"]))[0] ?? "",
      /^5:16: .*write \$\{API_URL\}, or \$\$API_URL/,
    );
    assert.match(
      problemsIn(changed(["context: web", 'args: { A: "${API URL}" }']))[0] ?? "",
      /^5:16: images\.web\.args\.A: /,
    );
  });

  test("a service named like a slot of another is refused", () => {
    tells(
      changed(["services:", "services:\n  web-b: { image: web, health: { docker: true } }"]),
      '7:3: services.web-b: the name "web-b" is taken by a slot of the service "web"',
    );
  });

  test("a released service cannot be a backing one", () => {
    tells(
      `${VALID}backing: [redis, web]\n`,
      '17:18: backing[1]: "web" is a released service, so it cannot be a backing one',
    );
  });

  test("hosts that are there twice, and destinations that ssh could take for options, are refused", () => {
    const hosts = (list: string) => changed(["[deploy@10.0.0.5]", list]);
    assert.match(problemsIn(hosts("[a@b, b]"))[0] ?? "", /^15:22: .*hosts\[1\]: there is a host named "b" already/);
    assert.match(problemsIn(hosts("[b, { ssh: a@b, name: c }]"))[0] ?? "", /hosts\[1\]: this is the same host as "b"/);
    for (const destination of ["-oProxyCommand=x", "a@-oProxyCommand=x", "a b", "host;ls", "$(touch pwned)"]) {
      assert.match(problemsIn(hosts(`["${destination}"]`))[0] ?? "", /^15:17: .*must be "user@host"/, destination);
    }
  });

  test("exactly one kind of health check, smoke test and host has to be chosen", () => {
    assert.match(
      problemsIn(changed(["/health", "{ http: /, tcp: true }"]))[0] ?? "",
      /takes only one of the keys http, tcp, docker or command/,
    );
    assert.match(
      problemsIn(changed(["/health", "{}"]))[0] ?? "",
      /^10:13: services\.web\.health: needs one of the keys/,
    );
    assert.match(
      problemsIn(changed(["strategy: rolling", "smoke: [{ status: 200 }]"]))[0] ?? "",
      /needs one of the keys get or command/,
    );
  });

  test("a login needs user name and password", () => {
    tells(
      changed(["/shop }", "/shop, password: TOKEN }"]),
      "2:1: registry.username: is missing: password alone is no login",
    );
  });

  test("a rolling deployment that could never change anything is refused", () => {
    assert.match(
      problemsIn(changed(["strategy: rolling", "strategy: { rolling: { maxSurge: 0 } }"]))[0] ?? "",
      /cannot both be 0/,
    );
  });

  test("an ACME directory without certificates by ACME is refused, and has to be an address over HTTPS", () => {
    const text = (proxy: string): string =>
      changed(["hosts: [deploy@10.0.0.5]", `hosts: [deploy@10.0.0.5]\n        proxy: ${proxy}`]);
    const proxied = (proxy: string): string => problemsIn(text(proxy)).join();
    const acme = 'acme: { directory: "https://ca.example.com/directory" }';
    assert.match(proxied(`{ tls: internal, ${acme} }`), /acme: has no meaning with tls: internal/);
    assert.match(proxied(`{ tls: "off", ${acme} }`), /acme: has no meaning with tls: off/);
    const { proxy } = load(text(`{ tls: auto, ${acme} }`)).environments["staging"]?.target ?? {};
    assert.equal(proxy?.acme?.directory, "https://ca.example.com/directory");
    assert.match(proxied('{ acme: { directory: "http://ca.example.com" } }'), /starts with "https:/);
  });

  test("two environments cannot share a tag prefix", () => {
    const other = "environments:\n  old: { tagPrefix: staging, target: { compose: { hosts: [x] } } }";
    assert.match(problemsIn(changed(["environments:", other]))[0] ?? "", /has the tag prefix "staging" already/);
  });

  test("names that every object has are refused as names", () => {
    const shown = problemsIn(changed(["images:", "images:\n  constructor: {}\n  __proto__: {}"]));
    assert.ok(shown.includes("4:3: images.constructor: this name is reserved; choose another"));
    assert.ok(shown.includes("5:3: images.__proto__: this name is reserved; choose another"));
  });
});
