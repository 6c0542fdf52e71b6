import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, renameSync, rmSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { canInstall, unpackPackages } from "./apt.ts";
import { must, run } from "./process.ts";
import { labRoot } from "./record.ts";

/** A mail as it arrived. */
export type Mail = { from: string; to: string[]; data: string; tls: boolean; user: string | null };

export type MailServer = AsyncDisposable & {
  /** By how TLS is begun. Mail without TLS needs no login, the others do. */
  ports: Readonly<Record<"starttls" | "implicit" | "none", number>>;
  login: { user: string; password: string };
  /** The server's certificate (PEM), for 127.0.0.1, which nobody else vouches for. */
  certificate: string;
  /** All mails that arrived since this was asked last. */
  heard(): Promise<readonly Mail[]>;
  behave(how: "takes" | "refuses" | "hangs"): Promise<void>;
};

const packages = [
  "python3-aiosmtpd",
  "python3-public",
  "python3-attr",
  "python3-typing-extensions",
  "python3-pkg-resources",
];
const python = "/usr/bin/python3";

/** Why no mail server can be had here; null where one can. */
export async function mailServerMissing(): Promise<string | null> {
  if (!existsSync(python) || (await run(["openssl", "version"]).catch(() => null))?.code !== 0)
    return "the mail server needs python3 and openssl";
  if (existsSync(libraries()) || canInstall()) return null;
  return "the mail server's libraries are taken from Debian's archive as root";
}

function libraries(): string {
  return join(labRoot(), "cache", "aiosmtpd");
}

/** Starts a real SMTP server (aiosmtpd, as Debian and Ubuntu have it) on free ports of this machine; gone with its process. */
export async function startMailServer(): Promise<MailServer> {
  if (!existsSync(libraries())) {
    const making = `${libraries()}.${process.pid}`;
    await unpackPackages(packages, making, () => undefined);
    // Somebody else may have been quicker, with the same.
    if (existsSync(libraries())) rmSync(making, { recursive: true });
    else renameSync(making, libraries());
  }
  const folder = await mkdtemp(join(tmpdir(), "mail-server-"));
  const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
  await must([
    ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"],
    ...["-subj", "/CN=mail", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
  ]);
  const login = { user: "shiplock", password: "a-mail-password" };
  const child = spawn(python, [join(import.meta.dirname, "mail-server.py")], {
    stdio: ["pipe", "pipe", "pipe"],
    env: {
      PYTHONPATH: join(libraries(), "usr/lib/python3/dist-packages"),
      PYTHONDONTWRITEBYTECODE: "1",
      ...{ MAIL_KEY: key, MAIL_CERTIFICATE: certificate, MAIL_USER: login.user, MAIL_PASSWORD: login.password },
    },
  });
  const mails: Mail[] = [];
  const answers: ((line: unknown) => void)[] = [];
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said = `${said}${chunk.toString("utf8")}`.slice(-2_000);
  });
  const gone = new Promise<never>((_, reject) => {
    child.once("exit", () => reject(new Error(`the mail server ended: ${said}`)));
  });
  // Its end is an error only for who waits for an answer.
  gone.catch(() => undefined);
  createInterface({ input: child.stdout }).on("line", (line) => {
    const told = JSON.parse(line) as Mail | Record<string, unknown>;
    if ("data" in told) mails.push(told as Mail);
    else answers.shift()?.(told);
  });
  const answered = (): Promise<unknown> => Promise.race([new Promise((resolve) => answers.push(resolve)), gone]);
  const ask = async (line: string): Promise<void> => {
    const heard = answered();
    child.stdin.write(`${line}\n`);
    await heard;
  };
  return {
    ports: (await answered()) as MailServer["ports"],
    login,
    certificate: await readFile(certificate, "utf8"),
    heard: async () => {
      // It speaks in order: what arrived before has been said when this is answered.
      await ask("as before");
      return mails.splice(0);
    },
    behave: ask,
    [Symbol.asyncDispose]: async () => {
      await ended(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function ended(child: ChildProcess): Promise<void> {
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  child.stdin?.end();
  if (child.exitCode === null) await closed;
}
