import { type Json, proxyHandler } from "./router-config.ts";

/** Where the edge looks for things inside its container. */
export const edgePaths = {
  folder: "/shiplock",
  routes: "/shiplock/routes",
  admin: "/shiplock/run/admin.sock",
  http: 8080,
  https: 8443,
  ask: 8081,
} as const;

export type EdgeTls = "off" | "internal" | "auto";

/**
 * The configuration of a host's edge, as Caddy's JSON (tested with 2.6.2). It never changes: a host name is a link in the routes folder to the front
 * socket of the environment that claimed it, so a new project needs no reload and no other project's connection is touched.
 * Certificates are fetched when a name is first asked for, and only for names that are in the folder.
 */
export function edgeConfig(tls: EdgeTls): Json {
  const servers: Record<string, Json> = {
    http: {
      listen: [`:${edgePaths.http}`],
      automatic_https: { disable: true },
      routes: tls === "off" ? proxyRoutes("http") : redirectRoutes,
    },
    ask: { listen: [`127.0.0.1:${edgePaths.ask}`], automatic_https: { disable: true }, routes: askRoutes },
  };
  if (tls !== "off") {
    servers["https"] = {
      listen: [`:${edgePaths.https}`],
      automatic_https: { disable: true },
      tls_connection_policies: [{}],
      routes: proxyRoutes("https"),
    };
  }
  const issuers = tls === "internal" ? [{ module: "internal" }] : undefined;
  return {
    admin: { listen: `unix/${edgePaths.admin}`, origins: ["localhost"], config: { persist: false } },
    logging: { logs: { default: { level: "WARN" } } },
    storage: { module: "file_system", root: `${edgePaths.folder}/certificates` },
    apps: {
      http: { http_port: edgePaths.http, https_port: edgePaths.https, grace_period: "30s", servers },
      ...(tls === "off"
        ? {}
        : {
            tls: {
              automation: {
                policies: [{ on_demand: true, ...(issuers === undefined ? {} : { issuers }) }],
                on_demand: { ask: `http://127.0.0.1:${edgePaths.ask}/` },
              },
            },
            ...(tls === "internal" ? { pki: { certificate_authorities: { local: { install_trust: false } } } } : {}),
          }),
    },
  };
}

/** Only what looks like a host name may become part of a path. */
const hostName = "^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$";

function proxyRoutes(protocol: "http" | "https"): Json[] {
  return [
    {
      match: [
        {
          vars_regexp: { "{http.request.host}": { name: "host", pattern: hostName } },
          file: { root: edgePaths.routes, try_files: ["/{http.request.host}"] },
        },
      ],
      handle: [
        proxyHandler({
          transport: { protocol: "http", keep_alive: { enabled: false } },
          upstreams: [{ dial: `unix/${edgePaths.routes}/{http.request.host}` }],
          load_balancing: { try_duration: "5s", try_interval: "100ms" },
          headers: {
            request: {
              set: {
                "X-Shiplock-For": ["{http.request.remote.host}"],
                "X-Shiplock-Proto": [protocol],
                "X-Shiplock-Host": ["{http.request.hostport}"],
              },
            },
            response: { delete: ["Server"] },
          },
        }),
      ],
      terminal: true,
    },
    {
      handle: [
        { handler: "static_response", status_code: 404, body: "shiplock: no environment on this host has this name\n" },
      ],
    },
  ];
}

const redirectRoutes: Json[] = [
  {
    handle: [
      {
        handler: "static_response",
        status_code: 308,
        headers: { Location: ["https://{http.request.host}{http.request.uri}"] },
      },
    ],
  },
];

const askRoutes: Json[] = [
  {
    match: [
      {
        vars_regexp: { "{http.request.uri.query.domain}": { name: "domain", pattern: hostName } },
        file: { root: edgePaths.routes, try_files: ["/{http.request.uri.query.domain}"] },
      },
    ],
    handle: [{ handler: "static_response", status_code: 200 }],
    terminal: true,
  },
  { handle: [{ handler: "static_response", status_code: 404 }] },
];
