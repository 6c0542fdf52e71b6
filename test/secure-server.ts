import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram } from "../src/process.ts";

/** An HTTPS server on a Unix socket or a port of 127.0.0.1, with a certificate for one name that nobody vouches for. It answers 200 to everything. */
export type SecureServer = AsyncDisposable & { socketPath: string; port: number };

/**
 * Starts one; undefined where there is no `openssl` to make the certificate with.
 * @param where "socket" or "port"
 */
export async function startSecureServer(name: string, where: "socket" | "port"): Promise<SecureServer | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "secure-"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const made = await runProgram(
    "openssl",
    [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"],
      ...["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`, "-keyout", key, "-out", cert],
    ],
    { timeoutMs: 20_000 },
  ).catch(() => undefined);
  if (made?.exitCode !== 0) {
    await rm(folder, { recursive: true, force: true });
    return undefined;
  }
  const server = createServer({ key: await readFile(key), cert: await readFile(cert) }, (_, response) => {
    response.end("over TLS");
  });
  const socketPath = join(folder, "server.sock");
  await new Promise<void>((resolve) => {
    if (where === "socket") server.listen(socketPath, resolve);
    else server.listen(0, "127.0.0.1", resolve);
  });
  return {
    socketPath,
    port: where === "socket" ? 0 : (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
