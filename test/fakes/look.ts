import type { EnvironmentState } from "../../src/environments/record/types.ts";
import type { ReleaseDocument } from "../../src/release/types.ts";
import { folderRecord } from "../../src/targets/folder-record.ts";
import { strategyServices } from "../../src/deploy/strategies/services.ts";
import { label } from "../../src/targets/compose/layout.ts";
import type { FakeContainer } from "../../src/hosts/fake-engine-state.ts";
import { createFakeFiles } from "../../src/hosts/fake-files.ts";
import { folder, publicHost, root } from "./shop.ts";
import type { World } from "./world.ts";

/** The state that the environment record holds, read as a newcomer would. */
export async function recordOf(world: World): Promise<{ revision: number; state: EnvironmentState } | null> {
  return recordReader(world).read();
}

export function recordReader(world: World): ReturnType<typeof folderRecord> {
  const host = world.hosts[0] ?? "";
  const { disk } = world.fake.machine(host);
  return folderRecord(
    createFakeFiles({
      host,
      home: "/home/deploy",
      root,
      uid: 1000,
      gid: 1000,
      disk,
      now: () => world.clock.milliseconds,
    }),
    folder,
  );
}

/** What a user would complain about at this moment: a service whose requests lead to something that does not answer, or to too few replicas. */
export function servingProblems(world: World, atLeast: Readonly<Record<string, number>>): string[] {
  return world.hosts.flatMap((host) =>
    Object.entries(atLeast).flatMap(([service, wanted]) => {
      const containers = world.street.answering(host, service);
      const wrong = containers.filter((container) => !world.answers(container ?? undefined));
      const problems = wrong.map(
        (container) =>
          `${service} on ${host}: requests go to ${container === null ? "nothing" : `${container.name}, which does not answer`}`,
      );
      return containers.length < wanted
        ? [...problems, `${service} on ${host}: ${containers.length} replicas have traffic, not ${wanted}`]
        : problems;
    }),
  );
}

/** What a user would complain about who asks for an address that should answer at this moment. */
export function visitProblems(world: World, paths: readonly string[]): string[] {
  return world.hosts.flatMap((host) =>
    paths.flatMap((path) => {
      const { status } = world.street.visit(host, publicHost, path);
      return status === 200 ? [] : [`GET ${path} on ${host} is answered with ${status}`];
    }),
  );
}

export type Expected = {
  /** What is live. */
  live: ReleaseDocument;
  /** What is stopped and kept beside it; null for nothing. */
  kept: ReleaseDocument | null;
  direct?: boolean;
};

/** What is not as it should be once a deployment has come to its end, seen on the hosts and not in the record. */
export function hostProblems(world: World, expected: Expected): string[] {
  return world.hosts.flatMap((host) => {
    const containers = world.containers(host);
    const running = containers.filter((container) => container.labels[label.kind] === "app" && container.state.running);
    const stopped = containers.filter(
      (container) => container.labels[label.kind] === "app" && !container.state.running,
    );
    const problems = [
      ...releaseProblems(running, expected.live, "running"),
      ...(expected.kept === null ? strangers(stopped) : releaseProblems(stopped, expected.kept, "kept")),
    ];
    problems.push(
      ...containers.flatMap((container) =>
        container.labels[label.kind] === "migration" ? [`${container.name} was left behind`] : [],
      ),
    );
    problems.push(...running.flatMap((container) => incomplete(world, host, container)));
    if (!running.every((container) => world.answers(container))) problems.push("a running container does not answer");
    for (const kind of expected.direct === true ? ["backing"] : ["backing", "router", "edge"]) {
      const there = containers.filter((container) => container.labels[label.kind] === kind && container.state.running);
      if (there.length !== 1) problems.push(`${there.length} ${kind} containers run`);
    }
    const held = containers.filter(({ labels, state }) => labels[label.kind] === "port" && state.running).length;
    const published = expected.live.snapshot.services.flatMap((service) => service.published).length;
    if (expected.direct !== true && held !== published) problems.push(`${held} ports are held, not ${published}`);
    if (expected.direct !== true) problems.push(...trafficProblems(world, host, expected.live));
    if (expected.direct !== true) problems.push(...foreignRoutes(world, host, expected.live));
    return problems.map((problem) => `${host}: ${problem}`);
  });
}

function releaseProblems(containers: readonly FakeContainer[], document: ReleaseDocument, word: string): string[] {
  const wanted = strategyServices(document.snapshot).flatMap((service) =>
    Array.from({ length: service.replicas }, () => `${service.name} of ${document.release.id}`),
  );
  const seen = containers.map(
    (container) => `${container.labels[label.service]} of ${container.labels[label.release]}`,
  );
  return [...wanted].sort().join(", ") === [...seen].sort().join(", ")
    ? []
    : [`${word}: ${seen.sort().join(", ") || "(nothing)"}; expected ${wanted.sort().join(", ")}`];
}

function strangers(containers: readonly FakeContainer[]): string[] {
  return containers.map((container) => `${container.name} of ${container.labels[label.release]} was left behind`);
}

/** A container is made by several calls; one that was half made must not run. */
function incomplete(world: World, host: string, container: FakeContainer): string[] {
  const service = container.labels[label.service];
  const networks = [...container.networks.keys()].map(
    (id) => world.fake.machine(host).engine.networks.get(id)?.name ?? id,
  );
  if (service === "api" && networks.length !== 2) return [`${container.name} is on ${networks.join(", ")} alone`];
  if (service === "web" && container.archives.length === 0)
    return [`${container.name} lacks the file that is copied into it`];
  return [];
}

/** Addresses that only another release has. */
function foreignRoutes(world: World, host: string, live: ReleaseDocument): string[] {
  const own = live.snapshot.services.flatMap((service) => service.routes.map((route) => route.path));
  const other = world.street.routes(host).filter((path) => !own.includes(path));
  return other.map((path) => `${path} is routed, which ${live.release.id} does not have`);
}

function trafficProblems(world: World, host: string, document: ReleaseDocument): string[] {
  return document.snapshot.services.flatMap((service) => {
    if (service.port === null) return [];
    const answering = world.street.answering(host, service.name);
    const foreign = answering.filter((container) => container?.labels[label.release] !== document.release.id);
    const visits = service.routes.map(({ path }) => ({ path, ...world.street.visit(host, publicHost, path) }));
    const wrong = visits.filter((visit) => visit.status !== 200 || visit.service !== service.name);
    return [
      ...foreign.map((container) => `traffic of ${service.name} goes to ${container?.name ?? "nothing"}`),
      ...(answering.length === service.replicas
        ? []
        : [`${answering.length} replicas of ${service.name} have traffic`]),
      ...wrong.map(
        (visit) => `a user who asks for ${visit.path} gets ${visit.status} from ${visit.service}, not ${service.name}`,
      ),
    ];
  });
}
