import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { runDeployment } from "../../src/deploy/deployment.ts";
import type { DeploymentRequest } from "../../src/deploy/request.ts";
import { parseLine } from "../../src/environments/audit/chain.ts";
import { changeRequests } from "../../src/environments/record/change-state.ts";
import { openReviews } from "../../src/environments/emergency/reviews.ts";
import { type Deployer, startDeployer } from "../fakes/deployer.ts";
import { recordOf } from "../fakes/look.ts";
import { shop } from "../fakes/shop.ts";
import { openSocketFleet, type SocketFleet } from "../fakes/socket-fleet.ts";
import { createWorld, type World } from "../fakes/world.ts";

const [one, two, three] = [shop("v1"), shop("v2"), shop("v3")] as const;
const hour = 3_600_000;

describe("an emergency", () => {
  let fleet: SocketFleet;
  before(async () => {
    fleet = await openSocketFleet();
  });
  after(() => fleet.close());

  function emergency(deployer: Deployer, change: Partial<DeploymentRequest> = {}): DeploymentRequest {
    const asked = deployer.request(two);
    return {
      ...asked,
      options: { ...asked.options, emergency: "the shop is down", overrideFreeze: "the shop is down" },
      reviewWithinMs: 2 * hour,
      judge: async () => ({
        ...{ at: "", answer: "pass" },
        decisions: [{ gate: "freeze", answer: "pass", reason: "overridden (the shop is down)", overridden: true }],
        passedByEmergency: [{ gate: "reviewers", answer: "block", reason: "nobody has approved", remedy: "wait" }],
      }),
      ...change,
    };
  }

  async function run(world: World, deployer: Deployer, request: DeploymentRequest) {
    const signal = new AbortController().signal;
    const { session, events } = deployer;
    return runDeployment(request, { session, clock: world.clock, signal, tell: (event) => void events.push(event) });
  }

  it("stands in the record with the gates it passed from the moment it begins, is told at once, and asks for a review", async () => {
    const world = createWorld(fleet, [one, two]);
    const deployer = await startDeployer(world);
    const begun = world.clock.milliseconds;
    const outcome = await run(world, deployer, emergency(deployer));
    assert.equal(outcome.state, "succeeded");
    const record = await recordOf(world);
    assert.ok(record !== null);
    const [review] = openReviews(record.state);
    assert.deepEqual(
      [review?.deployment, review?.by.name, review?.reason, review?.passed],
      ["d-2", "ada", "the shop is down", [{ gate: "reviewers", reason: "nobody has approved" }]],
    );
    const due = Date.parse(review?.dueBy ?? "") - 2 * hour;
    assert.ok(due >= begun && due <= world.clock.milliseconds);

    const kinds = deployer.events.map(({ kind }) => kind);
    assert.ok(kinds.includes("freeze-overridden"));
    assert.ok(kinds.indexOf("emergency") < kinds.indexOf("step"), "told before the first step");
    const log = (await deployer.session.audit.read()).lines.map((line) => parseLine(line));
    assert.deepEqual(
      log.map((entry) => entry?.action),
      ["began", "freeze-overridden", "emergency", "went-live", "ended"],
    );
    assert.deepEqual(log[2]?.details["passed"], ["reviewers: nobody has approved"]);
    await deployer.close();
  });

  it("a freeze that is overridden on a day without one is told to nobody: there was none", async () => {
    const world = createWorld(fleet, [one, two]);
    const deployer = await startDeployer(world);
    const calm = emergency(deployer, {
      judge: async () => ({
        ...{ at: "", answer: "pass", passedByEmergency: [] },
        decisions: [{ gate: "freeze", answer: "pass", reason: "no freeze now" }],
      }),
    });
    assert.equal((await run(world, deployer, calm)).state, "succeeded");
    assert.ok(!deployer.events.some(({ kind }) => kind === "freeze-overridden"));
    const log = (await deployer.session.audit.read()).lines.map((line) => parseLine(line)?.action);
    assert.deepEqual(log, ["began", "emergency", "went-live", "ended"]);
    await deployer.close();
  });

  it("is in the record also where the deployment fails, and every later deployment says that nobody has looked at it", async () => {
    const world = createWorld(fleet, [one, two, three]);
    const first = await startDeployer(world);
    await first.deploy(one, { deployment: "d-1" });
    world.behaviours.set(two.release.id, { exitsAtOnce: true });
    assert.equal((await run(world, first, emergency(first))).state, "rolled-back");
    await first.close();
    const later = await startDeployer(world);
    const { plan } = await later.deploy(three, { deployment: "d-3" });
    assert.match(
      plan.notes.join(),
      /the emergency d-2 of r-v2 by ada .*waits for a review.*shiplock review production d-2/,
    );
    await later.close();
  });

  it("the readiness checklist is kept with the deployment: in the plan, so that every machine can read what it was begun with", async () => {
    const world = createWorld(fleet, [one, two]);
    const deployer = await startDeployer(world);
    await deployer.deploy(one, { deployment: "d-1" });
    const outcome = await run(world, deployer, emergency(deployer));
    const rows = (await deployer.session.record.readPlan("d-2"))?.checklist ?? [];
    assert.deepEqual(rows, outcome.plan?.checklist);
    const row = (item: string): string => {
      const found = rows.find((each) => each.item === item);
      return `${found?.state}: ${found?.text}`;
    };
    assert.equal(row("approvals"), "passed-by-emergency: nobody has approved");
    assert.equal(row("drift"), "ok: what runs is what is recorded");
    assert.match(row("health"), /^ok: \d+ containers of what is live run, none unhealthy$/);
    assert.equal(row("way back"), "ok: r-v1, whose images are on the hosts");
    await deployer.close();
  });

  it("a hold that is taken over is told with whose it is, and stands in the audit log; where nobody holds it, nothing is taken over", async () => {
    const world = createWorld(fleet, [one, two]);
    const deployer = await startDeployer(world);
    const asked = deployer.request(two);
    const by = { ...asked.asker, name: "grace" };
    const hold = { by, since: "s", until: null, reason: "demo", takenFrom: null };
    await changeRequests(deployer.session.record, asked, (state) => ({ ...state, hold }));
    const taking = { ...asked, options: { ...asked.options, takeOver: true } };
    const outcome = await run(world, deployer, {
      ...taking,
      judge: async () => ({
        ...{ at: "", answer: "pass", passedByEmergency: [] },
        decisions: [{ gate: "hold", answer: "pass", reason: "takes over", overridden: true }],
      }),
    });
    assert.equal(outcome.state, "succeeded");
    await changeRequests(deployer.session.record, asked, (state) => ({ ...state, hold: null }));
    await run(world, deployer, { ...taking, deployment: "d-3" });
    assert.deepEqual(
      deployer.events.flatMap((event) =>
        event.kind === "hold-taken-over" ? [[event.deployment, event.hold.by.name]] : [],
      ),
      [["d-2", "grace"]],
    );
    const log = (await deployer.session.audit.read()).lines.map((line) => parseLine(line)?.action);
    assert.deepEqual(log, [
      "held",
      "began",
      "hold-taken-over",
      "went-live",
      "ended",
      "unheld",
      "began",
      "went-live",
      "ended",
    ]);
    await deployer.close();
  });

  it("the stopped containers of a release that was made live twice are not taken for an illness of it", async () => {
    const world = createWorld(fleet, [one, two]);
    const deployer = await startDeployer(world);
    for (const deployment of ["d-1", "d-2"]) await deployer.deploy(one, { deployment });
    await deployer.deploy(two, { deployment: "d-3" });
    const rows = (await deployer.session.record.readPlan("d-3"))?.checklist ?? [];
    assert.match(
      rows.find(({ item }) => item === "health")?.text ?? "",
      /^\d+ containers of what is live run, none unhealthy$/,
    );
    await deployer.close();
  });

  it("a deployment that is none leaves no review, and tells of none", async () => {
    const world = createWorld(fleet, [one]);
    const deployer = await startDeployer(world);
    await deployer.deploy(one);
    assert.deepEqual((await recordOf(world))?.state.reviews, []);
    assert.ok(!deployer.events.some(({ kind }) => kind === "emergency" || kind === "freeze-overridden"));
    await deployer.close();
  });
});
