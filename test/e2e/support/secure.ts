import { connect as connectHttp2 } from "node:http2";
import { request } from "node:https";
import { connect, type PeerCertificate } from "node:tls";
import type { Answer } from "./edge.ts";

/** Where to ask over TLS: the name is sent as SNI and `Host`, and has to be in a certificate that `ca` (PEM) vouches for. */
export type SecureAddress = { address: string; port: number; name: string; ca: string };

const timeoutMs = 30_000;

/** The certificate that a handshake shows, and the protocol that was agreed on. Rejects when there is no handshake, or the certificate is not to be trusted. */
export function shakeHands(
  { address, port, name, ca }: SecureAddress,
  protocols: readonly string[] = ["h2", "http/1.1"],
): Promise<{ certificate: PeerCertificate; protocol: string | false }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, servername: name, ca, ALPNProtocols: [...protocols] }, () => {
      resolve({ certificate: socket.getPeerCertificate(), protocol: socket.alpnProtocol ?? false });
      socket.end();
    });
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no handshake within ${timeoutMs} ms`)));
    socket.on("error", reject);
  });
}

/** One request over HTTP/1.1 and TLS, on a fresh connection. */
export function askSecurely(at: SecureAddress, path = "/", headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const host = `${at.name}${at.port === 443 ? "" : `:${at.port}`}`;
    const asked = request(
      {
        ...{ host: at.address, port: at.port, path, servername: at.name, ca: at.ca, agent: false },
        headers: { host, ...headers },
        signal: AbortSignal.timeout(timeoutMs),
      },
      (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (text: string) => (body += text));
        response.on("error", reject);
        response.on("end", () => {
          const version = response.headers["x-version"];
          const status = response.statusCode ?? 0;
          resolve({
            ...{ status, body, headers: response.headers },
            version: typeof version === "string" ? version : undefined,
          });
        });
      },
    );
    asked.on("error", reject);
    asked.end();
  });
}

/** `POST` over HTTP/2 with a body. */
export function postOverHttp2(
  at: SecureAddress,
  path: string,
  body: string,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(`https://${at.name}:${at.port}`, {
      createConnection: () =>
        connect({ host: at.address, port: at.port, servername: at.name, ca: at.ca, ALPNProtocols: ["h2"] }),
    });
    session.setTimeout(timeoutMs, () => session.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    session.on("error", reject);
    const stream = session.request({ ":method": "POST", ":path": path, "content-type": "text/plain" });
    let status = 0;
    let text = "";
    stream.on("response", (headers) => (status = headers[":status"] ?? 0));
    stream.setEncoding("utf8").on("data", (part: string) => (text += part));
    stream.on("error", reject);
    stream.on("end", () => {
      session.close();
      resolve({ status, body: text });
    });
    stream.end(body);
  });
}
