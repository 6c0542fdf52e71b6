// One command, a table: how long a warm redeployment takes, and what is lost meanwhile, against the engine's own work and against the
// hand-written script. Medians; all in one run, since machines differ. `npm run bench -- --quick` takes fewer rounds, `--shipping` and `--pipeline`
// measure only how images are brought, and only checks and builds.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { startE2eLab, stopE2eLab } from "../test/e2e/support/lab.ts";
import { createProject, type Project } from "../test/e2e/support/project.ts";
import type { Lab } from "../test/lab/lab.ts";
import { must } from "../test/lab/process.ts";
import { lossesOf, startLoad } from "../test/load/client.ts";
import { checkAndBuild } from "./pipeline.ts";
import { shipping } from "./shipping.ts";
import { type BuiltImage, connection, deployByHand, floor, type Timing, watchVersion } from "./contenders.ts";

const quick = process.argv.includes("--quick");
const rounds = quick ? 3 : 5;
/** `--hosts 1,8` measures these numbers of hosts and nothing else. */
const wantedHosts = process.argv.includes("--hosts")
  ? (process.argv[process.argv.indexOf("--hosts") + 1] ?? "")
  : undefined;
const hostCounts = wantedHosts?.split(",").map(Number) ?? (quick ? [1, 2] : [1, 2, 4, 8]);
const roundTrips = quick ? [0] : [0, 20, 80];
const root = join(import.meta.dirname, "..");
const program = join(root, "dist/shiplock.js");
process.env["SHIPLOCK_E2E_PROGRAM"] = program;

// What is measured is what users install.
await must([process.execPath, join(root, "scripts/build.ts")], { cwd: root, timeoutMs: 180_000 });

const lines: string[] = [];
const say = (text = ""): void => {
  process.stdout.write(`${text}\n`);
  lines.push(text);
};

say(
  `${cpus().length} cores (${cpus()[0]?.model ?? "unknown"}), ${Math.round(totalmem() / 1024 ** 3)} GB, Node ${process.versions.node}; an application that is ready 300 ms after its start, one small layer changed; medians of ${rounds}, of 3 with an added round trip and for several hosts`,
);
say();
for (const part of wantedParts()) {
  await part();
  say();
}
writeFileSync(join(root, "test-results/bench.md"), `${lines.join("\n")}\n`);

function wantedParts(): readonly (() => unknown)[] {
  const bring = () => shipping(say, quick ? 1 : 3);
  const pipeline = () => checkAndBuild(say, program);
  const named = [
    ...(process.argv.includes("--shipping") ? [bring] : []),
    ...(process.argv.includes("--pipeline") ? [pipeline] : []),
    ...(wantedHosts === undefined ? [] : [manyHosts]),
  ];
  if (named.length > 0) return named;
  return [startUp, oneHost, manyHosts, ...(quick ? [] : [bring, pipeline])];
}

function startUp(): void {
  const time = (args: readonly string[]): number => {
    const began = performance.now();
    spawnSync(process.execPath, [...args], { stdio: "ignore" });
    return performance.now() - began;
  };
  const bare = median(repeat(15, () => time(["-e", "0"])));
  const help = median(repeat(15, () => time([program, "--help"])));
  say("| start-up | ms | against bare Node |");
  say("|---|---|---|");
  say(`| \`node -e 0\` | ${Math.round(bare)} | 1.0 |`);
  say(`| \`shiplock --help\` | ${Math.round(help)} | ${(help / bare).toFixed(1)} |`);
  say();
}

async function oneHost(): Promise<void> {
  const { lab, app } = await prepare(1);
  try {
    say("| one host | round trip | whole command | first answer of the new release | lost at 200/s |");
    say("|---|---|---|---|---|");
    for (const roundTrip of roundTrips) {
      const how = roundTrip === 0 ? "none" : await lab.delayNetwork(lab.host("host-1"), roundTrip);
      const times = roundTrip === 0 ? rounds : 3;
      const base = await measure(times, (round) => floor(lab, app, `${roundTrip}-${round}`));
      const link = median(await repeatAsync(5, () => connection(lab)));
      row("floor: the same engine calls by hand, connection open", roundTrip, base, base);
      say(`| one SSH connection | +${roundTrip} ms | ${seconds(link)} | – | – |`);
      const alone = await measure(times, (round) => deploy(lab, app, `${roundTrip}-${round}`, "staging", false));
      row("`shiplock deploy`, no load", roundTrip, alone, base, link);
      const loaded = await measure(times, (round) => deploy(lab, app, `${roundTrip}-${round}-loaded`));
      row("`shiplock deploy`, under load", roundTrip, loaded, base, link);
      if (roundTrip === 0) {
        row("`shiplock rollback`", roundTrip, await measure(rounds, (round) => rollback(lab, app, round)), base);
        row(
          "`ssh host 'docker compose pull && docker compose up -d'`, then `curl -f`",
          roundTrip,
          await measure(rounds, (round) => deployByHand(lab, app, `${round}`)),
          base,
        );
      } else say(`| (delay by ${how}) | | | | |`);
      if (roundTrip !== 0) await lab.delayNetwork(lab.host("host-1"), 0);
    }
    const status = median(await repeatAsync(5, async () => (await app.must(["status", "staging"])).milliseconds));
    say();
    say(`\`shiplock status\` of one environment: ${Math.round(status)} ms, one SSH connection included.`);
    say();
  } finally {
    await app[Symbol.asyncDispose]();
    await stopE2eLab(lab);
  }
}

async function manyHosts(): Promise<void> {
  say("| hosts | `shiplock deploy` | against 1 host | floor on all hosts at once | against 1 host |");
  say("|---|---|---|---|---|");
  let first: { deploy: number; floor: number } | null = null;
  for (const count of hostCounts) {
    const { lab, app } = await prepare(count);
    try {
      const deploying = await measure(3, (round) => deploy(lab, app, `many-${count}-${round}`, "production", false));
      const base = await measure(3, (round) => floor(lab, app, `many-${count}-${round}`, lab.hosts));
      const figures = { deploy: deploying.whole, floor: base.whole };
      first ??= figures;
      say(
        `| ${count} | ${seconds(figures.deploy)} | ${(figures.deploy / first.deploy).toFixed(1)} | ${seconds(figures.floor)} | ${(figures.floor / first.floor).toFixed(1)} |`,
      );
    } finally {
      await app[Symbol.asyncDispose]();
      await stopE2eLab(lab);
    }
  }
}

async function prepare(hosts: number): Promise<{ lab: Lab; app: Project }> {
  const lab = await startE2eLab({ name: "bench", hosts });
  const app = await createProject(lab, { first: { version: "v0", startDelayMs: 300 } });
  await app.must(["deploy", hosts === 1 ? "staging" : "production"]);
  return { lab, app };
}

/** A commit whose images are built and pushed already; what is timed is the command from its start to its end. */
async function deploy(
  lab: Lab,
  app: Project,
  round: string,
  environment = hostsOf(lab),
  withLoad = true,
): Promise<Timing> {
  const version = `d-${round}`;
  await app.commitVersion(version, { startDelayMs: 300 });
  await app.must(["build", environment]);
  return underLoad(lab, app, withLoad, () =>
    watchVersion(lab, app, environment, version, async () => (await app.must(["deploy", environment])).milliseconds),
  );
}

async function rollback(lab: Lab, app: Project, round: number): Promise<Timing> {
  await app.commitVersion(`r-${round}`, { startDelayMs: 300 });
  await app.must(["deploy", "staging"]);
  return underLoad(lab, app, true, async () => ({
    whole: (await app.must(["rollback", "staging"])).milliseconds,
    first: Number.NaN,
    lost: 0,
  }));
}

async function underLoad(lab: Lab, app: Project, wanted: boolean, work: () => Promise<Timing>): Promise<Timing> {
  if (!wanted) return work();
  const load = startLoad({
    targets: [{ name: "edge", url: `http://${lab.host("host-1").address}/`, host: app.address("staging") }],
    webSockets: 0,
    mix: { "keep-alive-get": 2, "keep-alive-post": 2, "fresh-get": 1, "fresh-post": 1 },
  });
  await load.waitFor((now) => now.ok > 100, 15_000);
  const timing = await work();
  const report = await load.stop();
  return { ...timing, lost: lossesOf(report).reduce((sum, loss) => sum + loss.count, 0) };
}

function hostsOf(lab: Lab): string {
  return lab.hosts.length === 1 ? "staging" : "production";
}

async function measure(count: number, work: (round: number) => Promise<Timing>): Promise<Timing> {
  const timings: Timing[] = [];
  for (let round = 0; round < count; round += 1) timings.push(await work(round));
  return {
    whole: median(timings.map((timing) => timing.whole)),
    first: median(timings.map((timing) => timing.first)),
    lost: timings.reduce((sum, timing) => sum + timing.lost, 0),
  };
}

/** @param link milliseconds of one SSH connection, which the aim allows beside the floor */
function row(name: string, roundTrip: number, timing: Timing, base: Timing, link?: number): void {
  const times = (milliseconds: number): string => `${(milliseconds / base.whole).toFixed(2)} × floor`;
  const beside = link === undefined ? "" : `; without a connection ${times(timing.whole - link)}`;
  const ratio = timing === base ? "" : ` (${times(timing.whole)}${beside})`;
  const first = Number.isNaN(timing.first) ? "–" : seconds(timing.first);
  say(
    `| ${name} | +${roundTrip} ms | ${seconds(timing.whole)}${ratio} | ${first} | ${timing === base ? "–" : timing.lost} |`,
  );
}

function repeat<T>(count: number, work: () => T): T[] {
  return Array.from({ length: count }, work);
}

async function repeatAsync<T>(count: number, work: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let round = 0; round < count; round += 1) results.push(await work());
  return results;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}

export type { BuiltImage };
