import { waitFor } from "../../../clock.ts";
import { messageOf, ShiplockError } from "../../../errors.ts";
import type { Host } from "../../../hosts/types.ts";
import { asObject, asText, type JsonObject } from "../../../json.ts";
import { requestOverSocket } from "../../../socket-http.ts";
import type { ComposeHost, ComposeRun } from "../run.ts";
import type { ContainerSpec } from "../translate.ts";
import { finishContainer } from "./containers.ts";
import { createFromPublicImage } from "./infrastructure.ts";
import { lastLines } from "./last-lines.ts";

const readyMs = 20_000;
const adminTimeoutMs = 20_000;

/**
 * Sees to it that a proxy's container is there and answers, whatever an earlier attempt left of it.
 * @param admin path of its admin socket on the host
 */
export async function runProxyContainer(
  host: ComposeHost,
  run: ComposeRun,
  spec: ContainerSpec,
  admin: string,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const existing = await host.host.engine.inspectContainer(spec.name);
  if (existing?.state.status === "created") await finishContainer(host, existing.id, spec);
  const id = existing?.id ?? (await createFromPublicImage(host, run, spec, log));
  await startProxyContainer(host, run, id, spec.name, admin, signal);
}

/** Starts a proxy's container, or finds it running, and waits until its admin socket answers. */
export async function startProxyContainer(
  host: ComposeHost,
  run: ComposeRun,
  id: string,
  name: string,
  admin: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await host.host.engine.startContainer(id);
  } catch (error) {
    await removeUnstarted(host, id);
    throw error;
  }
  const ready = await waitFor(run.clock, { timeoutMs: readyMs, intervalMs: 50, signal }, async () =>
    (await answers(host.host, admin)) ? true : null,
  );
  if (ready === true) return;
  throw new ShiplockError({
    code: "proxy/not-ready",
    message: `${name} on ${host.name} did not answer within ${readyMs / 1000} s`,
    remedy: "its last lines are shown with this; `shiplock doctor` checks image, ports and folder",
    details: await lastLines(host, name),
  });
}

/** One that never ran may have been made for a port that it cannot have: the next attempt makes its own. One that ran may have traffic, whatever its start said. */
async function removeUnstarted(host: ComposeHost, id: string): Promise<void> {
  const found = await host.host.engine.inspectContainer(id);
  if (found?.state.status === "created") await host.host.engine.removeContainer(id, { force: false, volumes: false });
}

async function answers(host: Host, admin: string): Promise<boolean> {
  try {
    const answer = await requestOverSocket({
      socketPath: await host.forwardSocket(admin),
      path: "/config/",
      headers: { host: "localhost" },
      timeoutMs: 2_000,
    });
    return answer.status === 200;
  } catch {
    // It does not answer yet: that is what is being asked.
    return false;
  }
}

/** What an admin endpoint says of its proxy's upstreams. */
export async function readUpstreams(host: Host, admin: string): Promise<{ address: string; num_requests: number }[]> {
  const answer = await requestOverSocket({
    socketPath: await host.forwardSocket(admin),
    path: "/reverse_proxy/upstreams",
    keepConnection: true,
    headers: { host: "localhost" },
    timeoutMs: adminTimeoutMs,
  });
  if (answer.status !== 200) {
    throw new ShiplockError({
      code: "proxy/admin",
      message: `the router on ${host.name} answered ${answer.status} when asked for its upstreams: ${messageOf(answer.body.trim())}`,
    });
  }
  return (JSON.parse(answer.body) as JsonObject[]).flatMap((entry) => {
    const address = asText(asObject(entry)?.["address"]);
    return address === undefined ? [] : [{ address, num_requests: Number(entry["num_requests"] ?? 0) }];
  });
}
