import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createSeenWebhooksInMemory } from "../../../src/github/app/memory-seen.ts";
import { receiveWebhook, webhookWindowMs, type WebhookRules } from "../../../src/github/app/webhook.ts";
import { jumpingClock } from "../../fakes/jumping-clock.ts";
import { exampleBodies, exampleOf, sentWebhook } from "./examples.ts";

const secret = "it's a secret";
/** After the newest of the examples' pull requests. */
const then = Date.parse("2019-05-15T15:30:00Z");
const opened = exampleOf("pull_request", ({ action }) => action === "opened");
const happened = Date.parse((opened["pull_request"] as { updated_at: string }).updated_at);

function rules(change: Partial<WebhookRules> = {}): WebhookRules {
  return { secrets: [secret], seen: createSeenWebhooksInMemory(), clock: jumpingClock(then), ...change };
}

async function codeOf(...[request, given]: Parameters<typeof receiveWebhook>): Promise<string> {
  const received = await receiveWebhook(request, given);
  return received.kind === "refused" ? `${received.status} ${received.code}` : `${received.status} ${received.kind}`;
}

test("every example of GitHub's own is taken, as JSON and as a form, with what it says", async () => {
  for (const [event, bodies] of exampleBodies)
    for (const body of bodies)
      for (const form of [false, true]) {
        const received = await receiveWebhook(sentWebhook(event, body, { form }), rules({ clock: jumpingClock(0) }));
        assert.equal(received.kind, "event", event);
        if (received.kind !== "event") return;
        assert.equal(received.event.name, event);
        assert.deepEqual(received.event.body, body);
      }
});

test("the signature that GitHub's documentation has as an example is right, and is for these bytes alone", async () => {
  const documented = {
    headers: {
      "Content-Type": "application/json",
      "X-GitHub-Event": "ping",
      "X-GitHub-Delivery": "1",
      "X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    },
    body: new TextEncoder().encode("Hello, World!"),
  };
  const documentedSecret = { secrets: ["It's a Secret to Everybody"] };
  assert.equal(await codeOf(documented, rules(documentedSecret)), "400 github/webhook-body", "signed, and no JSON");
  const changed = { ...documented, body: new TextEncoder().encode("Hello, World?") };
  assert.equal(await codeOf(changed, rules(documentedSecret)), "401 github/webhook-signature");
});

test("not one changed byte of the body, and no other secret, passes", async () => {
  const sent = sentWebhook("pull_request", opened);
  await fc.assert(
    fc.asyncProperty(fc.nat(sent.body.length - 1), fc.integer({ min: 1, max: 255 }), async (index, change) => {
      const body = sent.body.with(index, (sent.body[index] ?? 0) ^ change);
      assert.equal(await codeOf({ ...sent, body }, rules()), "401 github/webhook-signature");
    }),
    { numRuns: 50 },
  );
  await fc.assert(
    fc.asyncProperty(fc.string({ minLength: 1 }), async (other) => {
      fc.pre(other !== secret);
      assert.equal(await codeOf(sent, rules({ secrets: [other] })), "401 github/webhook-signature");
    }),
    { numRuns: 50 },
  );
});

test("nothing that is sent makes it throw", async () => {
  const header = fc.option(fc.oneof(fc.string(), fc.array(fc.string(), { maxLength: 2 })), { nil: undefined });
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        headers: fc.record({
          "content-type": fc.oneof(fc.constant("application/json"), header),
          "x-github-event": header,
          "x-github-delivery": header,
          "x-hub-signature-256": header,
        }),
        body: fc.uint8Array(),
      }),
      async (request) => {
        assert.equal((await receiveWebhook(request, rules())).kind, "refused");
      },
    ),
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...exampleBodies.keys()), fc.jsonValue(), async (event, body) => {
      const { kind } = await receiveWebhook(sentWebhook(event, body), rules());
      assert.equal(kind, typeof body === "object" && body !== null && !Array.isArray(body) ? "event" : "refused");
    }),
  );
});

test("while a secret is changed both count, and it is told which one was used", async () => {
  const both = rules({ secrets: ["the new one", secret] });
  const old = await receiveWebhook(sentWebhook("ping", { zen: "one" }), both);
  const renewed = await receiveWebhook(sentWebhook("ping", { zen: "two" }, { secret: "the new one" }), both);
  assert.deepEqual(
    [old, renewed].map((each) => each.kind === "event" && each.event.secret),
    [1, 0],
  );
  for (const secrets of [[], [""], [secret, ""]])
    await assert.rejects(receiveWebhook(sentWebhook("ping", {}, { secret: "x" }), rules({ secrets })), {
      code: "github/webhook-no-secret",
    });
});

test("what is sent once more is taken once, also under another id or as another event", async () => {
  const given = rules();
  assert.equal(await codeOf(sentWebhook("pull_request", opened), given), "202 event");
  assert.equal(await codeOf(sentWebhook("pull_request", opened), given), "200 seen");
  assert.equal(await codeOf(sentWebhook("pull_request", opened, { delivery: "another" }), given), "200 seen");
  assert.equal(await codeOf(sentWebhook("push", opened), given), "200 seen");
  const atOnce = await Promise.all(
    Array.from({ length: 5 }, () => codeOf(sentWebhook("ping", { zen: "at once" }), given)),
  );
  assert.deepEqual(atOnce.toSorted(), ["200 seen", "200 seen", "200 seen", "200 seen", "202 event"]);
});

test("what could not be taken on is forgotten, so that GitHub's button delivers it again", async () => {
  const given = rules();
  const first = await receiveWebhook(sentWebhook("pull_request", opened), given);
  assert.ok(first.kind === "event");
  await given.seen.forget(first.event.fingerprint);
  assert.equal(await codeOf(sentWebhook("pull_request", opened), given), "202 event");
});

test("what somebody kept until the memory of it was gone is too old by what it says itself", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: -webhookWindowMs, max: webhookWindowMs }),
      fc.integer({ min: 0, max: 4 * webhookWindowMs }),
      async (skewMs, laterMs) => {
        const clock = jumpingClock(happened + skewMs);
        const given = rules({ clock });
        assert.equal(await codeOf(sentWebhook("pull_request", opened), given), "202 event");
        clock.milliseconds += laterMs;
        const again = await codeOf(sentWebhook("pull_request", opened), given);
        assert.notEqual(again, "202 event", `${skewMs} ms of skew, after ${laterMs} ms`);
      },
    ),
  );
  const late = rules({ clock: jumpingClock(then + webhookWindowMs + 1) });
  for (const event of ["push", "delete", "pull_request"])
    assert.equal(await codeOf(sentWebhook(event, exampleOf(event)), late), "400 github/webhook-too-old", event);
  assert.equal(await codeOf(sentWebhook("ping", exampleOf("ping")), late), "202 event", "it has no time of its own");
});

test("old commits that are pushed now are not old", async () => {
  const push = exampleOf("push", ({ ref }) => ref === "refs/heads/master");
  const now = Date.parse("2026-11-20T10:00:00Z");
  const repository = { ...(push["repository"] as object), pushed_at: now / 1000 };
  const given = rules({ clock: jumpingClock(now + 1_000) });
  assert.equal(await codeOf(sentWebhook("push", { ...push, repository }), given), "202 event");
});

test("a request says what is wrong with it", async () => {
  const sent = sentWebhook("pull_request", opened);
  const without = (name: string) => ({ ...sent, headers: { ...sent.headers, [name]: undefined } });
  const table: readonly (readonly [Parameters<typeof receiveWebhook>[0], string])[] = [
    [without("x-hub-signature-256"), "401 github/webhook-unsigned"],
    [
      { ...sent, headers: { ...without("x-hub-signature-256").headers, "x-hub-signature": "sha1=0" } },
      "401 github/webhook-unsigned",
    ],
    [{ ...sent, headers: { ...sent.headers, "X-Hub-Signature-256": "sha256=00" } }, "401 github/webhook-unsigned"],
    [{ ...sent, headers: { ...sent.headers, "x-hub-signature-256": "sha256=00" } }, "401 github/webhook-signature"],
    [without("x-github-event"), "400 github/webhook-headers"],
    [without("x-github-delivery"), "400 github/webhook-headers"],
    [without("content-type"), "415 github/webhook-content-type"],
    [{ ...sent, headers: { ...sent.headers, "content-type": "text/plain" } }, "415 github/webhook-content-type"],
    [{ ...sent, headers: { ...sent.headers, "content-type": "Application/JSON; charset=utf-8" } }, "202 event"],
  ];
  for (const [request, answer] of table) assert.equal(await codeOf(request, rules()), answer);
  assert.equal(await codeOf(sent, rules({ mostBytes: sent.body.length - 1 })), "413 github/webhook-too-large");
  assert.equal(await codeOf(sent, rules({ mostBytes: sent.body.length })), "202 event");
  const refused = await receiveWebhook(without("x-hub-signature-256"), rules());
  assert.ok(refused.kind === "refused");
  assert.match(refused.remedy, /set a secret/);
});

test("a memory that fails takes nothing", async () => {
  const seen = { claim: () => Promise.reject(new Error("the disk is full")), forget: async () => undefined };
  await assert.rejects(receiveWebhook(sentWebhook("ping", {}), rules({ seen })), /the disk is full/);
});
