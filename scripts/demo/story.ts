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

  paper.chapter("Staging is promoted to production, on two hosts");
  await run(ada, ["promote", "staging", "production"]);
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

    paper.chapter("Version 2, with a new column in the database, goes to staging and is promoted");
    await traffic.during("version 2 to staging", ["1.0.0"], () =>
      run(ada, ["deploy", "staging", "--ref", "v2", "--check"]),
    );
    await traffic.during("promotion of version 2", ["1.0.0", "2.0.0"], () =>
      run(ada, ["promote", "staging", "production"]),
    );
    await show(lab.hosts, production.hostName, "2.0.0", paper);

    paper.chapter("A version that passes its checks, starts, and then answers 500 on its health path, is refused");
    await traffic.during("broken version refused", ["2.0.0"], () =>
      run(ada, ["deploy", "production", "--ref", "broken-health", "--check"], 1),
    );
    paper.chapter("One whose tests fail is not even built");
    await run(ada, ["deploy", "staging", "--ref", "broken-exit", "--check"], 1);
    await show([first], staging.hostName, "2.0.0", paper);

    paper.chapter("Grace rolls production back, from another machine that has only a clone");
    const grace = await stage.machineOf("grace");
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
