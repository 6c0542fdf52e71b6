import { getSystemErrorName } from "node:util";
import type { Clock } from "../../clock.ts";
import { messageOf } from "../../errors.ts";
import { wordsOfCode } from "../http-send.ts";
import type { Delivery, Notice, Notifier } from "../types.ts";
import { emailText } from "./message.ts";

export type SmtpSettings = {
  host: string;
  port: number;
  login: { user: string; password: string } | null;
  /** `starttls`: TLS is demanded after the greeting; `implicit`: from the first byte; `none`: in the clear. */
  tls: "starttls" | "implicit" | "none";
  /** Certificates in PEM that are trusted instead of the machine's own; null for those. */
  trusted: string | null;
};

export type EmailOptions = {
  name: string;
  from: string;
  to: readonly string[];
  smtp: SmtpSettings;
  clock: Clock;
};

/** For connecting, for the greeting, and for silence in between. */
const stageMs = 5_000;
const triesAtMost = 2;
const pauseMs = 1_000;

/**
 * Mail through a server that speaks SMTP. The mails of one deployment refer to one id, so mail programs show them as one conversation. Where no connection could be
 * made, it is tried once more.
 */
export function createEmail(options: EmailOptions): Notifier {
  return {
    name: options.name,
    tell: async (notice, signal) => {
      for (let tries = 1; ; tries += 1) {
        const sent = await send(options, notice, signal, tries);
        if (sent.status === "delivered" || !sent.again || tries >= triesAtMost || signal.aborted)
          return deliveryOf(sent);
        try {
          await options.clock.wait(pauseMs, signal);
        } catch {
          // Only the signal ends the pause early: time is over.
          return deliveryOf(sent);
        }
      }
    },
  };
}

/** `again`: nothing had been said yet, so another try cannot send it twice. */
type Sent = Delivery & { again: boolean };

function deliveryOf({ again: _again, ...delivery }: Sent): Delivery {
  return delivery;
}

async function send(
  { from, to, smtp }: EmailOptions,
  notice: Notice,
  signal: AbortSignal,
  tries: number,
): Promise<Sent> {
  // Loaded here: most commands write no mail.
  const { createTransport } = await import("nodemailer");
  const transport = createTransport({
    host: smtp.host,
    port: smtp.port,
    secure: smtp.tls === "implicit",
    requireTLS: smtp.tls === "starttls",
    ignoreTLS: smtp.tls === "none",
    tls: { minVersion: "TLSv1.2", ...(smtp.trusted === null ? {} : { ca: smtp.trusted }) },
    ...(smtp.login === null ? {} : { auth: { user: smtp.login.user, pass: smtp.login.password } }),
    connectionTimeout: stageMs,
    greetingTimeout: stageMs,
    socketTimeout: stageMs,
    dnsTimeout: stageMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    const { subject, text } = emailText(notice);
    const sent = await transport.sendMail({
      from,
      to: [...to],
      subject,
      text,
      date: new Date(notice.at),
      headers: { "Auto-Submitted": "auto-generated", "X-Shiplock-Event": notice.event },
      ...(notice.deployment === null ? {} : { references: `<${notice.deployment}.${notice.project}@shiplock>` }),
      signal,
    });
    const refused = sent.rejected.map(String);
    if (refused.length === 0)
      return { status: "delivered", tries, detail: oneLineOf(sent.response), remember: null, again: false };
    return {
      status: "failed",
      tries,
      detail: `the server would not take it for ${refused.join(", ")}`,
      remedy: "look at these addresses",
      remember: null,
      again: false,
    };
  } catch (error) {
    return failure(error, signal, tries);
  } finally {
    transport.close();
  }
}

function failure(error: unknown, signal: AbortSignal, tries: number): Sent {
  const facts = factsOfError(error);
  const failed = (detail: string, remedy: string | null, again = false): Sent => ({
    status: "failed",
    tries,
    detail,
    remedy,
    remember: null,
    again,
  });
  if (signal.aborted) return failed("the mail server had not answered when time was over", null);
  switch (facts.code) {
    case "EAUTH":
      return failed(
        facts.response === null
          ? "the mail server offers no login that is known"
          : `the mail server refused the login (${facts.response})`,
        "look at `user`, and at the secret that `password` names",
      );
    case "ETLS":
      return failed(
        `no TLS with the mail server: ${messageOf(error)}`,
        "`tls: implicit` is for port 465, `starttls` for 587; `trustedRoot` names the certificate of an authority of your own",
      );
    case "EENVELOPE":
      return failed(
        `the mail server refused sender or receivers${facts.response === null ? "" : ` (${facts.response})`}`,
        "look at `from` and `to`",
      );
    case "ETIMEDOUT":
      return failed(`the mail server did not answer within ${stageMs / 1_000} s`, null, facts.command === "CONN");
    case "EDNS":
    case "ECONNECTION":
    case "ESOCKET":
      return failed(`the mail server: ${wordsOfCode(facts.system ?? facts.code)}`, null, facts.command === "CONN");
    default:
      return failed(
        facts.response === null ? messageOf(error) : `the mail server refused it (${facts.response})`,
        null,
      );
  }
}

/** `code` is the mail library's own word, `system` that of the operating system behind it. */
type ErrorFacts = { code: string | null; system: string | null; command: string | null; response: string | null };

function factsOfError(error: unknown): ErrorFacts {
  const text = (key: string): string | null => {
    const value: unknown = error instanceof Error ? Reflect.get(error, key) : null;
    return typeof value === "string" ? value : null;
  };
  const response = text("response");
  const errno: unknown = error instanceof Error ? Reflect.get(error, "errno") : null;
  const system = typeof errno === "number" && errno < 0 ? getSystemErrorName(errno) : null;
  return {
    code: text("code"),
    system,
    command: text("command"),
    response: response === null ? null : oneLineOf(response),
  };
}

function oneLineOf(response: string): string {
  return response.replace(/\s+/g, " ").slice(0, 200);
}
