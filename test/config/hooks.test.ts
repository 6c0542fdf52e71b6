import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { resolveEnvironment } from "../../src/config/environment.ts";
import { changed, load, problemsIn, VALID } from "./example.ts";

/** The valid configuration with hooks of the project, and with more keys of the environment. */
function hooked(hooks: string, environment = ""): string {
  return `${VALID}${environment === "" ? "" : `    ${environment}\n`}${hooks === "" ? "" : `hooks: ${hooks}\n`}`;
}

const hooksOf = (text: string) => resolveEnvironment(load(text), "staging").hooks;
const problems = (text: string): string => problemsIn(text).join("\n");

describe("the hooks of an environment", () => {
  it("are those of the project, and at each point its own instead, also where these are none", () => {
    const project = "{ before: [{ run: one }], after: [{ run: two }] }";
    const names = (text: string) => {
      const { before, after } = hooksOf(text);
      return [before, after].map((list) => list.map(({ name }) => name));
    };
    assert.deepEqual(names(hooked(project)), [["one"], ["two"]]);
    assert.deepEqual(names(hooked(project, "hooks: { after: [] }")), [["one"], []]);
    assert.deepEqual(names(hooked(project, "hooks: { before: [{ run: three }] }")), [["three"], ["two"]]);
  });

  it("have five minutes, and before the release is live a failure stops the deployment", () => {
    const { before, after } = hooksOf(hooked("{ before: [{ run: [./x, a b] }], after: [{ run: ./x a b }] }"));
    const common = { timeoutMs: 300_000, environment: {}, secrets: [], name: "./x a b" };
    assert.deepEqual(before, [{ ...common, run: { kind: "arguments", arguments: ["./x", "a b"] }, onFailure: "stop" }]);
    assert.deepEqual(after, [{ ...common, run: { kind: "shell", line: "./x a b" }, onFailure: "continue" }]);
  });

  it("without a name are called by what they run, shortened", () => {
    const long = `${"long ".repeat(30)}end`;
    const { before } = hooksOf(hooked(`{ before: [{ run: "${long}" }, { run: "one\\ntwo" }] }`));
    assert.deepEqual(
      before.map(({ name }) => name),
      [`${long.slice(0, 49).trimEnd()}…`, "one…"],
    );
  });

  it("have no policy that means nothing at their point, and the reason is said", () => {
    const at = (point: string, policy: string) => problems(hooked(`{ ${point}: [{ run: x, onFailure: ${policy} }] }`));
    assert.match(
      at("before", "rollback"),
      /hooks\.before\[0\]\.onFailure: cannot be rollback here: .* stop takes everything back/,
    );
    assert.match(at("afterTraffic", "rollback"), /cannot be rollback here/);
    assert.match(at("after", "stop"), /cannot be stop here: the release is live already; choose rollback/);
    assert.match(at("afterFailure", "continue"), /has no meaning here: the deployment has failed already/);
    assert.match(
      problems(hooked("", "hooks: { after: [{ run: x, onFailure: stop }] }")),
      /environments\.staging\.hooks\.after/,
    );
  });

  it("do not take names that are Shiplock's own, nor one for a variable and a secret", () => {
    const text = hooked("{ before: [{ run: x, environment: { SHIPLOCK_WHO: me, A: b }, secrets: [A, SHIPLOCK_X] }] }");
    assert.match(problems(text), /environment\.SHIPLOCK_WHO: names that begin with SHIPLOCK_ are Shiplock's own/);
    assert.match(problems(text), /secrets\[1\]: names that begin with SHIPLOCK_/);
    assert.match(problems(text), /secrets\[0\]: is a variable under environment already/);
  });

  it("have no moment before traffic where nothing stands before the containers", () => {
    const inPlace = changed(["strategy: rolling", "strategy: in-place"]);
    const text = `${inPlace}hooks: { beforeTraffic: [{ run: x }] }\n`;
    assert.match(
      problems(text),
      /hooks\.beforeTraffic: has no moment with strategy: in-place \(in the environment staging\)/,
    );
    const without = inPlace.replace("strategy: in-place", "strategy: in-place\n    hooks: { beforeTraffic: [] }");
    assert.deepEqual(
      load(`${without}hooks: { beforeTraffic: [{ run: x }] }\n`).environments["staging"]?.hooks.beforeTraffic,
      [],
    );
  });
});

describe("the watch over a release", () => {
  const watchOf = (text: string) => resolveEnvironment(load(text), "staging").watch;

  it("is not kept unless it is asked for, and then looks every five seconds and goes back", () => {
    assert.equal(watchOf(VALID), undefined);
    assert.deepEqual(watchOf(hooked("", "watch: { for: 10m }")), {
      ...{ forMs: 600_000, everyMs: 5_000, failures: 3, restarts: 0, onFailure: "rollback" },
    });
  });

  it("is not over before its first look", () => {
    assert.match(problems(hooked("", "watch: { for: 2s }")), /watch\.for: is shorter than the time between two looks/);
    assert.equal(watchOf(hooked("", "watch: { for: 2s, every: 1s }"))?.everyMs, 1_000);
  });
});
