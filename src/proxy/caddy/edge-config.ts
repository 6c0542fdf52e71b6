import { type Json, proxyHandler } from "./router-config.ts";

/** Where the edge looks for things inside its container. */
export const edgePaths = {
  folder: "/shiplock",
  routes: "/shiplock/routes",
  admin: "/shiplock/run/admin.sock",
  http: 8080,
  https: 8443,
  ask: 8081,
  trustedRoot: "/shiplock/trusted-root.pem",
} as const;

/** Where the root certificate of the edge's own authority (`internal`) lies, below the edge's folder. */
export const ownRootPath = "certificates/pki/authorities/local/root.crt";

/** Whether an edge answers over HTTPS, and where it gets certificates from. */
export type EdgeTls = "off" | EdgeCertificates;

/**
 * `internal`: from an authority of its own. `acme`: from an ACME directory; null is the public default (Let's Encrypt), and `trustedRoot` is the PEM of the root that
 * the directory's own HTTPS is trusted by. `port` is the port of the host that HTTPS answers on, which redirects have to name.
 */
export type EdgeCertificates =
  | { issuer: "internal"; port: number }
  | { issuer: "acme"; port: number; directory: string | null; email: string | null; trustedRoot: string | null };

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
      routes: tls === "off" ? proxyRoutes("http") : redirectRoutes(tls.port),
    },
    ask: { listen: [`127.0.0.1:${edgePaths.ask}`], automatic_https: { disable: true }, routes: askRoutes },
  };
  if (tls !== "off") {
    servers["https"] = {
      listen: [`:${edgePaths.https}`],
      automatic_https: { disable: true },
      tls_connection_policies: [{}],
      // Without HTTP/3, which wants a UDP port of its own: Caddy would announce it at a port that the host does not have.
      protocols: ["h1", "h2"],
      routes: proxyRoutes("https"),
    };
  }
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
                policies: [{ on_demand: true, ...issuersOf(tls) }],
                on_demand: { ask: `http://127.0.0.1:${edgePaths.ask}/` },
              },
            },
            ...(tls.issuer === "internal"
              ? { pki: { certificate_authorities: { local: { install_trust: false } } } }
              : {}),
          }),
    },
  };
}

/** Without any, Caddy asks the public authorities it knows. */
function issuersOf(tls: EdgeCertificates): { issuers?: Json[] } {
  if (tls.issuer === "internal") return { issuers: [{ module: "internal" }] };
  const { directory, email, trustedRoot } = tls;
  const chosen = {
    ...(directory === null ? {} : { ca: directory }),
    ...(email === null ? {} : { email }),
    ...(trustedRoot === null ? {} : { trusted_roots_pem_files: [edgePaths.trustedRoot] }),
  };
  return Object.keys(chosen).length === 0 ? {} : { issuers: [{ module: "acme", ...chosen }] };
}

/** Only what looks like a host name may become part of a path. */
const hostName = "^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$";

/** Requests for names that some environment has claimed. */
const claimed: Json = {
  vars_regexp: { "{http.request.host}": { name: "host", pattern: hostName } },
  file: { root: edgePaths.routes, try_files: ["/{http.request.host}"] },
};

const unclaimed: Json = {
  handle: [
    { handler: "static_response", status_code: 404, body: "shiplock: no environment on this host has this name\n" },
  ],
};

function proxyRoutes(protocol: "http" | "https"): Json[] {
  return [
    {
      match: [claimed],
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
    unclaimed,
  ];
}

function redirectRoutes(port: number): Json[] {
  const address = `https://{http.request.host}${port === 443 ? "" : `:${port}`}{http.request.uri}`;
  return [
    {
      match: [claimed],
      handle: [{ handler: "static_response", status_code: 308, headers: { Location: [address] } }],
      terminal: true,
    },
    unclaimed,
  ];
}

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
