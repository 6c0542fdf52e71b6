import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { eventsMeant, notifyEvents } from "../../src/config/notify-events.ts";
import { secretNames } from "../../src/config/secret-names.ts";
import type { Config } from "../../src/config/types.ts";
import { load, problemsIn, VALID } from "./example.ts";

function notifyOf(written: string): Config["notify"] {
  return load(`${VALID}notify: ${written}\n`).notify;
}

/** What is said of a configuration with this `notify`, without the file's name and place. */
function complaints(written: string): string[] {
  return problemsIn(`${VALID}notify: ${written}\n`).map((line) => line.replace(/^\S+: (?=notify)/, ""));
}

const mail = "to: [ops@example.com], from: shiplock@example.com";

describe("who is told", () => {
  test("has a name of its own, everywhere by default, for what somebody would want to know", () => {
    const written =
      '[{ slack: { channel: "#a", token: T } }, { slack: { webhook: U } }, { name: slack-2, webhook: { url: "https://h.example.com/x", secret: K } }]';
    const [first, second, third] = notifyOf(written);
    assert.deepEqual([first?.name, second?.name, third?.name], ["slack", "slack-3", "slack-2"]);
    assert.equal(first?.environments, undefined);
    assert.deepEqual(
      notifyEvents.filter((event) => first?.events.includes(event) !== true),
      ["requested", "cancelled", "superseded", "skipped", "step-failed"],
    );
    assert.deepEqual(first?.to, { kind: "slack", channel: "#a", token: "T", api: "https://slack.com/api/" });
    assert.deepEqual(second?.to, { kind: "slack-webhook", url: "U" });
  });

  test("hears the events it names, and those of the groups it names", () => {
    const [entry] = notifyOf("[{ slack: { webhook: U }, environments: [staging], events: [failures, started] }]");
    assert.deepEqual(entry?.environments, ["staging"]);
    assert.deepEqual(entry?.named, ["started"]);
    assert.ok(entry.events.includes("rolled-back") && entry.events.includes("started"));
    assert.ok(!entry.events.includes("succeeded"));
    assert.deepEqual(notifyOf("[{ slack: { webhook: U }, events: [all] }]")[0]?.events, notifyEvents);
  });

  test("the port of mail follows from how TLS begins", () => {
    const portOf = (tls: string) => {
      const [entry] = notifyOf(`[{ email: { ${mail}, smtp: { host: mail.example.com${tls} } } }]`);
      return entry?.to.kind === "email" ? entry.to.smtp.port : 0;
    };
    assert.deepEqual([portOf(""), portOf(", tls: implicit"), portOf(", tls: none")], [587, 465, 25]);
  });

  test("the names of their secrets are among those that a configuration declares", () => {
    const written = `[{ slack: { channel: "#a", token: S_1 } }, { slack: { webhook: S_2 } }, { webhook: { urlFrom: S_3, secret: S_4 } }, { email: { ${mail}, smtp: { host: m, user: u, password: S_5 } } }]`;
    assert.deepEqual(secretNames(load(`${VALID}notify: ${written}\n`)), ["S_1", "S_2", "S_3", "S_4", "S_5"]);
  });

  test("what is wrong with it is said at its place", () => {
    for (const [written, words] of [
      ["[{ slack: { token: T } }]", /notify\[0\]\.slack\.channel: is missing: a token can write to many channels/],
      [
        '[{ slack: { webhook: U, channel: "#a" } }]',
        /notify\[0\]\.slack\.channel: has no meaning beside the key webhook/,
      ],
      ['[{ slack: { webhook: U, token: T, channel: "#a" } }]', /slack/],
      ["[{}]", /notify\[0\]/],
      [
        "[{ slack: { webhook: U }, environments: [stagin] }]",
        /there is no environment "stagin".*did you mean "staging"/,
      ],
      ["[{ slack: { webhook: U }, events: [failed, failed] }]", /is in the list already/],
      ["[{ slack: { webhook: U }, events: [fialed] }]", /events\[0\].*failed/],
      [
        "[{ name: a, slack: { webhook: U } }, { name: a, slack: { webhook: U } }]",
        /"a" is the name of another one already/,
      ],
      [
        `[{ email: { ${mail}, smtp: { host: m, password: P } } }]`,
        /smtp\.user: is missing: password alone is no login/,
      ],
      [`[{ email: { ${mail}, smtp: { host: m, user: u, password: P, tls: none } } }]`, /would travel in the clear/],
      [
        `[{ email: { to: ["a@b.example\\nBcc: c@d.example"], from: a@b.example, smtp: { host: m } } }]`,
        /must be an address/,
      ],
      ["[{ commit-status: {} }]", /commit-status.*true/],
    ] as const)
      assert.ok(
        complaints(written).some((line) => words.test(line)),
        `${written}: ${complaints(written).join("\n")}`,
      );
  });

  test("a bot's token is sent in the clear to nobody but this machine", () => {
    const bot = (api: string): string => `[{ slack: { channel: "#a", token: T, api: "${api}" } }]`;
    assert.match(complaints(bot("http://slack.example.com/api/")).join("\n"), /starts with "https:\/\/"/);
    for (const api of ["https://slack.example.com/api/", "http://127.0.0.1:8080/api/", "http://localhost/"])
      assert.equal(notifyOf(bot(api)).length, 1);
  });

  test("an address with a password, or a token where a secret's name belongs, is refused and not shown", () => {
    for (const written of [
      '[{ webhook: { url: "https://user:hunter2@example.com/", secret: K } }]',
      '[{ slack: { channel: "#a", token: "xoxb-hunter2" } }]',
      '[{ slack: { webhook: "https://hooks.slack.com/services/hunter2" } }]',
    ]) {
      const said = complaints(written);
      assert.ok(said.length > 0);
      assert.doesNotMatch(said.join("\n"), /hunter2/);
    }
  });

  test("who keeps a mark until the next is told hears of every end unless something else was asked for", () => {
    const [mark, comment, slack] = notifyOf(
      '[{ commit-status: true }, { pull-request: true }, { slack: { channel: "#a", token: T } }]',
    );
    for (const end of ["cancelled", "superseded", "skipped", "rejected", "failed"] as const)
      assert.deepEqual([mark?.events.includes(end), comment?.events.includes(end)], [true, true], end);
    assert.equal(slack?.events.includes("cancelled"), false);
    assert.deepEqual(notifyOf("[{ commit-status: true, events: [failed] }]")[0]?.events, ["failed"]);
  });

  test("the documentation says of every event whether it is told by default, and whether it is a failure", () => {
    const text = readFileSync(join(import.meta.dirname, "../../docs/notifications.md"), "utf8");
    const rows = [...text.matchAll(/^\| (`[a-z-]+`(?:, `[a-z-]+`)*) \| [^|]+ \|([^|]*)\|([^|]*)\|$/gm)].flatMap(
      ([, names = "", usual = "", failure = ""]) =>
        names.split(", ").map((name) => [name.slice(1, -1), usual.trim() === "yes", failure.trim() === "yes"] as const),
    );
    const [byDefault, failures] = [eventsMeant(undefined), eventsMeant(["failures"])];
    assert.deepEqual(
      rows,
      rows.map(([name]) => {
        const event = notifyEvents.find((one) => one === name);
        return [
          name,
          event !== undefined && byDefault.includes(event),
          event !== undefined && failures.includes(event),
        ];
      }),
    );
    assert.deepEqual(new Set(rows.map(([name]) => name)), new Set<string>(notifyEvents));
  });
});
