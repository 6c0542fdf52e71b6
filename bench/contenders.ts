import { createConnector } from "../src/hosts/connector.ts";
import type { Host } from "../src/hosts/types.ts";
import type { Release } from "../src/release/types.ts";
import { requestOverSocket } from "../src/socket-http.ts";
import type { Project } from "../test/e2e/support/project.ts";
import type { LabHost } from "../test/lab/host.ts";
import type { Lab } from "../test/lab/lab.ts";
import { run as runProcess } from "../test/lab/process.ts";
import { lossesOf, startLoad } from "../test/load/client.ts";

/** Milliseconds; `first` until the new release's first answer, NaN where it is not watched. */
export type Timing = { whole: number; first: number; lost: number };

export type BuiltImage = { repository: string; digest: string };

const pollMs = 10;
const patienceMs = 30_000;

/** Milliseconds until a host can be worked on: SSH, the agent, files, and the engine's first answer. */
export async function connection(lab: Lab): Promise<number> {
  const began = performance.now();
  const host = await createConnector().connect(
    { kind: "ssh", destination: "host-1", name: "host-1", sshConfig: lab.sshConfigPath },
    { connectTimeoutMs: 20_000 },
  );
  await host.engine.ping();
  const took = performance.now() - began;
  await host.close();
  return took;
}

/** As many containers as a release of the application has, so that the engine has the same work. */
const containersOfRelease = 2;

/**
 * The engine's own work for one small layer, on connections that are open already: pull, create, start, first healthy answer, switch (one rename), stop the old ones.
 */
export async function floor(
  lab: Lab,
  app: Project,
  round: string,
  hosts: readonly LabHost[] = [lab.host("host-1")],
): Promise<Timing> {
  await app.commitVersion(`f-${round}`, { startDelayMs: 300 });
  const image = await build(app, hosts.length === 1 ? "staging" : "production");
  const connector = createConnector();
  const connections = await Promise.all(
    hosts.map((host) =>
      connector.connect(
        { kind: "ssh", destination: host.name, name: host.name, sshConfig: lab.sshConfigPath },
        { connectTimeoutMs: 20_000 },
      ),
    ),
  );
  try {
    for (const host of connections) await host.engine.ping();
    const old = await Promise.all(connections.map((host) => host.engine.listContainers({ labels: ["bench=floor"] })));
    const began = performance.now();
    await Promise.all(connections.map((host, index) => floorOn(host, lab, image, round, old[index] ?? [])));
    const whole = performance.now() - began;
    for (const [index, host] of connections.entries())
      for (const container of old[index] ?? [])
        await host.engine.removeContainer(container.id, { force: true, volumes: false });
    return { whole, first: Number.NaN, lost: 0 };
  } finally {
    await Promise.all(connections.map((host) => host.close()));
  }
}

async function floorOn(
  host: Host,
  lab: Lab,
  image: BuiltImage,
  round: string,
  old: readonly { id: string }[],
): Promise<void> {
  const reference = `${image.repository}@${image.digest}`;
  const { username, password, address } = lab.registry;
  await host.engine.pullImage(reference, { username, password, serverAddress: address });
  const numbers = Array.from({ length: containersOfRelease }, (_, index) => index + 1);
  const body = { Image: reference, Labels: { bench: "floor" } };
  const ids = await Promise.all(
    numbers.map((number) => host.engine.createContainer(`floor-${round}-${Date.now()}-${number}`, body)),
  );
  await Promise.all(ids.map((id) => host.engine.startContainer(id)));
  await Promise.all(ids.map((id) => answersHealthily(host, id)));
  await host.files.symlinkAtomic(`target-${round}`, "bench-live");
  await Promise.all(old.map(({ id }) => host.engine.stopContainer(id, { graceSeconds: 10 })));
}

async function answersHealthily(host: Host, id: string): Promise<void> {
  const container = await host.engine.inspectContainer(id);
  const [network] = Object.values(container?.networks ?? {});
  const socketPath = await host.forwardTcp(network?.ipAddress ?? "", 3000);
  await until(async () => (await requestOverSocket({ socketPath, path: "/healthz", timeoutMs: 2_000 })).status === 200);
}

/** What many teams have: `docker compose pull && docker compose up -d` over ssh, then curl until it answers. Load runs against the published port. */
export async function deployByHand(lab: Lab, app: Project, round: string): Promise<Timing> {
  const host = lab.host("host-1");
  const folder = "/home/deploy/by-hand";
  await app.commitVersion(`h-${round}`, { startDelayMs: 300 });
  const before = await build(app, "staging", "HEAD~1");
  const after = await build(app, "staging");
  await login(lab, host);
  const write = async (image: BuiltImage): Promise<void> => {
    await host.exec(["mkdir", "-p", folder], { user: "deploy" });
    await host.exec(["tee", `${folder}/compose.yml`], {
      user: "deploy",
      input: `services: { web: { image: "${image.repository}@${image.digest}", ports: ["9090:3000"] } }\n`,
    });
  };
  const script = [
    "ssh",
    "-F",
    lab.sshConfigPath,
    host.name,
    `docker compose --file ${folder}/compose.yml pull && docker compose --file ${folder}/compose.yml up -d`,
  ];
  const url = `http://${host.address}:9090/healthz`;
  await write(before);
  await runProcess(script, { timeoutMs: 60_000 });
  await until(async () => (await fetch(url)).ok);
  const load = startLoad({
    targets: [{ name: "by hand", url: `http://${host.address}:9090/` }],
    webSockets: 0,
    mix: { "keep-alive-get": 2, "keep-alive-post": 2, "fresh-get": 1, "fresh-post": 1 },
  });
  await load.waitFor((now) => now.ok > 100, 15_000);
  await write(after);
  const began = performance.now();
  await runProcess(script, { timeoutMs: 60_000 });
  await until(async () => (await fetch(url)).ok);
  const whole = performance.now() - began;
  const report = await load.stop();
  return { whole, first: whole, lost: lossesOf(report).reduce((sum, loss) => sum + loss.count, 0) };
}

/** Runs a deployment and notes when the new version answers for the first time. */
export async function watchVersion(
  lab: Lab,
  app: Project,
  environment: string,
  version: string,
  work: () => Promise<number>,
): Promise<Timing> {
  const began = performance.now();
  let first = Number.NaN;
  let over = false;
  const watching = (async () => {
    while (!over && Number.isNaN(first)) {
      const answer = await app.curl(lab.host("host-1"), "/", { environment });
      if (answer.version === version) first = performance.now() - began;
      else await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  })();
  const whole = await work();
  over = true;
  await watching;
  return { whole, first, lost: 0 };
}

async function build(app: Project, environment: string, ref?: string): Promise<BuiltImage> {
  const built = await app.must(["build", environment, "--json", ...(ref === undefined ? [] : ["--ref", ref])]);
  const image = (built.json as Pick<Release, "images">).images["app"];
  if (image === undefined) throw new Error("nothing was built");
  return image;
}

async function login(lab: Lab, host: LabHost): Promise<void> {
  const { address, username, password } = lab.registry;
  await host.exec(["docker", "login", "--username", username, "--password-stdin", address], {
    user: "deploy",
    input: password,
  });
}

async function until(look: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + patienceMs;
  while (performance.now() < end) {
    try {
      if (await look()) return;
    } catch {
      // Not there yet: that is what is being asked.
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  throw new Error(`it did not answer within ${patienceMs / 1000} s`);
}
