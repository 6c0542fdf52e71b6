import type { Clock } from "../../clock.ts";
import type { Place, ReplicaRef } from "../../deploy/types.ts";
import { type Acting, auditedRecord } from "../../environments/audit/audited-record.ts";
import { ShiplockError } from "../../errors.ts";
import type { Connector, Host, HostAddress, LeaseAnswer, LeaseOwner } from "../../hosts/types.ts";
import { caddyTraffic } from "../../proxy/caddy/traffic.ts";
import { createCarrier } from "./carry.ts";
import { imageReferenceOn } from "./image-identity.ts";
import type { ImagePlace, ImagePlaces } from "../../hosts/image-places.ts";
import type { LayerSource } from "../../release/registry/layers.ts";
import type { EngineLogin } from "../../release/registry/types.ts";
import type { ReleaseDocument } from "../../release/types.ts";
import { folderAudit } from "../folder-audit.ts";
import type { LeaseResult, Purpose, Target, TargetSession } from "../types.ts";
import type { ComposeProgram } from "./compose-program.ts";
import { containerName, label, layoutOf, placedName } from "./layout.ts";
import { diagnoseHost } from "./diagnose.ts";
import { holdingsOf, sweepHost } from "./holdings.ts";
import { logsOf } from "./logs.ts";
import { lookAtHost } from "./look.ts";
import { observeHost } from "./observe.ts";
import { openHosts } from "./open-hosts.ts";
import { claimFolder, refuseOthersContainers, type Whose } from "./ownership.ts";
import type { ComposeHost, ComposeRun, ComposeSettings } from "./run.ts";
import { readUpstreams } from "./steps/proxy-containers.ts";
import { ownContainers } from "./own-containers.ts";
import { routerAdmin } from "./steps/routers.ts";
import { type SurveyHost, type SurveySettings, surveyHosts } from "./survey.ts";
import { type Translation, translate } from "./translate.ts";
import { composeWorker } from "./worker.ts";

export type ComposeTargetOptions = {
  project: string;
  environment: string;
  hosts: readonly HostAddress[];
  /** Name of the host whose record is the authority. */
  home: string;
  /** Shiplock's folder on the hosts. */
  root: string;
  settings: ComposeSettings & SurveySettings;
  connector: Connector;
  compose: ComposeProgram;
  auth: EngineLogin | null;
  layers: LayerSource;
  /** Where images may be that are in no registry, beside the hosts: this machine first, which is asked before them; the others after them. */
  images: ImagePlaces;
  clock: Clock;
  /** Whose acts are entered in the audit log. */
  acting: Acting;
  connectTimeoutMs: number;
  fetchPublic: ComposeRun["fetchPublic"];
};

type OpenHost = Omit<ComposeHost, "translation">;

/** Hosts with Docker Engine, reached over SSH. Does nothing until it is opened. */
export function composeTarget(options: ComposeTargetOptions): Target {
  return { open: (purpose, signal) => openSession(options, purpose, signal) };
}

async function openSession(
  options: ComposeTargetOptions,
  purpose: Purpose,
  signal: AbortSignal,
): Promise<TargetSession> {
  const { project, environment } = options;
  const whose = { project, environment };
  const opened = await openHosts(options, purpose, signal, (host) => openHost(host, options));
  const { hosts, home, skipped, claimed } = opened;
  const segments = folderAudit(home.host.files, home.layout.folder);
  const { record, audit } = auditedRecord(opened.record, segments, whose, options.acting, options.clock);
  let closing = false;
  const [here, ...elsewhere] = options.images.places;
  const own = [home, ...hosts.filter((host) => host !== home)];
  const places = own.map((host): ImagePlace => ({ name: host.name, engine: async () => host.host.engine }));
  const carrier = createCarrier([...(here === undefined ? [] : [here]), ...places, ...elsewhere], options.clock);

  // Hosts with the same folder and engine version mean the same thing, so Compose runs once for all of them, and once for planning and running.
  const translations = new Map<string, Promise<Translation>>();
  function translator(
    document: ReleaseDocument,
    previous: ReleaseDocument | null,
    secrets: Readonly<Record<string, string>>,
  ) {
    return async (host: OpenHost, place: Place): Promise<Translation> => {
      const info = await host.receiver.info();
      const { apiVersion } = info;
      // Hosts of other kinds have other ids for what came from another engine.
      const kind = [info.os, info.architecture, info.containerdImageStore];
      const owner = { uid: host.host.facts.uid, gid: host.host.facts.gid };
      const key = JSON.stringify([
        host.layout.folder,
        apiVersion,
        kind,
        owner,
        place,
        document.name,
        previous?.name,
        secrets,
      ]);
      const made =
        translations.get(key) ??
        translate({
          compose: options.compose,
          document,
          previous,
          place,
          layout: host.layout,
          owner,
          proxyImage: options.settings.proxyImage,
          apiVersion,
          referenceOf: (image) => imageReferenceOn(image, info, host.name),
          secrets,
        });
      translations.set(key, made);
      return made;
    };
  }

  return {
    hosts: hosts.map((host) => host.name),
    home: home.name,
    skipped,
    record,
    audit,
    acquire: (owner, ttlMs) => acquireAll(hosts, claimed, whose, owner, ttlMs),
    leaseHolder: async () => {
      const state = await home.host.inspectLease(home.layout.folder);
      return state.kind === "held" && state.owner !== null
        ? { owner: state.owner, heartbeatAgeMs: state.heartbeatAgeMs, expired: state.expired }
        : null;
    },
    survey: async (request) => {
      const translateFor = translator(
        request.document,
        inSlot(request.previous, request.state?.live?.place ?? null),
        request.secrets,
      );
      const surveyed: SurveyHost[] = hosts.map((host) => ({
        ...host,
        translate: (place) => translateFor(host, place),
        layers: options.layers,
        weigh: (images) => carrier.weigh(images, host.receiver, signal),
      }));
      const [survey] = await Promise.all([
        surveyHosts(surveyed, request, home.name, options.settings),
        ...hosts.map((host) => refuseOthersContainers(host, whose)),
      ]);
      return survey;
    },
    worker: async (request) => {
      const translateFor = translator(
        request.document,
        inSlot(request.previous, request.plan.fromPlace),
        request.secrets,
      );
      const full = await Promise.all(
        hosts.map(
          async (host): Promise<ComposeHost> => ({
            ...host,
            translation: request.abort ? nothing : await translateFor(host, request.plan.place),
          }),
        ),
      );
      const byName = new Map(full.map((host) => [host.name, host]));
      return composeWorker({
        plan: request.plan,
        fence: request.fence,
        document: request.document,
        previous: request.previous,
        hosts: byName,
        home: byName.get(home.name) as ComposeHost,
        record,
        auth: options.auth,
        carrier,
        settings: options.settings,
        mask: request.mask,
        clock: options.clock,
        fetchPublic: options.fetchPublic,
      });
    },
    missingImages: async (document) => {
      const images = Object.values(document.release.images);
      const receivers = hosts.map((host) => host.receiver);
      const there = await Promise.all(
        images.map((image) =>
          image.from === "engine"
            ? carrier.has(image, receivers, signal)
            : isEverywhere(hosts, `${image.repository}@${image.digest}`),
        ),
      );
      return images.filter((_, index) => there[index] === false);
    },
    holdings: () => Promise.all(hosts.map((host) => holdingsOf(host, whose))),
    sweep: async (removals, stop) => {
      await Promise.all(
        hosts.map(async (host) => {
          const removal = removals.find((one) => one.host === host.name);
          if (removal !== undefined) await sweepHost(host, removal, stop);
        }),
      );
    },
    observe: (state, document) =>
      Promise.all(hosts.map((host) => observeHost(host, project, environment, state, document))),
    look: (request) => Promise.all(hosts.map((host) => lookAtHost({ ...host, translation: nothing }, request))),
    diagnose: async () =>
      (
        await Promise.all(hosts.map((host) => diagnoseHost(host, options.settings.proxy, () => options.clock.now())))
      ).flat(),
    logs: (request) => logsOf(hosts, whose, request),
    lost: Promise.race(hosts.map(async (host) => `${host.name}: ${(await host.host.lost).message}`)).then((lost) =>
      closing ? new Promise<string>(() => undefined) : lost,
    ),
    close: async () => {
      closing = true;
      await Promise.all([...hosts.map((host) => host.host.close()), options.images.close()]);
    },
  };
}

const nothing: Translation = { text: "", dotenv: "", containers: [], networks: [], volumes: [], proxies: null };

/** A release that is live in place has no router that would have to go on answering for it. */
function inSlot(document: ReleaseDocument | null, place: Place | null): ReleaseDocument | null {
  return place === "direct" || place === null ? null : document;
}

function openHost(host: Host, options: ComposeTargetOptions): OpenHost {
  const layout = layoutOf(options.project, options.environment, options.root, host.facts.home);
  // Asked for at once, as nearly everybody wants it; who does hears of a failure.
  const info = host.engine.info();
  info.catch(() => undefined);
  const remote = options.hosts.some((address) => address.name === host.name && address.kind === "ssh");
  return {
    name: host.name,
    host,
    layout,
    imageIds: new Map(),
    traffic: caddyTraffic({
      files: host.files,
      folder: layout.proxy,
      upstreams: async () => {
        const routers = await ownContainers({ host }, options, "router", "running");
        const admins = routers.map((router) => routerAdmin(layout, router.labels[label.generation] ?? ""));
        return async () => (await Promise.all(admins.map((admin) => readUpstreams(host, admin)))).flat();
      },
      names: (replica: ReplicaRef) => [containerName(layout.id, replica), placedName(replica.service, replica.place)],
    }),
    receiver: { name: host.name, engine: host.engine, info: () => info, remote },
  };
}

async function isEverywhere(hosts: readonly OpenHost[], reference: string): Promise<boolean> {
  const found = await Promise.all(hosts.map((host) => host.host.engine.inspectImage(reference)));
  return found.every((image) => image !== null);
}

async function acquireAll(
  hosts: readonly OpenHost[],
  claimed: ReadonlySet<string>,
  whose: Whose,
  owner: LeaseOwner,
  ttlMs: number,
): Promise<LeaseResult> {
  const sorted = [...hosts].sort((left, right) => (left.name < right.name ? -1 : 1));
  const granted: { release(): Promise<void> }[] = [];
  let fence = 0;
  let tookOver: LeaseOwner | null = null;
  const release = async (): Promise<void> => {
    await Promise.all(granted.map((lease) => lease.release()));
  };
  try {
    for (const host of sorted) {
      const answer = await host.host.lease({ folder: host.layout.folder, owner, ttlMs });
      if (answer.kind === "stuck") throw leaseStuck(host.name, answer);
      if (answer.kind === "held") {
        await release();
        return { kind: "held", host: host.name, owner: answer.owner, heartbeatAgeMs: answer.heartbeatAgeMs };
      }
      granted.push(answer);
      fence = Math.max(fence, answer.fence);
      tookOver ??= answer.tookOver ?? null;
    }
    await Promise.all(sorted.filter(({ name }) => !claimed.has(name)).map((host) => claimFolder(host, whose)));
  } catch (error) {
    // All or none; a lease that cannot be given back ends with its connection, and the first reason is what has to be told.
    await Promise.allSettled(granted.map((lease) => lease.release()));
    throw error;
  }
  return { kind: "granted", fence, tookOver, release };
}

function leaseStuck(host: string, { owner, reason }: Extract<LeaseAnswer, { kind: "stuck" }>): ShiplockError {
  return new ShiplockError({
    code: "lease/stuck",
    blame: "person",
    message: `the lease on ${host} has expired, but its owner's session cannot be ended: ${reason}`,
    remedy: "end that process on the host as root, then run the command again",
    details: owner === null ? [] : [`held by ${owner.who} from ${owner.from} since ${owner.since}`],
  });
}
