import { spawn } from "node:child_process";
import { once } from "node:events";
import { pipeline } from "node:stream/promises";
import { systemClock } from "../src/clock.ts";
import { localRepository } from "../src/config/local-repository.ts";
import { ShiplockError } from "../src/errors.ts";
import { createConnector } from "../src/hosts/connector.ts";
import { createDockerEngine } from "../src/hosts/docker-engine.ts";
import { createEngineTransport } from "../src/hosts/docker-transport.ts";
import type { Engine } from "../src/hosts/engine.ts";
import type { Host } from "../src/hosts/types.ts";
import type { ReleaseImage } from "../src/release/types.ts";
import { createCarrier } from "../src/targets/compose/carry.ts";
import { startE2eLab, stopE2eLab } from "../test/e2e/support/lab.ts";
import { createProject, type Project } from "../test/e2e/support/project.ts";
import type { Lab } from "../test/lab/lab.ts";

type Way = { name: string; bring: (image: ReleaseImage) => Promise<void> };
type Line = { name: string; roundTripMs: number; bitsPerSecond: number | null };

const lines: readonly Line[] = [
  { name: "no limit", roundTripMs: 0, bitsPerSecond: null },
  { name: "+80 ms", roundTripMs: 80, bitsPerSecond: null },
  { name: "20 Mbit/s", roundTripMs: 0, bitsPerSecond: 20_000_000 },
];

/**
 * How long an image with a changed line takes from the engine that built it to a host that has the version before, and how many bytes reach the host: by Shiplock without a
 * registry, by `docker save | ssh docker load`, and by push and pull. Connections of Shiplock are open already.
 * @param rounds of which the medians are told; the whole image is sent over the slow line once
 */
export async function shipping(say: (text?: string) => void, rounds: number): Promise<void> {
  const lab = await startE2eLab({ name: "bench-ship", hosts: 1 });
  const app = await createProject(lab, { withoutRegistry: true, first: { version: "s-0" } });
  const builder = engineOf(lab);
  let number = 0;

  async function measure(way: Way, line: Line, times: number): Promise<void> {
    const taken: { seconds: number; bytes: number }[] = [];
    for (let round = 0; round < times; round += 1) {
      number += 1;
      const image = await builtImage(app, builder, `s-${number}`);
      const before = await received(lab);
      const began = performance.now();
      await way.bring(image);
      taken.push({ seconds: (performance.now() - began) / 1000, bytes: (await received(lab)) - before });
    }
    const middle = taken.sort((left, right) => left.seconds - right.seconds)[Math.floor(taken.length / 2)];
    say(`| ${way.name} | ${line.name} | ${middle?.seconds.toFixed(2)} | ${inWords(middle?.bytes ?? Number.NaN)} |`);
  }

  try {
    say("| an image of 220 MB with one line changed | line | seconds | bytes that reached the host |");
    say("|---|---|---|---|");
    // The first version is there by either way, so that what is measured is the change.
    await withHost(lab, async (host) => {
      for (const way of [carried(builder, host), pushedAndPulled(lab, builder, host)])
        await way.bring(await builtImage(app, builder, `s-first-${(number += 1)}`));
    });
    for (const line of lines) {
      const how = await lab.delayNetwork(lab.host("host-1"), line.roundTripMs);
      await lab.limitNetwork(lab.host("host-1"), line.bitsPerSecond);
      await withHost(lab, async (host) => {
        await measure(carried(builder, host), line, rounds);
        await measure(savedAndLoaded(lab, app), line, line.bitsPerSecond === null ? rounds : 1);
        // A delay by a proxy before sshd is none for the registry's port.
        if (how !== "proxy") await measure(pushedAndPulled(lab, builder, host), line, rounds);
      });
    }
  } finally {
    await lab.limitNetwork(lab.host("host-1"), null);
    await lab.delayNetwork(lab.host("host-1"), 0);
    await app[Symbol.asyncDispose]();
    await stopE2eLab(lab);
  }
}

function engineOf(lab: Lab): Engine {
  const explain = async (cause: unknown) => new ShiplockError({ code: "bench/engine", message: String(cause) });
  const route = { host: "the builder", socketPath: async () => lab.runnerSocket, explain };
  return createDockerEngine(createEngineTransport(route));
}

/** The image of a new version, as a release would have it. */
async function builtImage(app: Project, builder: Engine, version: string): Promise<ReleaseImage> {
  const commit = await app.commitVersion(version);
  await app.must(["build", "staging"]);
  const repository = localRepository(app.name, "app");
  const images = await builder.listImages({ reference: repository });
  const tags = images.flatMap(({ id, repoTags }) => repoTags.map((tag) => ({ id, tag })));
  const built = tags.find(({ tag }) => tag.includes(commit.slice(0, 7)));
  if (built === undefined) throw new Error(`${version} was not built`);
  return {
    ...{ name: "app", repository, tag: built.tag.slice(repository.length + 1), digest: built.id, environment: null },
    ...{
      platforms: { "linux/amd64": { manifest: built.id, config: built.id } },
      from: "engine",
      builtOn: "here",
      inputs: null,
    },
  };
}

function carried(builder: Engine, host: Host): Way {
  const carrier = createCarrier([{ name: "the builder", engine: async () => builder }], systemClock);
  const info = host.engine.info();
  const to = { name: host.name, engine: host.engine, info: () => info, remote: true };
  const options = { signal: new AbortController().signal, log: () => undefined };
  return {
    name: "Shiplock without a registry",
    bring: async (image) => void (await carrier.carry([image], to, options)),
  };
}

function savedAndLoaded(lab: Lab, app: Project): Way {
  return {
    name: "`docker save \\| ssh host docker load`",
    bring: async ({ repository, tag }) => {
      const env = { ...app.env };
      const save = spawn("docker", ["save", `${repository}:${tag}`], { env, stdio: ["ignore", "pipe", "inherit"] });
      const load = spawn("ssh", ["-F", lab.sshConfigPath, "host-1", "docker", "load", "--quiet"], {
        stdio: ["pipe", "ignore", "inherit"],
      });
      const ended = once(load, "close");
      await pipeline(save.stdout, load.stdin);
      const [code] = (await ended) as [number];
      if (code !== 0) throw new Error(`docker load ended with ${code}`);
    },
  };
}

function pushedAndPulled(lab: Lab, builder: Engine, host: Host): Way {
  const { address, username, password } = lab.registry;
  const auth = { username, password, serverAddress: address };
  return {
    name: "push and pull by digest, the registry beside the host",
    bring: async ({ digest, tag }) => {
      const repository = `${address}/bench/app`;
      await builder.tagImage(digest, repository, tag);
      const pushed = await builder.pushImage(`${repository}:${tag}`, auth);
      await host.engine.pullImage(`${repository}@${pushed}`, auth);
    },
  };
}

async function withHost(lab: Lab, work: (host: Host) => Promise<void>): Promise<void> {
  const host = await createConnector().connect(
    { kind: "ssh", destination: "host-1", name: "host-1", sshConfig: lab.sshConfigPath },
    { connectTimeoutMs: 20_000 },
  );
  try {
    await work(host);
  } finally {
    await host.close();
  }
}

/** Bytes that the host's network card has taken in. */
async function received(lab: Lab): Promise<number> {
  const { stdout } = await lab.host("host-1").exec(["cat", "/proc/net/dev"]);
  return Number(/eth0:\s*(\d+)/.exec(stdout)?.[1] ?? Number.NaN);
}

function inWords(bytes: number): string {
  return bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
