import { existsSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import type { LabHost } from "../../lab/host.ts";
import { type RunResult, waitFor } from "../../lab/process.ts";

/** An ACME authority on a host of a lab, as a team with its own has it: Caddy's, with a root of its own that its own HTTPS is signed by, too. */
export type AcmeServer = {
  directory: string;
  /** PEM of its root. */
  root(): string;
  /** Starts it; the root stays the same over stops. */
  start(): Promise<void>;
  stop(): Promise<void>;
};

const port = 14_000;
const folder = "/var/lib/acme-server";
const startMs = 20_000;

/** Makes an authority on a host that finds these names at this address when it asks back. It is not started yet. */
export async function acmeServer(host: LabHost, names: readonly string[], address: string): Promise<AcmeServer> {
  const rootFile = join(host.rootPath(), folder, "pki/authorities/local/root.crt");
  await must(host, ["mkdir", "-p", folder]);
  await must(host, ["tee", `${folder}/caddy.json`], JSON.stringify(configuration(host.address)));
  await must(host, ["tee", "--append", "/etc/hosts"], names.map((name) => `${address} ${name}\n`).join(""));
  let running: Promise<RunResult> | undefined;
  let ended: RunResult | undefined;

  return {
    directory: `https://${host.address}:${port}/acme/local/directory`,
    root: () => readFileSync(rootFile, "utf8"),
    start: async () => {
      ended = undefined;
      running = host.exec(["caddy", "run", "--config", `${folder}/caddy.json`], { timeoutMs: 10 * 60_000 });
      void running.then((result) => {
        ended = result;
      });
      await waitFor(
        "the ACME authority",
        async () => {
          if (ended !== undefined) throw new Error(`the ACME authority ended: ${ended.stderr}`);
          return existsSync(rootFile) && (await accepts(host.address));
        },
        { timeoutMs: startMs, everyMs: 50 },
      );
    },
    stop: async () => {
      if (running === undefined) return;
      if (ended === undefined) await must(host, ["caddy", "stop"]);
      await running;
      running = undefined;
    },
  };
}

function configuration(address: string): unknown {
  const handle = [{ handler: "acme_server", ca: "local" }];
  return {
    storage: { module: "file_system", root: folder },
    apps: {
      pki: { certificate_authorities: { local: { install_trust: false } } },
      http: {
        https_port: port,
        servers: {
          acme: {
            listen: [`:${port}`],
            automatic_https: { disable_redirects: true },
            routes: [{ match: [{ host: [address] }], handle }],
          },
        },
      },
      tls: { automation: { policies: [{ subjects: [address], issuers: [{ module: "internal" }] }] } },
    },
  };
}

async function must(host: LabHost, argv: readonly string[], input = ""): Promise<void> {
  const { code, stderr } = await host.exec(argv, { input });
  if (code !== 0) throw new Error(`${argv.join(" ")} ended with ${code}: ${stderr}`);
}

function accepts(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: 2_000 }, () => {
      resolve(true);
      socket.destroy();
    });
    socket.once("timeout", () => socket.destroy());
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
  });
}
