import { rmSync } from "node:fs";
import { constants } from "node:os";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { messageOf, ShiplockError } from "../src/errors.ts";
import { stopLab } from "../test/lab/lab.ts";
import { labPaths, withLock } from "../test/lab/record.ts";
import { DemoFailed } from "./demo/failure.ts";
import { createPaper, type Paper } from "./demo/paper.ts";
import { type Stage, setStage, stageFolder, labName } from "./demo/stage.ts";
import { tellStory } from "./demo/story.ts";

const usage = `usage: npm run demo [-- --keep]

Shows Shiplock's main job on the example shop, on two hosts in a box on this machine.
  --keep   leave everything up, and say where to look`;

const started = performance.now();
const paper = createPaper(process.stdout);
const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    if (interrupt.signal.aborted) return;
    paper.say(`\n   ${signal}: stopping, and taking everything down`);
    interrupt.abort(signal);
  });
}
// Whoever reads may have heard enough (`| head`): then nobody watches, and everything is taken down.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  interrupt.abort("SIGHUP");
});

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  const keep = optionsOf(argv);
  if (keep === undefined) {
    process.stderr.write(`${usage}\n`);
    return 2;
  }
  try {
    // Two demos would reset each other's hosts.
    return await withLock(`${labPaths(labName).root}/demo-run.lock`, 1000, () => demo(keep));
  } catch (error) {
    return tellError(error);
  }
}

function optionsOf(argv: readonly string[]): boolean | undefined {
  try {
    return parseArgs({ args: [...argv], options: { keep: { type: "boolean" } } }).values.keep === true;
  } catch {
    // The usage says what there is.
    return undefined;
  }
}

async function demo(keep: boolean): Promise<number> {
  let stays = false;
  try {
    paper.say("Shiplock's main job on a shop (examples/shop), with two hosts in a box.");
    const stage = await setStage(paper, interrupt.signal);
    const ready = performance.now();
    paper.aside(`the stage is set (${elapsed(started, ready)})`);
    await tellStory(stage, paper, interrupt.signal);
    paper.say("");
    paper.say(`Done in ${elapsed(ready)}, after ${elapsed(started, ready)} of preparation.`);
    stays = keep;
    if (keep) tellWhereToLook(stage, paper);
    return 0;
  } catch (error) {
    return tellError(error);
  } finally {
    if (!stays) await takeDown();
  }
}

async function takeDown(): Promise<void> {
  await stopLab({ name: labName });
  rmSync(stageFolder(), { recursive: true, force: true });
  paper.aside("the lab is stopped; nothing runs any more");
}

function tellError(error: unknown): number {
  if (interrupt.signal.aborted) {
    const name = interrupt.signal.reason === "SIGINT" ? "SIGINT" : "SIGTERM";
    return 128 + constants.signals[name];
  }
  process.stderr.write(`\nThe demo failed: ${messageOf(error)}\n`);
  if (error instanceof ShiplockError && error.remedy !== undefined) process.stderr.write(`  ${error.remedy}\n`);
  if (!(error instanceof ShiplockError || error instanceof DemoFailed) && error instanceof Error)
    process.stderr.write(`${error.stack ?? ""}\n`);
  return 1;
}

function tellWhereToLook({ lab, ada, program }: Stage, to: Paper): void {
  const [first] = lab.hosts;
  if (first === undefined) return;
  const set = [
    "PATH",
    "SHIPLOCK_SSH_CONFIG",
    "SHIPLOCK_LEDGER",
    "DOCKER_HOST",
    "REGISTRY_PASSWORD",
    "POSTGRES_PASSWORD",
  ];
  const lines = [
    "",
    "It stays up (--keep). Where to look:",
    ...lab.hosts.map(({ name, address }) => `  production on ${name}    http://${address}:3000/`),
    `  staging on ${first.name}       http://${first.address}:3001/`,
    `  through the proxy       curl -H 'Host: shop.example.com' http://${first.address}/`,
    `  on a host               ssh -F ${lab.sshConfigPath} ${first.name}`,
    "                          cd ~/.shiplock/environments/shop-production && docker compose ps",
    `  the repository          ${ada.folder}`,
    "  shiplock there          with these variables (the passwords are thrown away with the lab):",
    ...set.map(
      (name) => `    export ${name}=${name === "PATH" ? `${dirname(process.execPath)}:$PATH` : (ada.env[name] ?? "")}`,
    ),
    `    cd ${ada.folder} && node ${program} status`,
    "How to stop it:",
    `  npm run lab -- stop --name ${labName}            add --purge to delete its images, too`,
  ];
  for (const line of lines) to.say(line);
}

function elapsed(from: number, to: number = performance.now()): string {
  const seconds = Math.round((to - from) / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
