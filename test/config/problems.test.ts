import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { NOT_YET, notYetSentence } from "../../src/config/not-yet.ts";
import { keysAt } from "../../src/config/schema-keys.ts";
import { changed, errorOf, FILE, load, problemsIn, VALID } from "./example.ts";

function tells(text: string, ...expected: readonly string[]) {
  assert.deepEqual(problemsIn(text), expected);
}

describe("what is wrong is told with its place", () => {
  test("an unknown key is told with line, column and the nearest valid name", () => {
    tells(changed(["context: web", "contxt: web"]), '5:5: images.web.contxt: unknown key (did you mean "context"?)');
  });

  test("an unknown key like no other is told with the keys that are known there", () => {
    tells(
      changed(["context: web", "zzz: web"]),
      "5:5: images.web.zzz: unknown key; known here: context, dockerfile, target, platforms, args, secrets, network, public, sbom, repository",
    );
  });

  test("a value of the wrong kind says what was expected and what was found", () => {
    tells(changed(["port: 3000", 'port: "3000"']), '9:11: services.web.port: expected a number, found "3000"');
    tells(
      changed(["context: web", "context: 1.10"]),
      "5:14: images.web.context: expected text, found the number 1.1; put it in quotes",
    );
    tells(
      changed(["health: /health", "health: 5"]),
      "10:13: services.web.health: expected text or a mapping, found the number 5",
    );
    tells(
      changed(["health: /health", "health: { command: celery inspect ping }"]),
      '10:24: services.web.health.command: expected a list, found "celery inspect ping"; ' +
        "write it as a list of arguments, such as [alembic, upgrade, head]: no shell takes it apart",
    );
  });

  test("a duration without a unit, and one longer than a timer can be, are refused", () => {
    const sentence = 'services.web.drain: must be a duration such as "500ms", "10s" or "5m" (24d at most), or 0, found';
    tells(changed(["port: 3000", "port: 3000\n    drain: 10"]), `10:12: ${sentence} the number 10`);
    tells(changed(["port: 3000", "port: 3000\n    drain: 90d"]), `10:12: ${sentence} "90d"`);
  });

  test("all problems are told at once, in the order of the file", () => {
    const text = changed(
      ["project: shop", "project: Shop"],
      ["image: web", "image: wbe"],
      ["strategy: rolling", "strategy: roling\n    keep: 0"],
    );
    tells(
      text,
      '1:10: project: must be lower-case letters, digits and hyphens, at most 31, starting with a letter, found "Shop"',
      '8:12: services.web.image: there is no image "wbe" under images (did you mean "web"?)',
      '16:15: environments.staging.strategy: expected rolling, recreate or in-place, found "roling" (did you mean "rolling"?)',
      "17:11: environments.staging.keep: must be at least 1, found the number 0",
    );
    const error = errorOf(() => load(text));
    assert.equal(error.message, `${FILE} is not valid: 4 problems.`);
    assert.deepEqual(error.where, { file: FILE, line: 1, column: 10 });
  });

  test("a released service without a health check is an error", () => {
    tells(
      changed(["    health: /health\n", ""]),
      "7:3: services.web.health: is missing: a released service needs a health check, such as health: /health or health: { command: [...] }",
    );
  });

  test("a missing key is not told as well when another was probably meant to be it", () => {
    tells(
      changed(["health: /health", "healt: /health"]),
      '10:5: services.web.healt: unknown key (did you mean "health"?)',
    );
  });

  test("names that refer to nothing are told where they stand", () => {
    const target = "        hosts: [deploy@10.0.0.5]";
    tells(
      changed([target, `${target}\n        home: 10.0.0.6`]),
      '16:15: environments.staging.target.compose.home: there is no host "10.0.0.6" under hosts (did you mean "10.0.0.5"?)',
    );
    tells(
      `${VALID}migrations: { service: wbe, command: [x] }\n`,
      '17:24: migrations.service: there is no released service "wbe" under services (did you mean "web"?)',
    );
    tells(
      changed(["strategy: rolling", "smoke: [{ get: /, service: api }]"]),
      '16:32: environments.staging.smoke[0].service: there is no released service "api" under services',
    );
  });

  test("a key that is there twice is told, and so is what else is wrong", () => {
    tells(
      `${changed(["context: web", "contxt: web"])}project: other\n`,
      '5:5: images.web.contxt: unknown key (did you mean "context"?)',
      '17:1: the key "project" is there already',
    );
  });

  test("a syntax error is told with its place, and an unquoted ${NAME} with its remedy", () => {
    const [first] = problemsIn(changed(["context: web", "args: { URL: ${API_URL} }"]));
    assert.match(first ?? "", /^5:19: YAML: .*; put a \$\{NAME\} between \{ \} or \[ \] in quotes: "\$\{NAME\}"$/);
    assert.match(problemsIn("project: [")[0] ?? "", /^1:11: YAML: /);
    assert.match(problemsIn(`${VALID}---\n${VALID}`)[0] ?? "", /YAML: .*multiple documents/);
  });

  test("control, bidirectional and invisible characters in names are shown escaped", () => {
    const text = changed(["  staging:", '  "sta\\u202E\\x1b[31m\\u200bging":']);
    const shown = problemsIn(text).join("\n");
    assert.match(shown, /sta\\u\{202e\}\\u\{1b\}\[31m\\u\{200b\}ging/);
    assert.doesNotMatch(shown.replaceAll("\n", ""), /[\p{C}]/u);
  });

  test("a value written where only a secret's name belongs is never shown", () => {
    const text = changed(
      ["registry.example.com/shop }", '"https://ada:hunter2@r.io", username: ada, password: "hunter2!" }'],
      ["strategy: rolling", "secrets: [DB=hunter2]"],
    );
    const shown = problemsIn(text);
    assert.equal(shown.length, 3);
    assert.doesNotMatch(shown.join("\n"), /hunter2/);
  });

  test("an empty file, a list and a bare word are no configuration", () => {
    tells("", "1:1: the file: expected a mapping, found nothing (null)");
    tells("- a", "1:1: the file: expected a mapping, found a list");
    tells("shop", '1:1: the file: expected a mapping, found "shop"');
  });
});

describe("anchors and merge keys", () => {
  test("may be used, and a problem behind one is told where its text stands", () => {
    const shared = changed(
      ["  staging:\n", "  production: &base\n"],
      ["strategy: rolling", "keep: 3\n  staging:\n    <<: *base\n    keep: 0"],
    );
    tells(shared, "19:11: environments.staging.keep: must be at least 1, found the number 0");
    assert.equal(load(shared.replace("keep: 0", "bake: 0")).environments.staging?.keep, 3);
    const behind = changed(
      ["  staging:\n", "  production: &base\n"],
      ["strategy: rolling", "keep: 0\n  staging: { <<: *base }"],
    );
    tells(
      behind.replace("staging: {", "staging: { tagPrefix: s,"),
      "16:11: environments.production.keep: must be at least 1, found the number 0",
      "16:11: environments.staging.keep: must be at least 1, found the number 0",
    );
  });

  test("an alias without an anchor, and a merge of something else than a mapping, are told", () => {
    tells(changed(["context: web", "context: *nowhere"]), '5:14: there is no anchor "&nowhere" before this');
    tells(
      changed(["context: web", "<<: 5"]),
      "5:9: a merge key (<<) takes a mapping, an alias of one, or a list of them",
    );
  });

  test("aliases that refer to themselves end in problems, not in a hang", () => {
    assert.ok(problemsIn("a: &a [*a, *a, *a, *a]\nenvironments: &e { x: *e, y: *e }").length > 2);
  });
});

describe("a key whose feature does not exist yet", () => {
  test("is refused as such, with its own sentence", () => {
    tells(
      changed(["project: shop\n", "project: shop\nserver: {}\n"]),
      '2:1: server: the server is not built yet; remove the key "server"',
    );
    tells(
      changed(["strategy: rolling", "strategy: canary"]),
      '16:15: environments.staging.strategy: canary deployments are not built yet; choose another value than "canary"',
    );
    tells(
      changed(["      compose:\n        hosts: [deploy@10.0.0.5]", "      swarm: {}"]),
      '14:7: environments.staging.target.swarm: Docker Swarm targets are not built yet; remove the key "swarm"',
    );
  });

  test("every one of them is refused wherever the table says, and none of them is in the schema", () => {
    for (const entry of NOT_YET) {
      const parts = entry.path.split(".");
      const key = parts.pop() ?? "";
      const path = parts.map((part, index) => (part !== "*" ? part : parts[index - 1] === "notify" ? 0 : "web"));
      if (entry.value === undefined) assert.ok(!keysAt(path).includes(key), entry.path);
      const value = entry.value ?? 1;
      const raw = path.reduceRight<unknown>((inner, part) => (part === 0 ? [inner] : { [part]: inner }), {
        [key]: value,
      });
      const shown = problemsIn(JSON.stringify(raw));
      assert.ok(
        shown.some((line) => line.includes(notYetSentence(entry))),
        `${entry.path}: ${shown.join("\n")}`,
      );
    }
  });
});
