import assert from "node:assert/strict";
import { after, test } from "node:test";
import * as fc from "fast-check";
import { emailText, oneLine } from "../../src/notify/email/message.ts";
import { createEmail, type EmailOptions, type SmtpSettings } from "../../src/notify/email/smtp.ts";
import type { Delivery, Notifier } from "../../src/notify/types.ts";
import { jumpingClock } from "../fakes/jumping-clock.ts";
import { type MailServer, mailServerMissing, startMailServer } from "../lab/mail-server.ts";
import { notifierContract } from "./contract.ts";
import { deadUrl } from "./http-server.ts";
import { hostile, notice } from "./samples.ts";

const signal = new AbortController().signal;
const missing = await mailServerMissing();
const server: MailServer | null = missing === null ? await startMailServer() : null;
after(async () => server?.[Symbol.asyncDispose]());
if (missing !== null && process.env["CI"] !== undefined && process.getuid?.() === 0) throw new Error(missing);
const skip = missing ?? false;

async function real(): Promise<MailServer> {
  if (server === null) throw new Error("there is no mail server here");
  await server.behave("takes");
  await server.heard();
  return server;
}

function email(mail: MailServer, smtp: Partial<SmtpSettings> = {}, change: Partial<EmailOptions> = {}): Notifier {
  return createEmail({
    ...{ name: "email", from: "shiplock@example.com", to: ["ops@example.com"], clock: jumpingClock() },
    smtp: {
      ...{
        host: "127.0.0.1",
        port: mail.ports.starttls,
        tls: "starttls",
        login: mail.login,
        trusted: mail.certificate,
      },
      ...smtp,
    },
    ...change,
  });
}

notifierContract({
  name: "email",
  open: async () => {
    if (server === null) return null;
    const mail = await real();
    const behaving: Promise<void>[] = [];
    const inner = email(mail);
    const notifier: Notifier = {
      name: inner.name,
      tell: async (told, stop) => {
        await Promise.all(behaving);
        return inner.tell(told, stop);
      },
    };
    return {
      notifier,
      heard: async () =>
        (await mail.heard()).map(({ data }) => data.replaceAll("=\r\n", "").replaceAll(/\r\n[ \t]/g, " ")),
      behave: (how) => void behaving.push(mail.behave(how)),
      secrets: [mail.login.password],
      lonely: email(mail, { port: Number(new URL(await deadUrl()).port) }),
    };
  },
});

test("mail goes out over TLS, begun in either way, with a login", { skip }, async () => {
  const mail = await real();
  for (const tls of ["starttls", "implicit"] as const) {
    const delivery = await email(mail, { tls, port: mail.ports[tls] }).tell(notice(), signal);
    assert.equal(delivery.status, "delivered", delivery.detail);
  }
  const mails = await mail.heard();
  assert.deepEqual(
    mails.map(({ from, to, tls, user }) => ({ from, to, tls, user })),
    Array.from({ length: 2 }, () => ({
      ...{ from: "shiplock@example.com", to: ["ops@example.com"], tls: true, user: "shiplock" },
    })),
  );
  assert.match(mails[0]?.data ?? "", /^Subject: deploy of shop to production succeeded \(4f2a9c1-8be13d\)\r$/m);
  assert.match(mails[0]?.data ?? "", /^References: <d-1.shop@shiplock>\r$/m);
  assert.match(mails[0]?.data ?? "", /^Auto-Submitted: auto-generated\r$/m);
});

test("a mail server without TLS is used only where that was said, and a certificate nobody vouches for never is", {
  skip,
}, async () => {
  const mail = await real();
  const clear = { port: mail.ports.none, login: null };
  const demanded = await email(mail, { ...clear, tls: "starttls" }).tell(notice(), signal);
  assert.equal(demanded.status, "failed");
  assert.match(demanded.detail, /no TLS with the mail server/);
  const stranger = await email(mail, { trusted: null }).tell(notice(), signal);
  assert.equal(stranger.status, "failed");
  assert.equal((await mail.heard()).length, 0);
  assert.equal((await email(mail, { ...clear, tls: "none" }).tell(notice(), signal)).status, "delivered");
});

test("a mail server that is not there, and is not there a moment later either, is told so", async () => {
  const port = Number(new URL(await deadUrl()).port);
  const smtp: SmtpSettings = { host: "127.0.0.1", port, tls: "starttls", login: null, trusted: null };
  const alone = createEmail({
    ...{ name: "email", from: "a@b.example", to: ["c@d.example"], clock: jumpingClock() },
    smtp,
  });
  const { tries, detail } = await alone.tell(notice(), signal);
  assert.deepEqual([tries, detail], [2, "the mail server: nothing listens there"]);
});

test("a wrong password, and an address the server does not know, are told in words", { skip }, async () => {
  const mail = await real();
  const wrong = await email(mail, { login: { user: "shiplock", password: "not-the-password" } }).tell(notice(), signal);
  assert.match(wrong.detail, /refused the login \(535 /);
  assert.doesNotMatch(JSON.stringify(wrong), /not-the-password/);
  const all = await email(mail, {}, { to: ["nobody@example.com"] }).tell(notice(), signal);
  assert.match(all.detail, /refused sender or receivers/);
  const some = await email(mail, {}, { to: ["nobody@example.com", "ops@example.com"] }).tell(notice(), signal);
  assert.equal(some.status, "failed");
  assert.equal(some.detail, "the server would not take it for nobody@example.com");
  assert.deepEqual(
    (await mail.heard()).map(({ to }) => to),
    [["ops@example.com"]],
    "the others have theirs",
  );
});

test("no text of a commit becomes a header or a second receiver of a mail", { skip }, async () => {
  const mail = await real();
  const told = notice("failed", {
    release: hostile,
    outcome: hostile,
    who: hostile,
    subject: hostile,
    lastLines: [hostile],
  });
  const delivery: Delivery = await email(mail).tell(told, signal);
  assert.equal(delivery.status, "delivered", delivery.detail);
  const [one] = await mail.heard();
  assert.deepEqual(one?.to, ["ops@example.com"]);
  const headers = (one?.data ?? "").split("\r\n\r\n")[0] ?? "";
  assert.doesNotMatch(headers, /^Bcc:/im);
  assert.equal(headers.match(/^Subject:/gm)?.length, 1);
});

test("a subject is one line of at most 200 characters, whatever a notice holds", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 400 }), fc.string({ unit: "binary" }), (release, outcome) => {
      const { subject, text } = emailText(notice("failed", { release, outcome, lastLines: [outcome] }));
      assert.ok(subject.length <= 200);
      assert.doesNotMatch(subject, /[\r\n\u2028\u2029]/);
      assert.doesNotMatch(text, /[\r\u0000\u001b]/);
      assert.ok(!oneLine(outcome).includes("\n"));
    }),
  );
});
