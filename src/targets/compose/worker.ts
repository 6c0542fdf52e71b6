import { counted } from "../../counted.ts";
import type { StepRun, StepWorker } from "../../deploy/run.ts";
import type { Evidence, ReplicaRef, Step, StepAction } from "../../deploy/types.ts";
import { withCommitted, withEnded } from "../../environments/record/changes.ts";
import { keptReleases } from "../../environments/retention/decide.ts";
import { changeState } from "../../environments/record/change-state.ts";
import type { LiveRelease } from "../../environments/record/types.ts";
import { ShiplockError } from "../../errors.ts";
import { containerName, label } from "./layout.ts";
import type { ComposeHost, ComposeRun } from "./run.ts";
import { tidyImages } from "./holdings.ts";
import { publishFiles, retireOld } from "./steps/aftermath.ts";
import { ownContainers } from "./own-containers.ts";
import { asideName, createReplicas, startReplicas, stopReplicas } from "./steps/containers.ts";
import { shipFiles } from "./steps/files.ts";
import { pullImages } from "./steps/images.ts";
import { ensureNetworksAndVolumes, startBacking } from "./steps/infrastructure.ts";
import { leaveMigration, runMigration } from "./steps/migration.ts";
import { restoreProxy, settleProxy, setUpProxy } from "./steps/proxy.ts";
import { awaitReady } from "./steps/readiness.ts";
import { dismissRouters } from "./steps/routers.ts";
import { drainIfPossible, shiftTraffic } from "./steps/traffic.ts";
import { verifyRelease } from "./steps/verification.ts";

/** Carries out the steps of a plan on hosts with Docker Engine, as `docker compose` would have made them. */
export function composeWorker(run: ComposeRun): StepWorker {
  return {
    perform: (step, stepRun) => perform(run, step, stepRun),
    undo: (step, stepRun) => undo(run, step, stepRun),
  };
}

async function perform(run: ComposeRun, step: Step, { signal, log }: StepRun): Promise<Evidence> {
  signal.throwIfAborted();
  const { action } = step;
  switch (action.kind) {
    case "verify":
      return { acted: false, summary: await verifyRelease(run, action.bakeMs, signal) };
    case "commit":
      return commit(run);
    case "close":
      return close(run);
    case "migrate":
      return did(await runMigration(hostOf(run, step), run, action, log, signal), "migrated", "was migrated before");
    default:
      return performOnHost(run, hostOf(run, step), action, { signal, log });
  }
}

async function performOnHost(
  run: ComposeRun,
  host: ComposeHost,
  action: StepAction,
  { signal, log }: StepRun,
): Promise<Evidence> {
  switch (action.kind) {
    case "ship-files":
      return numbered(await shipFiles(host, run), ["set of files", "sets of files"], "written", "the files are there");
    case "pull":
      return numbered(
        await pullImages(host, run, action.images, { signal, log }),
        ["image", "images"],
        "brought",
        "the images are there",
      );
    case "backing":
      return numbered(
        await startBacking(host, run, action.services, log, signal),
        ["backing service", "backing services"],
        "started",
        "backing services are there",
      );
    case "proxy": {
      const done = action.final ? await settleProxy(host, run, log, signal) : await setUpProxy(host, run, log, signal);
      return { acted: done.length > 0, summary: done.length === 0 ? "the proxy is as it should be" : done.join(", ") };
    }
    case "create":
      if (run.plan.place === "direct") await ensureNetworksAndVolumes(host);
      return numbered(
        await createReplicas(host, run, action.replicas),
        ["container", "containers"],
        "created",
        "the containers are there",
      );
    case "start":
      await startReplicas(host, action.replicas);
      return { acted: true, summary: `${counted(action.replicas.length, "container")} started` };
    case "ready":
      await awaitReady(host, run, action.replicas, run.document, signal);
      return { acted: false, summary: `${counted(action.replicas.length, "replica")} healthy` };
    case "shift":
      return did(await shiftTraffic(host, action.after), "traffic moved", "traffic is there already");
    case "drain": {
      const left = await drainIfPossible(host, run, action.replicas, action.deadlineMs, log, signal);
      const late = `${left ?? "not known how many"} still in flight after ${action.deadlineMs / 1000} s`;
      return { acted: false, summary: left === 0 ? "nothing in flight" : late };
    }
    case "stop":
      await stopReplicas(host, action.replicas, run.previous);
      if (run.plan.place === "direct") await setAside(host, run, action.replicas);
      return { acted: true, summary: `${counted(action.replicas.length, "container")} stopped` };
    case "publish":
      return did(await publishFiles(host, run), "files written", "the files are as they should be");
    case "retire": {
      const { stopped, removed } = await retireOld(host, run, action.keep);
      // Only now: containers that stop say goodbye to their WebSockets through the router they came by.
      const routers = run.plan.place === "direct" ? 0 : await dismissRouters(host, run, log, signal);
      const words = [
        ...(stopped === 0 ? [] : [`${counted(stopped, "container")} stopped and kept`]),
        ...(removed === 0 ? [] : [`${counted(removed, "container")} removed`]),
        ...(routers === 0 ? [] : [`${counted(routers, "router")} left`]),
      ];
      return {
        acted: words.length > 0,
        summary: words.length === 0 ? "nothing of an old release runs" : words.join(", "),
      };
    }
    case "tidy":
      return numbered(await tidy(run, host), ["image", "images"], "removed", "nothing to remove");
    case "migrate":
    case "verify":
    case "commit":
    case "close":
    case "hook":
      throw new ShiplockError({
        code: "deploy/wrong-step",
        blame: "bug",
        message: `${action.kind} does not belong to a host alone`,
      });
  }
}

/** Brings back what was before a step; each looks first, and may be asked about a step that never began. */
async function undo(run: ComposeRun, step: Step, { signal, log }: StepRun): Promise<Evidence> {
  const { action } = step;
  switch (action.kind) {
    case "shift":
      return did(await shiftTraffic(hostOf(run, step), action.before), "traffic moved back", "traffic is where it was");
    case "start": {
      const host = hostOf(run, step);
      if (run.plan.place !== "direct")
        await drainIfPossible(host, run, action.replicas, drainMs(run, action.replicas), log, signal);
      await stopReplicas(host, action.replicas, run.document);
      return { acted: true, summary: `${counted(action.replicas.length, "new container")} stopped` };
    }
    case "create":
      return undoCreate(run, hostOf(run, step));
    case "stop":
      return undoStop(run, hostOf(run, step), action.replicas, signal);
    case "migrate":
      return { acted: false, summary: await leaveMigration(hostOf(run, step), run, action, signal) };
    case "proxy":
      return did(await restoreProxy(hostOf(run, step), run, log, signal), "the proxy is as it was", "nothing to undo");
    default:
      // Files, images and backing services of the new release change nothing for the old one, and are swept later.
      return { acted: false, summary: "nothing to undo" };
  }
}

async function undoCreate(run: ComposeRun, host: ComposeHost): Promise<Evidence> {
  const ours = (await ownContainers(host, run.plan, "app")).filter(
    (container) =>
      container.labels[label.place] === run.plan.place &&
      container.labels[label.release] === run.plan.to &&
      !container.name.includes(".before-"),
  );
  // What was kept before this deployment stays kept.
  const made = run.plan.warm
    ? ours.filter((container) => container.labels[label.deployment] === run.plan.deployment)
    : ours;
  await Promise.all(
    made.map((container) => host.host.engine.removeContainer(container.id, { force: true, volumes: false })),
  );
  return numbered(made.length, ["new container", "new containers"], "removed", "no new containers are there");
}

async function undoStop(
  run: ComposeRun,
  host: ComposeHost,
  replicas: readonly ReplicaRef[],
  signal: AbortSignal,
): Promise<Evidence> {
  for (const replica of replicas) {
    const name = containerName(host.layout.id, replica);
    const aside = await host.host.engine.inspectContainer(asideName(name, run.plan.deployment));
    if (aside !== null) await host.host.engine.renameContainer(aside.id, name);
  }
  await startReplicas(host, replicas);
  if (run.previous !== null) await awaitReady(host, run, replicas, run.previous, signal);
  return { acted: true, summary: `${replicas.length} old containers run again` };
}

async function setAside(host: ComposeHost, run: ComposeRun, replicas: readonly ReplicaRef[]): Promise<void> {
  for (const replica of replicas) {
    const name = containerName(host.layout.id, replica);
    const found = await host.host.engine.inspectContainer(name);
    // After a crash the name may belong to the new container already.
    if (found !== null && found.labels[label.deployment] !== run.plan.deployment) {
      await host.host.engine.renameContainer(found.id, asideName(name, run.plan.deployment));
    }
  }
}

/** Images only: the rest is left to a prune, which asks everybody who may need it. */
async function tidy(run: ComposeRun, host: ComposeHost): Promise<number> {
  const read = run.record.last() ?? (await run.record.read());
  return read === null ? 0 : tidyImages(host, keptReleases(read.state, run.settings.keep));
}

/** The one commit point: the record says that the new release is live. Before it `abort` goes back, after it `resume` goes forward. */
async function commit(run: ComposeRun): Promise<Evidence> {
  const written = await changeState(run.record, run.plan.environment, (state) => {
    if (state.operation?.committed === true) return null;
    return withCommitted(state, run.plan, liveRelease(run));
  });
  return did(written, `${run.document.release.id} is live`, "was recorded before");
}

async function close(run: ComposeRun): Promise<Evidence> {
  const outcome = `${run.document.release.id} is live on ${run.hosts.size === 1 ? "1 host" : `${run.hosts.size} hosts`}`;
  const written = await changeState(run.record, run.plan.environment, (state) =>
    state.operation === null
      ? null
      : withEnded(state, run.plan.deployment, "succeeded", outcome, run.clock.now().toISOString()),
  );
  return did(written, "operation closed", "was closed before");
}

function liveRelease(run: ComposeRun): LiveRelease {
  const { release, snapshot, name } = run.document;
  return {
    release: release.id,
    document: name,
    commit: release.commit,
    ref: release.ref,
    tags: Object.fromEntries(Object.values(release.images).map((image) => [image.name, image.tag])),
    deployment: run.plan.deployment,
    at: run.clock.now().toISOString(),
    place: run.plan.place,
    by: run.plan.origin.who,
    replicas: Object.fromEntries(snapshot.services.map((service) => [service.name, service.replicas])),
    strategy: run.plan.strategy,
  };
}

function drainMs(run: ComposeRun, replicas: readonly ReplicaRef[]): number {
  const services = run.document.snapshot.services.filter((service) =>
    replicas.some((replica) => replica.service === service.name),
  );
  return Math.max(0, ...services.map((service) => service.drainMs));
}

function hostOf(run: ComposeRun, step: Step): ComposeHost {
  const host = run.hosts.get(step.host ?? "");
  if (host === undefined)
    throw new ShiplockError({
      code: "deploy/no-host",
      blame: "bug",
      message: `step ${step.id} names no host of this deployment`,
    });
  return host;
}

function did(acted: boolean, yes: string, no: string): Evidence {
  return { acted, summary: acted ? yes : no };
}

function numbered(
  count: number,
  [one, many]: readonly [one: string, many: string],
  what: string,
  no: string,
): Evidence {
  return { acted: count > 0, summary: count > 0 ? `${counted(count, one, many)} ${what}` : no };
}
