import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { createSlackBot } from "../../src/notify/slack/bot.ts";
import { createSlackWebhook } from "../../src/notify/slack/incoming-webhook.ts";
import { slackRefusal } from "../../src/notify/slack/refusals.ts";
import type { Delivery, Notifier } from "../../src/notify/types.ts";
import { jumpingClock } from "../fakes/jumping-clock.ts";
import { notifierContract } from "./contract.ts";
import { deadUrl, startHttpServer } from "./http-server.ts";
import { hostile, notice } from "./samples.ts";
import { type FakeSlack, incomingWebhook, shownBy, startFakeSlack } from "./slack-server.ts";

const token = "xoxb-a-secret-token";
const channels = { "#deploys": "C00000001", "#other": "C00000002" };
const signal = new AbortController().signal;

function bot(slack: { api: string }, change: Partial<Parameters<typeof createSlackBot>[0]> = {}): Notifier {
  const http = { clock: jumpingClock(), random: () => 0.5 };
  return createSlackBot({
    ...{ name: "slack", channel: "#deploys", token, api: slack.api, http, recall: async () => null },
    ...change,
  });
}

function slackFor(context: TestContext): Promise<FakeSlack> {
  return startFakeSlack(context, { token, channels });
}

notifierContract({
  name: "Slack bot",
  open: async (context) => {
    const slack = await slackFor(context);
    return {
      notifier: bot(slack),
      heard: async () => slack.messages.filter(({ thread }) => thread === null).map(({ shown }) => shown),
      behave: (how) => (how === "refuses" ? slack.refuse("not_in_channel") : slack.hang()),
      secrets: [token],
      lonely: bot({ api: `${await deadUrl()}/api/` }),
    };
  },
});

notifierContract({
  name: "Slack webhook",
  open: async (context) => {
    const server = await startHttpServer(context, ({ body }, response) => {
      const right = incomingWebhook.safeParse(JSON.parse(body)).success;
      response.writeHead(right ? 200 : 400).end(right ? "ok" : "invalid_payload");
    });
    const http = { clock: jumpingClock(), random: () => 0.5 };
    const path = "/services/T0/B0/very-secret";
    return {
      notifier: createSlackWebhook({ name: "slack", url: `${server.url}${path}`, http }),
      heard: async () =>
        server.heard.map(({ body }) => shownBy(incomingWebhook.parse(JSON.parse(body)).blocks as never)),
      behave: (how) =>
        server.answer((_, response) => {
          if (how === "refuses") response.writeHead(404).end("no_service");
        }),
      secrets: ["very-secret"],
      lonely: createSlackWebhook({ name: "slack", url: `${await deadUrl()}${path}`, http }),
    };
  },
});

test("a deployment is one message in Slack, updated as it goes on, with its steps in the thread", async (context) => {
  const slack = await slackFor(context);
  const notifier = bot(slack);
  const steps = [
    { title: "pull web", host: "host-1", ms: 800, state: "done" as const },
    { title: "ship files", host: "host-1", ms: 3, state: "unchanged" as const },
  ];
  await notifier.tell(notice("started", { outcome: "r1 → r2" }), signal);
  await notifier.tell(notice("succeeded", { steps }), signal);
  const [message, thread, ...more] = slack.messages;
  assert.deepEqual(more, []);
  assert.equal(message?.updates, 1);
  assert.match(message?.shown ?? "", /deploy of shop to production succeeded/);
  assert.equal(thread?.thread, message?.ts);
  assert.match(thread?.shown ?? "", /host-1: pull web \(800 ms\)/);
  assert.doesNotMatch(thread?.shown ?? "", /ship files/, "what had nothing to do is not worth a line");
  assert.equal(thread?.broadcast, false);
});

test("what a step wrote before it failed stands in the thread once, and the bad end is shown in the channel too", async (context) => {
  const slack = await slackFor(context);
  const notifier = bot(slack);
  const steps = [{ title: "start web", host: "host-1", ms: 4_000, state: "failed" as const }];
  const lastLines = ["Error: no DATABASE_URL"];
  await notifier.tell(notice("started"), signal);
  await notifier.tell(notice("step-failed", { steps, lastLines }), signal);
  await notifier.tell(notice("rolled-back", { steps, lastLines }), signal);
  const thread = slack.messages.filter((message) => message.thread !== null);
  assert.deepEqual(
    thread.map(({ shown, broadcast }) => [shown.includes("no DATABASE_URL"), shown.includes("start web"), broadcast]),
    [
      [true, false, false],
      [false, true, true],
    ],
  );
});

test("another process goes on with the message of a deployment, and another deployment has its own", async (context) => {
  const slack = await slackFor(context);
  const first = await bot(slack).tell(notice("interrupted"), signal);
  const recall = async (deployment: string): Promise<unknown> => (deployment === "d-1" ? first.remember : null);
  await bot(slack, { recall }).tell(notice("succeeded"), signal);
  await bot(slack, { recall }).tell(notice("started", { deployment: "d-2" }), signal);
  await bot(slack, { recall, channel: "#other" }).tell(notice("succeeded"), signal);
  const messages = slack.messages.filter(({ thread }) => thread === null);
  assert.deepEqual(
    messages.map(({ channel, updates }) => [channel, updates]),
    [
      ["C00000001", 1],
      ["C00000001", 0],
      ["C00000002", 0],
    ],
  );
});

test("that a review is due leaves the deployment's message as it is, and is a reply that the channel shows too", async (context) => {
  const slack = await slackFor(context);
  const notifier = bot(slack);
  await notifier.tell(notice("succeeded", { outcome: "r2 is live" }), signal);
  const due = await notifier.tell(notice("review-due", { outcome: "until tomorrow" }), signal);
  assert.equal(due.status, "delivered");
  const [message, reply, ...more] = slack.messages;
  assert.deepEqual(more, []);
  assert.match(message?.shown ?? "", /succeeded\*\nr2 is live/);
  assert.match(reply?.shown ?? "", /has to be reviewed\*\nuntil tomorrow/);
  assert.deepEqual([reply?.thread, reply?.broadcast], [message?.ts, true]);

  const elsewhere = await slackFor(context);
  await bot(elsewhere).tell(notice("review-due", { outcome: "until tomorrow" }), signal);
  assert.deepEqual(
    elsewhere.messages.map(({ thread }) => thread),
    [null],
    "another machine, which knows of no message, writes one",
  );
});

test("a message that somebody deleted is written anew", async (context) => {
  const slack = await slackFor(context);
  const notifier = bot(slack);
  await notifier.tell(notice("started"), signal);
  slack.messages.length = 0;
  assert.equal((await notifier.tell(notice("succeeded"), signal)).status, "delivered");
  assert.equal(slack.messages.length, 1);
});

test("Slack's wish for a pause is granted; one that is too long is not waited for", async (context) => {
  const slack = await slackFor(context);
  const clock = jumpingClock();
  const began = clock.milliseconds;
  let pause = "7";
  let refusals = 1;
  const api = slack.api;
  const server = await startHttpServer(context, ({ body, path, headers }, response) => {
    if (refusals > 0) {
      refusals -= 1;
      response.writeHead(429, { "retry-after": pause }).end("");
      return;
    }
    const forwarded = fetch(`${api.replace("/api/", "")}${path}`, {
      method: "POST",
      body,
      headers: { authorization: headers.authorization ?? "", "content-type": headers["content-type"] ?? "" },
    });
    void forwarded.then(async (answer) => response.end(await answer.text()));
  });
  const notifier = bot({ api: `${server.url}/api/` }, { http: { clock, random: () => 0.5 } });
  const { status, tries } = await notifier.tell(notice("started"), signal);
  assert.deepEqual([status, tries, clock.milliseconds - began], ["delivered", 2, 7_000]);
  pause = "60";
  refusals = 1;
  const late = await notifier.tell(notice("succeeded"), signal);
  assert.deepEqual([late.status, clock.milliseconds - began], ["failed", 7_000]);
});

test("an unanswered message is not posted twice; where there was no connection, it is tried again", async (context) => {
  const alone = await bot({ api: `${await deadUrl()}/api/` }).tell(notice(), signal);
  assert.deepEqual([alone.tries, alone.detail], [4, "Slack: nothing listens there"]);
  const server = await startHttpServer(context, (_, response) => response.destroy());
  const delivery = await bot({ api: `${server.url}/api/` }).tell(notice(), signal);
  assert.deepEqual([delivery.status, delivery.tries], ["failed", 1]);
  assert.equal(server.heard.length, 1);
});

test("nobody is mentioned, and no link is made, by text from outside", async (context) => {
  const slack = await slackFor(context);
  await bot(slack).tell(
    notice("failed", { outcome: hostile, subject: hostile, lastLines: hostile.split("\n") }),
    signal,
  );
  for (const { shown, text } of slack.messages) {
    assert.doesNotMatch(shown.replaceAll("<https://shop.example.com>", ""), /[<>]/);
    assert.doesNotMatch(text, /[<>]/);
  }
  const thread = slack.messages.at(-1)?.shown ?? "";
  assert.equal(thread.split("```").length, 3, "the log stays within its fence");
});

test("Slack's refusals are told in words, with what to do", async (context) => {
  for (const [code, words, remedy] of [
    ["not_in_channel", /is no member of #deploys/, /\/invite/],
    ["channel_not_found", /knows no channel #deploys/, /invited first/],
    ["invalid_auth", /does not know the token/, /bot token/],
    ["missing_scope", /may not write/, /chat:write/],
  ] as const) {
    const slack = await slackFor(context);
    slack.refuse(code);
    const delivery: Delivery = await bot(slack).tell(notice(), signal);
    assert.equal(delivery.status, "failed");
    assert.match(delivery.detail, words);
    assert.match(delivery.status === "failed" ? (delivery.remedy ?? "") : "", remedy);
  }
  assert.deepEqual(slackRefusal("constructor", "#x"), { detail: "Slack refused it (constructor)", remedy: null });
});

test("a message that a broken proxy may have let through is not posted a second time, and one that was sent away busy is", async (context) => {
  for (const [status, posts] of [
    [504, 1],
    [502, 1],
    [503, 2],
  ] as const) {
    const server = await startHttpServer(context, (_, response) =>
      response.writeHead(server.heard.length < 2 ? status : 200).end("ok"),
    );
    const http = { clock: jumpingClock(), random: () => 0.5 };
    const notifier = createSlackWebhook({ name: "slack", url: `${server.url}/services/x`, http });
    const { status: ended } = await notifier.tell(notice("failed"), signal);
    assert.deepEqual([server.heard.length, ended], [posts, posts === 1 ? "failed" : "delivered"]);
  }
});
