import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseDocument } from "yaml";
import type { LabHost } from "../../test/lab/host.ts";
import { ask } from "./ask.ts";
import { type Backing, backingOf, changesOf } from "./backing.ts";
import { type Machine, shiplock } from "./commands.ts";
import { DemoFailed } from "./failure.ts";
import { type OrdersReport, startCustomers } from "./orders.ts";
import type { Paper } from "./paper.ts";
import type { Stage } from "./stage.ts";
import { judgeTraffic, startTraffic } from "./traffic.ts";

const staging = { hostName: "staging.shop.example.com", publishedPort: 3001 };
const production = { hostName: "shop.example.com", publishedPort: 3000 };
const backingServices = ["db", "redis"];

/**
 * The main job: a shop goes to staging and to production, gets better, gets worse, and goes back, while visitors are in it.
 * @throws DemoFailed when a command ends as it should not, a request or an order is lost, or a backing service was touched
 */
export async function tellStory(stage: Stage, paper: Paper, signal: AbortSignal): Promise<void> {
  const { lab, ada, program } = stage;
  const run = (machine: Machine, args: readonly string[], wanted = 0): Promise<string> =>
    shiplock(machine, args, { program, paper, signal }, wanted);
  const grace = await stage.machineOf("grace");

  /** Ada asks for something that Grace has to approve; it goes on in Ada's terminal once she did, in hers. */
  async function approved(args: readonly string[], comment: string, wanted = 0): Promise<void> {
    const waits = Promise.withResolvers<string>();
    const onLine = (line: string): void => {
      const found = /^waiting \((d-[0-9a-f]+)\)/.exec(line)?.[1];
      if (found !== undefined) waits.resolve(found);
    };
    const asked = shiplock(ada, args, { program, paper, signal, onLine }, wanted);
    const first = await Promise.race([waits.promise, asked.then(() => null)]);
    if (first === null) throw new DemoFailed(`\`shiplock ${args.join(" ")}\` asked nobody`);
    const answers = run(grace, ["approve", "production", first, "--comment", comment]);
    await Promise.all([asked, answers]);
  }
  const [first] = lab.hosts;
  if (first === undefined) throw new Error("the lab has no host");

  paper.chapter("Is everything there?");
  await run(ada, ["doctor"]);

  paper.chapter("Nobody deploys what was not checked");
  await run(ada, ["deploy", "staging", "--ref", "v1"], 3);
  await run(ada, ["check", "--ref", "v1"]);

  paper.chapter("Version 1 goes to staging");
  await run(ada, ["deploy", "staging", "--ref", "v1"]);
  await show([first], staging.hostName, "1.0.0", paper);
  await run(ada, ["status"]);

  paper.chapter(
    "Staging is promoted to production, on two hosts: Grace has to approve it, and does, in another terminal",
  );
  await approved(["promote", "staging", "production"], "seen on staging");
  await show(lab.hosts, production.hostName, "1.0.0", paper);
  const backing = await backingOf(lab.hosts, backingServices);

  paper.chapter("The shop opens: visitors come, and two orders a second");
  await warmUp(lab.hosts);
  await using traffic = startTraffic(lab.hosts, production, "1.0.0", paper);
  const customers = startCustomers(
    lab.hosts.map((host) => host.address),
    production.hostName,
  );
  try {
    paper.say("They stay until the end. Each request is sent once; one without its right answer counts as lost.");

    paper.chapter("Version 2, with a new column in the database, goes to staging from Ada's branch");
    await traffic.during("version 2 to staging", ["1.0.0"], () =>
      run(ada, ["deploy", "staging", "--ref", "feature/stock", "--check"]),
    );
    paper.say("Staging is that branch's now: what CI deploys from main leaves it alone, and that is no failure.");
    await run(ada, ["deploy", "staging", "--ref", "main", "--automatic"]);
    await show([first], staging.hostName, "2.0.0", paper);

    paper.chapter("It is promoted");
    await traffic.during("promotion of version 2", ["1.0.0", "2.0.0"], () =>
      approved(["promote", "staging", "production"], "the stock is right"),
    );
    await show(lab.hosts, production.hostName, "2.0.0", paper);

    paper.chapter("A version that passes its checks, starts, and then answers 500 on its health path, is refused");
    await traffic.during("broken version refused", ["2.0.0"], () =>
      approved(["deploy", "production", "--ref", "broken-health", "--check"], "it passed its checks", 1),
    );
    paper.chapter("One whose tests fail is not even built");
    await run(ada, ["deploy", "staging", "--ref", "broken-exit", "--check"], 1);
    await show([first], staging.hostName, "2.0.0", paper);

    paper.chapter("A freeze: nothing new goes to production, whoever asks");
    await freeze([ada, grace], paper);
    await run(ada, ["deploy", "production", "--ref", "v5"], 3);

    paper.chapter("But the way back is open: Grace rolls production back, from another machine that has only a clone");
    await traffic.during("rollback", ["2.0.0", "1.0.0"], () =>
      run(grace, ["rollback", "production", "--reason", "the stock is wrong"]),
    );
    await show(lab.hosts, production.hostName, "1.0.0", paper);

    paper.chapter("What happened");
    await run(grace, ["status"]);
    await run(grace, ["history"]);
    await run(grace, ["diff", "staging", "production"]);

    paper.chapter("What was lost");
    signal.throwIfAborted();
    const orders = await customers.stop();
    judgeTraffic(await traffic.stop(), paper);
    judgeOrders(orders, paper);
    judgeBacking(backing, await backingOf(lab.hosts, backingServices), paper);
  } finally {
    // After a failure there is nothing left to wait for; what was ordered goes down with the lab.
    customers.close();
  }
}

/** The holidays begin: everybody has them in the configuration. */
async function freeze(machines: readonly Machine[], paper: Paper): Promise<void> {
  const day = (away: number): string => new Date(Date.now() + away * 86_400_000).toISOString().slice(0, 10);
  for (const { folder } of machines) {
    const path = join(folder, "shiplock.yml");
    const written = parseDocument(await readFile(path, "utf8"));
    written.set("freeze", [{ from: day(-1), until: day(10), reason: "the holidays" }]);
    await writeFile(path, written.toString());
  }
  paper.say(`shiplock.yml says by now: freeze: [{ from: ${day(-1)}, until: ${day(10)}, reason: the holidays }]`);
}

/** One look at the public address, on each of these hosts. */
async function show(hosts: readonly LabHost[], hostName: string, version: string, paper: Paper): Promise<void> {
  paper.output("");
  for (const { name, address } of hosts) {
    const answer = await ask({ address, hostName, path: "/api/products" });
    const good = answer.status === 200 && answer.version === version;
    const said = `http://${hostName}/api/products on ${name} answers ${answer.status}, version ${answer.version ?? "unknown"}`;
    paper.verdict(good, said);
    if (!good) throw new DemoFailed(`${said}, and should be ${version}: ${answer.body.slice(0, 300)}`);
  }
}

/** The first pages of a fresh server take seconds on a busy machine; the crowd comes after them. */
async function warmUp(hosts: readonly LabHost[]): Promise<void> {
  for (const { address } of hosts) {
    for (let visit = 1; visit <= 5; visit += 1) {
      await ask({ address, hostName: production.hostName, path: "/", timeoutMs: 60_000 });
    }
  }
}

function judgeOrders({ placed, refused, unshipped }: OrdersReport, paper: Paper): void {
  const good = refused.length === 0 && unshipped === 0;
  paper.verdict(good, `${placed} orders, ${refused.length} refused, ${unshipped} not packed by a worker`);
  if (!good) throw new DemoFailed(["orders were lost", ...refused].join("\n"));
}

function judgeBacking(before: Backing, after: Backing, paper: Paper): void {
  const changes = changesOf(before, after);
  const count = Object.keys(before).length;
  paper.verdict(changes.length === 0, `databases and queues: the same ${count} containers since their first start`);
  if (changes.length > 0) throw new DemoFailed(["backing services were touched", ...changes].join("\n"));
}
