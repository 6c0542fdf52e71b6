import { Command, InvalidArgumentError } from "commander";
import { join } from "node:path";
import { formatLocation, messageOf, ShiplockError } from "../../src/errors.ts";
import { boxNamed } from "./host.ts";
import { ensureBaseImages } from "./images/base-images.ts";
import { findLab, startLab, stopLab } from "./lab.ts";
import { isAlive } from "./process.ts";
import { allRecords, labPaths, labRoot } from "./record.ts";

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

// Whoever reads may have heard enough (`| head`); what was started stays started.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

function hostCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new InvalidArgumentError("a number of hosts, at least 1");
}

async function start(options: { hosts: number; name: string; images?: true }): Promise<void> {
  const lab = await startLab({ hosts: options.hosts, name: options.name, log: say });
  const cacheDir = join(labRoot(), "cache");
  // One engine after the other: the first fills the cache.
  for (const socketPath of options.images === true
    ? [lab.runnerSocket, ...lab.hosts.map((host) => host.socketPath)]
    : [])
    await ensureBaseImages({ socketPath, cacheDir, log: say });
  say("");
  for (const host of lab.hosts) say(`  ssh -F ${lab.sshConfigPath} ${host.name}      # engine: ${host.socketPath}`);
  say(`  registry ${lab.registry.address}, user ${lab.registry.username}, password ${lab.registry.password}`);
  say(`  runner engine: ${lab.runnerSocket}`);
}

async function stop(options: { name: string; all?: true; purge?: true }): Promise<void> {
  const names = options.all === true ? allRecords().map((record) => record.name) : [options.name];
  for (const name of names) {
    const stopped = await stopLab({ name, log: say, purge: options.purge === true });
    say(stopped ? `lab "${name}" is stopped` : `lab "${name}" was not up`);
  }
}

function status(): void {
  const records = allRecords();
  if (records.length === 0) say(`no lab has been started under ${labRoot()}`);
  for (const { name } of records) {
    const lab = findLab({ name });
    say(
      lab === undefined ? `${name}: not up` : `${name}: registry ${lab.registry.address}, runner ${lab.runnerSocket}`,
    );
    for (const host of lab?.hosts ?? []) {
      const box = boxNamed(labPaths(name), host.name);
      const engine = box.engine !== undefined && isAlive(box.engine) ? "engine runs" : "engine does not run";
      say(`  ${host.name} ${host.address}: ${box.init !== undefined && isAlive(box.init) ? engine : "switched off"}`);
    }
  }
}

function fail(error: unknown): void {
  process.exitCode = 1;
  process.stderr.write(`${messageOf(error)}\n`);
  if (!(error instanceof ShiplockError)) return;
  if (error.where !== undefined) process.stderr.write(`  where: ${formatLocation(error.where)}\n`);
  if (error.remedy !== undefined) process.stderr.write(`  ${error.remedy}\n`);
}

const program = new Command("lab").description(
  "Hosts in a box: servers with sshd and a Docker Engine each, on this machine.",
);
program
  .command("start")
  .description("bring the lab up, or say that it is up already")
  .option("--hosts <count>", "how many hosts", hostCount, 2)
  .option("--name <name>", "which lab", "default")
  .option(
    "--images",
    "with caddy:2, node:24-slim, postgres:17, python:3.13-slim and redis:8 on every engine (minutes the first time)",
  )
  .action(start);
program
  .command("stop")
  .description("end everything the lab started; images and volumes stay for the next start")
  .option("--name <name>", "which lab", "default")
  .option("--all", "every lab of this machine")
  .option("--purge", "delete its images, volumes and keys, too")
  .action(stop);
program.command("status").description("what is up").action(status);
program.parseAsync().catch(fail);
