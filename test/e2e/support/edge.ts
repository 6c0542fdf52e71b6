import { request } from "node:http";

/** `version` is what the switchboard says it is; undefined when something else answered. */
export type Answer = {
  status: number;
  body: string;
  headers: NodeJS.Dict<string | string[]>;
  version: string | undefined;
};

/**
 * One request to the edge of a host, on a fresh connection, with the public host name in its `Host` header.
 * @throws when the connection is refused, reset or silent for `timeoutMs` (10 seconds unless told)
 */
export function askEdge(
  address: string,
  hostName: string,
  path: string,
  options: { method?: string; body?: string; timeoutMs?: number; port?: number } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: address,
        port: options.port ?? 80,
        method: options.method ?? "GET",
        path,
        headers: { Host: hostName },
        agent: false,
        signal: AbortSignal.timeout(options.timeoutMs ?? 10_000),
      },
      (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (text: string) => (body += text));
        response.on("error", reject);
        response.on("end", () => {
          const version = response.headers["x-version"];
          resolve({
            status: response.statusCode ?? 0,
            body,
            headers: response.headers,
            version: typeof version === "string" ? version : undefined,
          });
        });
      },
    );
    asked.on("error", reject);
    asked.end(options.body);
  });
}
