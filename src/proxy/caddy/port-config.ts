import { type Json, portSocket, proxyHandler, routerPaths } from "./router-config.ts";

/** Where the holder of a published port looks for things inside its container. */
export const portPaths = { folder: "/shiplock", http: 8080 } as const;

/** The admin socket of a port's holder, in its folder. */
export function portAdmin(key: string): string {
  return `${key}.sock`;
}

/**
 * The configuration of the holder of one published port, as Caddy's JSON (tested with 2.6.2). A port belongs to the container that publishes it, so a router that
 * published it could not be replaced without a gap: the holder stays, and hands everything to whichever router is the current one.
 */
export function portConfig(key: string): Json {
  return {
    admin: {
      listen: `unix/${portPaths.folder}/${portAdmin(key)}`,
      origins: ["localhost"],
      config: { persist: false },
    },
    logging: { logs: { default: { level: "WARN" } } },
    apps: {
      http: {
        grace_period: "30s",
        servers: {
          port: {
            listen: [`:${portPaths.http}`],
            automatic_https: { disable: true },
            routes: [
              {
                handle: [
                  proxyHandler({
                    transport: { protocol: "http", keep_alive: { enabled: false } },
                    upstreams: [{ dial: `unix/${routerPaths.front}/current/${portSocket(key)}` }],
                    load_balancing: { try_duration: "5s", try_interval: "100ms" },
                    headers: {
                      request: {
                        set: {
                          "X-Shiplock-For": ["{http.request.remote.host}"],
                          "X-Shiplock-Proto": ["http"],
                          "X-Shiplock-Host": ["{http.request.hostport}"],
                        },
                      },
                      response: { delete: ["Server"] },
                    },
                  }),
                ],
              },
            ],
          },
        },
      },
    },
  };
}
