import { request } from "node:http";

export type Answer = { status: number; version: string | undefined; body: string };

export type Question = {
  /** Address of a host; its edge answers on port 80. */
  address: string;
  /** The public host name. */
  hostName: string;
  path: string;
  /** Sent as JSON by POST. */
  body?: unknown;
  timeoutMs?: number;
};

/**
 * One request to the edge of a host on a fresh connection, as a visitor's comes in.
 * @throws when the connection is refused, reset, or silent for `timeoutMs` (10 seconds unless told)
 */
export function ask({ address, hostName, path, body, timeoutMs = 10_000 }: Question): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: address,
        path,
        method: body === undefined ? "GET" : "POST",
        headers: { Host: hostName, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
        agent: false,
        signal: AbortSignal.timeout(timeoutMs),
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        response.on("error", reject);
        response.on("end", () => {
          const version = response.headers["x-version"];
          resolve({
            status: response.statusCode ?? 0,
            version: typeof version === "string" ? version : undefined,
            body: text,
          });
        });
      },
    );
    asked.on("error", reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
