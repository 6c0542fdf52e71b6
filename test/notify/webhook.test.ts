import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test, type TestContext } from "node:test";
import { signatureOf } from "../../src/notify/signature.ts";
import type { Notifier } from "../../src/notify/types.ts";
import { createWebhook } from "../../src/notify/webhook.ts";
import { jumpingClock, type JumpingClock } from "../fakes/jumping-clock.ts";
import { notifierContract } from "./contract.ts";
import { deadUrl, type HeardRequest, startHttpServer } from "./http-server.ts";
import { hostile, notice } from "./samples.ts";

const secret = "a-very-secret-key";
const signal = new AbortController().signal;

function webhook(url: string, clock: JumpingClock = jumpingClock()): Notifier {
  let count = 0;
  const id = (): string => {
    count += 1;
    return `n-${count}`;
  };
  return createWebhook({ name: "webhook", url, secret, http: { clock, random: () => 0.5 }, id });
}

notifierContract({
  name: "webhook",
  open: async (context) => {
    const server = await startHttpServer(context, (_, response) => response.writeHead(204).end());
    return {
      notifier: webhook(`${server.url}/hook`),
      heard: async () => server.heard.map(({ body }) => body),
      behave: (how) =>
        server.answer((_, response) => {
          if (how === "refuses") response.writeHead(401).end();
        }),
      secrets: [secret],
      lonely: webhook(await deadUrl()),
    };
  },
});

/** What docs/notifications.md tells receivers to do. */
function verify({ headers, body }: HeardRequest, key: string): boolean {
  const signed = `${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.${body}`;
  const expected = `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
  return headers["webhook-signature"] === expected;
}

test("a receiver can tell that a message is Shiplock's, and when it was sent", async (context) => {
  const clock = jumpingClock(Date.parse("2026-11-20T10:00:00Z"));
  const server = await startHttpServer(context, (_, response) => response.end());
  await webhook(server.url, clock).tell(notice("failed", { outcome: hostile }), signal);
  const [request] = server.heard;
  assert.ok(request !== undefined);
  assert.equal(request.headers["webhook-timestamp"], "1795168800");
  assert.ok(verify(request, secret));
  assert.ok(!verify(request, "another key"));
  assert.ok(!verify({ ...request, body: `${request.body} ` }, secret));
  const told = JSON.parse(request.body) as Record<string, unknown>;
  assert.equal(told["version"], 1);
  assert.equal(told["event"], "failed");
  assert.equal(told["outcome"], hostile);
});

test("the signature is the one of the Standard Webhooks specification", () => {
  // The example that the specification's own libraries are tested with.
  const message = { id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: 1614265330, body: '{"test": 2432232314}' };
  assert.equal(
    signatureOf("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", message),
    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  );
});

test("a receiver that is busy is asked again, under the same delivery id, with a signature of that moment", async (context) => {
  const clock = jumpingClock();
  const server = await startHttpServer(context, (_, response) => {
    response.writeHead(server.heard.length < 3 ? 503 : 200).end();
  });
  const began = clock.milliseconds;
  const { status, tries } = await webhook(server.url, clock).tell(notice(), signal);
  assert.deepEqual([status, tries], ["delivered", 3]);
  assert.deepEqual(new Set(server.heard.map(({ headers }) => headers["webhook-id"])), new Set(["n-1"]));
  assert.ok(server.heard.every((request) => verify(request, secret)));
  assert.equal(clock.milliseconds - began, 375 + 750, "the pauses double, spread by chance");
});

test("a receiver that stays broken is asked four times and no more", async (context) => {
  const server = await startHttpServer(context, (_, response) => response.writeHead(500).end());
  const { status, tries, detail } = await webhook(server.url).tell(notice(), signal);
  assert.deepEqual([status, tries, detail, server.heard.length], ["failed", 4, "it answered 500", 4]);
});

test("a redirection is not followed: the message was signed for one address", async (context) => {
  const other = await startHttpServer(context, (_, response) => response.end());
  const server = await startHttpServer(context, (_, response) =>
    response.writeHead(307, { location: other.url }).end(),
  );
  const delivery = await webhook(server.url).tell(notice(), signal);
  assert.equal(delivery.status, "failed");
  assert.match(delivery.detail, /redirection/);
  assert.equal(other.heard.length, 0);
});

test("a body without end is not read to its end", async (context: TestContext) => {
  const server = await startHttpServer(context, (_, response) => {
    response.writeHead(200);
    const more = (): void => {
      while (!response.destroyed && response.write("x".repeat(65_536)));
      if (!response.destroyed) response.once("drain", more);
    };
    more();
  });
  assert.equal((await webhook(server.url).tell(notice(), signal)).status, "delivered");
});

test("a key that is cut off after its prefix, or is no base64, signs nothing, and that is told", async (context) => {
  const server = await startHttpServer(context, (_, response) => response.end());
  const http = { clock: jumpingClock(), random: () => 0.5 };
  for (const secret of ["whsec_", "whsec_not base64!"]) {
    const delivery = await createWebhook({ name: "hook", url: server.url, secret, http, id: () => "n-1" }).tell(
      notice(),
      signal,
    );
    assert.equal(delivery.status, "failed");
    assert.match(delivery.detail, /no key in base64/);
  }
  assert.equal(server.heard.length, 0);
});
