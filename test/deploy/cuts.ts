import { createHash } from "node:crypto";
import assert from "node:assert/strict";
import type { DeploymentOutcome } from "../../src/deploy/request.ts";
import type { StrategyOptions } from "../../src/deploy/strategies/types.ts";
import type { EnvironmentState } from "../../src/environments/record/types.ts";
import { ShiplockError } from "../../src/errors.ts";
import type { FakeCall } from "../../src/hosts/fake.ts";
import type { FakeNode } from "../../src/hosts/fake-files.ts";
import type { ReleaseDocument } from "../../src/release/types.ts";
import { type Deployer, startDeployer } from "../fakes/deployer.ts";
import { hostProblems, recordOf, recordReader, servingProblems, visitProblems } from "../fakes/look.ts";
import type { SocketFleet } from "../fakes/socket-fleet.ts";
import { folder } from "../fakes/shop.ts";
import { changes, createWorld, restore, save, type World, type WorldSnapshot } from "../fakes/world.ts";

/** One way of changing what is live, to be cut everywhere. */
export type Variant = {
  strategy: StrategyOptions;
  /** Releases that were deployed before, the live one last. */
  history: readonly [ReleaseDocument, ...ReleaseDocument[]];
  after: ReleaseDocument;
  /** `after` is gone back to, instead of being deployed. */
  rollback?: boolean;
  /** Replicas that must answer at every instant, by service; empty where the user chose a gap. */
  atLeast: Readonly<Record<string, number>>;
  direct?: boolean;
};

/** The hosts as they are at one instant of a deployment, when its deployer is killed there. */
export type Cut = { where: string; snapshot: WorldSnapshot };

/** The release that is live when the variant begins. */
export function liveOf(variant: Variant): ReleaseDocument {
  return variant.history.at(-1) ?? variant.history[0];
}

/** A world in which the variant's earlier releases were deployed one after another. */
export async function firstLive(fleet: SocketFleet, variant: Variant): Promise<WorldSnapshot> {
  const world = createWorld(fleet, [...variant.history, variant.after]);
  for (const [index, document] of variant.history.entries()) {
    const deployer = await startDeployer(world);
    const outcome = await deployer.deploy(document, { deployment: `d-1${index}`, strategy: variant.strategy });
    await deployer.close();
    assert.equal(outcome.state, "succeeded", String(outcome.error?.stack));
    // Requests that were left on their way have ended long ago.
    world.clock.milliseconds += 60_000;
  }
  return save(world);
}

/** The variant's own deployment. */
export function begin(deployer: Deployer, variant: Variant): Promise<DeploymentOutcome> {
  if (variant.rollback === true) return deployer.rollback(null, { strategy: variant.strategy });
  return deployer.deploy(variant.after, { strategy: variant.strategy });
}

/**
 * Does something once and keeps what the hosts hold before and after each of its calls, and in the middle of those that a host does piece by piece. States that
 * are the same are kept once: whoever comes afterwards cannot tell them apart.
 */
export async function everyCut(
  fleet: SocketFleet,
  variant: Variant,
  from: WorldSnapshot,
  act: (deployer: Deployer) => Promise<DeploymentOutcome | null>,
): Promise<{ calls: number; cuts: Cut[]; world: World; outcome: DeploymentOutcome | null }> {
  const world = restore(fleet, [...variant.history, variant.after], from);
  const deployer = await startDeployer(world);
  const cuts = new Map<string, Cut>();
  const complaints: string[] = [];
  let calls = 0;
  world.onCall = (call) => {
    if (call.phase === "before") calls += 1;
    keep(call.phase === "before" ? "before" : "after", call, save(world));
    const half = call.phase === "before" ? halfDone(world, call) : null;
    if (half !== null) keep("in the middle of", call, half);
    if (call.phase === "after" && changes(call)) complaints.push(...complaintsOf(world, variant, call));
  };
  const outcome = await act(deployer);
  world.onCall = undefined;
  await deployer.close();
  assert.deepEqual(complaints.slice(0, 5), [], "users noticed");
  return { calls, cuts: [...cuts.values()], world, outcome };

  function keep(phase: string, call: FakeCall, snapshot: WorldSnapshot): void {
    const key = fingerprint(snapshot);
    if (cuts.has(key)) return;
    cuts.set(key, { where: `${phase} call ${call.index}, ${call.name} ${brief(call)} on ${call.host}`, snapshot });
  }
}

/** Resumes from another machine, with no local state, and demands that the new release is live and nothing is left behind. */
export async function resumeAfter(fleet: SocketFleet, variant: Variant, cut: Cut): Promise<void> {
  const world = restore(fleet, [...variant.history, variant.after], cut.snapshot);
  const complaints = watch(world, variant);
  const deployer = await startDeployer(world);
  const outcome = await deployer.resume({ strategy: variant.strategy });
  await deployer.close();
  assert.deepEqual(complaints.slice(0, 5), [], `users noticed the resume, cut ${cut.where}`);
  if (outcome === null) return assertEnded(world, variant, cut.where);
  assert.equal(
    outcome.state,
    "succeeded",
    `${cut.where}: ${outcome.outcome} ${String(outcome.error?.stack)} ${outcome.error?.details.join("\n")}`,
  );
  await assertForward(world, variant, cut.where);
}

/** Aborts from another machine, and demands that everything is as it was; after the commit point it must be refused. */
export async function abortAfter(
  fleet: SocketFleet,
  variant: Variant,
  cut: Cut,
): Promise<"rolled-back" | "refused" | "nothing"> {
  const world = restore(fleet, [...variant.history, variant.after], cut.snapshot);
  const complaints = watch(world, variant);
  const committed = (await recordOf(world))?.state.operation?.committed ?? false;
  const deployer = await startDeployer(world);
  try {
    const outcome = await deployer.abort({ strategy: variant.strategy });
    if (outcome === null) {
      await assertEnded(world, variant, cut.where);
      return "nothing";
    }
    assert.equal(committed, false, `${cut.where}: aborted after the commit point`);
    assert.equal(outcome.state, "rolled-back", `${cut.where}: ${outcome.outcome} ${outcome.error?.details.join("\n")}`);
    await assertBack(world, variant, cut.where, "rolled-back");
    return "rolled-back";
  } catch (error) {
    if (!(error instanceof ShiplockError) || error.code !== "abort/committed") throw error;
    assert.equal(committed, true, `${cut.where}: refused to abort before the commit point`);
    assert.equal((await recordOf(world))?.state.live?.release, variant.after.release.id);
    return "refused";
  } finally {
    await deployer.close();
    assert.deepEqual(complaints.slice(0, 5), [], `users noticed the abort, cut ${cut.where}`);
  }
}

/** What users would complain about from now on; grows as things happen. */
export function watch(world: World, variant: Variant): string[] {
  const complaints: string[] = [];
  world.onCall = (call) => {
    if (call.phase === "after" && changes(call)) complaints.push(...complaintsOf(world, variant, call));
  };
  return complaints;
}

function complaintsOf(world: World, variant: Variant, call: FakeCall): string[] {
  if (Object.keys(variant.atLeast).length === 0) return [];
  const lost = world.losses.splice(0);
  const problems = [...servingProblems(world, variant.atLeast), ...visitProblems(world, lastingPaths(variant))];
  return [...lost, ...problems].map((problem) => `after call ${call.index} (${call.name} ${brief(call)}): ${problem}`);
}

/** Addresses that both releases have, so that they must answer at every instant. */
function lastingPaths(variant: Variant): string[] {
  const pathsOf = (document: ReleaseDocument): string[] =>
    document.snapshot.services.flatMap((service) => service.routes.map((route) => route.path));
  return pathsOf(liveOf(variant)).filter((path) => pathsOf(variant.after).includes(path));
}

/** The new release is live, everywhere and in the record, and nothing but the kept old one is left. */
export async function assertForward(world: World, variant: Variant, where: string): Promise<void> {
  const [live, left] = [variant.after, liveOf(variant)];
  const direct = variant.direct ?? false;
  assert.deepEqual(hostProblems(world, { live, kept: direct ? null : left, direct }), [], where);
  const state = (await recordOf(world))?.state;
  assert.equal(state?.live?.release, live.release.id, where);
  assert.equal(state?.operation, null, where);
  assert.deepEqual(attemptsOf(state), [["d-2", "succeeded"], ...earlierAttempts(variant)], where);
  const earlier = variant.history.map((document) => document.release.id).filter((id) => id !== live.release.id);
  assert.deepEqual(
    state?.healthy.map((entry) => entry.release),
    [live.release.id, ...earlier.reverse()],
    where,
  );
  assert.deepEqual(
    state?.withdrawn.map((entry) => entry.release),
    variant.rollback === true ? [left.release.id] : [],
    where,
  );
  assert.equal(world.migrations.get(live.release.id), 1, `${where}: the migration ran once`);
  await assertJournal(world, where);
  for (const host of world.hosts) {
    const file = world.fake.machine(host).disk.get(`${folder}/compose.yaml`);
    const text = file?.kind === "file" ? new TextDecoder().decode(file.data) : "";
    assert.ok(text.includes(live.release.id), `${where}: compose.yaml on ${host}`);
  }
}

/** The old release is live, everywhere and in the record, and nothing of the new one is left. */
export async function assertBack(world: World, variant: Variant, where: string, last: string | null): Promise<void> {
  const [live, direct] = [liveOf(variant), variant.direct ?? false];
  const kept = direct ? null : (variant.history.at(-2) ?? null);
  assert.deepEqual(hostProblems(world, { live, kept, direct }), [], where);
  const state = (await recordOf(world))?.state;
  assert.equal(state?.live?.release, live.release.id, where);
  assert.equal(state?.operation, null, where);
  assert.deepEqual(attemptsOf(state), [...(last === null ? [] : [["d-2", last]]), ...earlierAttempts(variant)], where);
  const earlier = variant.history.map((document) => document.release.id);
  assert.deepEqual(
    state?.healthy.map((entry) => entry.release),
    earlier.reverse(),
    where,
  );
  assert.ok((world.migrations.get(variant.after.release.id) ?? 0) <= 1, where);
}

function attemptsOf(state: EnvironmentState | undefined): string[][] {
  return (state?.deployments ?? []).map((entry) => [entry.deployment, entry.state]);
}

function earlierAttempts(variant: Variant): string[][] {
  return variant.history.map((_, index) => [`d-1${index}`, "succeeded"]).reverse();
}

/** There was nothing to finish: either it had not begun, or it had ended. */
async function assertEnded(world: World, variant: Variant, where: string): Promise<void> {
  const state = (await recordOf(world))?.state;
  if (state?.live?.release === variant.after.release.id) return assertForward(world, variant, where);
  const ended = state?.deployments.find((entry) => entry.deployment === "d-2")?.state ?? null;
  assert.ok(ended === null || ended === "rolled-back", `${where}: ${ended}`);
  return assertBack(world, variant, where, ended);
}

/** Whatever began is done, and nothing is said of a step that the plan does not have. */
async function assertJournal(world: World, where: string): Promise<void> {
  const record = recordReader(world);
  const [plan, entries] = await Promise.all([record.readPlan("d-2"), record.journal("d-2")]);
  const last = new Map(entries.map((entry) => [entry.step, entry.event]));
  const ids = new Set(plan?.steps.map((step) => step.id));
  assert.deepEqual(
    [...last.keys()].filter((id) => !ids.has(id)),
    [],
    where,
  );
  const open = [...last].filter(([id, event]) => event !== "done" && !id.endsWith("/close"));
  assert.deepEqual(open, [], `${where}: steps without an end in the journal`);
}

/** What a call leaves that a host carries out piece by piece: half of many links, half of a line. */
function halfDone(world: World, call: FakeCall): WorldSnapshot | null {
  if (call.name !== "files.symlinks" && call.name !== "files.append") return null;
  const whole = save(world);
  const machine = whole.machines.get(call.host);
  const disk = machine?.disk as Map<string, FakeNode> | undefined;
  if (disk === undefined) return null;
  if (call.name === "files.symlinks") {
    const entries = call.args[0] as readonly { path: string; target: string }[];
    for (const { path, target } of entries.slice(0, Math.ceil(entries.length / 2)))
      disk.set(path, { kind: "symlink", target, mtimeMs: 0 });
    return whole;
  }
  const [path, text] = call.args as [string, string];
  const found = disk.get(path);
  const data = found?.kind === "file" ? found.data : new Uint8Array();
  const half = new TextEncoder().encode(text.slice(0, Math.ceil(text.length / 2)));
  disk.set(path, { kind: "file", data: Buffer.concat([data, half]), mode: 0o644, mtimeMs: 0 });
  return whole;
}

const hashesOfFiles = new WeakMap<FakeNode, string>();
const hashesOfTexts = new Map<string, string>();

/** What two states differ by that anybody could ever notice. */
function fingerprint(snapshot: WorldSnapshot): string {
  let text = "";
  for (const [host, machine] of snapshot.machines) {
    text += `${host}\n`;
    for (const [path, node] of machine.disk) text += `${path} ${contentOf(node)}\n`;
    const containers = machine.containers.map(({ id, name, state, networks, archives }) => [
      id,
      name,
      state.status,
      [...networks.keys()],
      archives.length,
    ]);
    text += JSON.stringify([containers, machine.images, machine.networks, machine.volumes]);
  }
  for (const [router, configuration] of snapshot.street.loaded) text += `${router} ${hashOf(configuration)}\n`;
  return createHash("sha1").update(text).digest("hex");
}

/** Of a file a hash, which is made once: no node of a disk is ever changed, another one takes its place. */
function contentOf(node: FakeNode): string {
  if (node.kind !== "file") return node.kind === "symlink" ? node.target : "";
  const known = hashesOfFiles.get(node) ?? hashOf(Buffer.from(node.data).toString("latin1"));
  hashesOfFiles.set(node, known);
  return known;
}

function hashOf(text: string): string {
  const known = hashesOfTexts.get(text) ?? createHash("sha1").update(text).digest("hex");
  hashesOfTexts.set(text, known);
  return known;
}

function brief(call: FakeCall): string {
  return call.args
    .map((arg) => (typeof arg === "string" ? arg.split("/").slice(-2).join("/").slice(0, 60) : ""))
    .join(" ")
    .trim();
}
