import { abortDeployment, resumeDeployment, runDeployment } from "../../src/deploy/deployment.ts";
import { documentOf } from "../../src/deploy/read-record.ts";
import type {
  DeploymentEvent,
  DeploymentOutcome,
  DeploymentPorts,
  DeploymentRequest,
  HookSetup,
} from "../../src/deploy/request.ts";
import type { StrategyOptions } from "../../src/deploy/strategies/types.ts";
import type { DeploymentKind, Plan } from "../../src/deploy/types.ts";
import { chooseRollback } from "../../src/environments/record/rollback-choice.ts";
import type { FakeHost } from "../../src/hosts/fake.ts";
import type { ImagePlace } from "../../src/hosts/image-places.ts";
import type { EngineLogin } from "../../src/release/registry/types.ts";
import type { ReleaseDocument } from "../../src/release/types.ts";
import { createMasker } from "../../src/secrets/mask.ts";
import type { Purpose, TargetSession } from "../../src/targets/types.ts";
import { composeTarget } from "../../src/targets/compose/target.ts";
import { environment, project } from "./shop.ts";
import { connectorOf, type World } from "./world.ts";

export const allAtOnce = {
  kind: "rolling",
  maxSurge: { percent: 100 },
  maxUnavailable: { count: 0 },
  batch: { percent: 100 },
  parallel: 10,
} as const satisfies StrategyOptions;

/** What may be read nowhere but in a container's environment. */
export const secretValue = "s3cret-value";
export const registryPassword = "pa55-of-the-registry";

export type DeployOptions = {
  /** The value of the release's secret today; `secretValue` unless given. */
  secret?: string;
  strategy?: StrategyOptions;
  deployment?: string;
  kind?: DeploymentKind;
  wait?: boolean;
  bakeMs?: number;
  signal?: AbortSignal;
  who?: string;
};

/** One deploying machine at work on a world: a process with its connections and nothing else. */
export type Deployer = {
  readonly session: TargetSession;
  readonly connections: readonly FakeHost[];
  readonly events: DeploymentEvent[];
  deploy(document: ReleaseDocument, options?: DeployOptions): Promise<Begun>;
  rollback(to: string | null, options?: DeployOptions): Promise<Begun>;
  /** The request of `deploy`, for a test that runs it by other means. */
  request(document: ReleaseDocument, options?: DeployOptions): DeploymentRequest;
  resume(options?: DeployOptions): Promise<Begun | null>;
  abort(options?: DeployOptions): Promise<Begun | null>;
  /** Plays the death of the machine: every connection ends. */
  cut(): void;
  close(): Promise<void>;
};

/** `purpose` is to deploy to every host unless given. `whose` names the environment, and `root` Shiplock's folder on the hosts; both as the shop's unless given. */
export type DeployerOptions = {
  whose?: { project: string; environment: string };
  root?: string;
  purpose?: Purpose;
  /** Where images may be that are in no registry: this machine, then what is no host of the environment. */
  images?: readonly ImagePlace[];
  /** Finds the logins with which images are pulled; none unless given. */
  auth?: EngineLogin;
  /** The team's own commands; none unless given. */
  hooks?: HookSetup;
  /** Who works at it; ada unless given. */
  who?: string;
};

/** A deployment that had a plan: no gate kept it from beginning. */
export type Begun = DeploymentOutcome & { plan: Plan };

function begun(outcome: DeploymentOutcome): Begun {
  const { plan } = outcome;
  if (plan === null) throw new Error(`the deployment did not begin: ${outcome.state}, ${outcome.outcome}`);
  return { ...outcome, plan };
}

function begunOrNothing(outcome: DeploymentOutcome | null): Begun | null {
  return outcome === null ? null : begun(outcome);
}

/** Connects anew, with no local state whatever. */
export async function startDeployer(world: World, deployer: DeployerOptions = {}): Promise<Deployer> {
  const { whose = { project, environment }, root = "~/.shiplock", purpose = { kind: "deploy", skip: [] } } = deployer;
  const { connector, connections, cut } = connectorOf(world);
  const events: DeploymentEvent[] = [];
  const session = await composeTarget({
    ...whose,
    hosts: world.hosts.map((name) => ({ kind: "ssh", name, destination: name })),
    home: world.hosts[0] ?? "",
    root,
    settings: {
      proxyImage: "caddy:2",
      proxy: { http: 80, https: 443, tls: "off" },
      keep: 3,
      verifyUrl: null,
      room: { memoryBytes: null, diskBytes: 500e6, onShortage: "refuse" },
    },
    connector,
    compose: world.compose,
    auth: deployer.auth ?? null,
    layers: { layers: async () => [], unpacked: async () => [] },
    images: { places: deployer.images ?? [], close: async () => undefined },
    clock: world.clock,
    acting: {
      who: async () => ({ name: deployer.who ?? "ada", aliases: [], source: "local" }),
      from: "laptop",
      mask: createMasker([secretValue, registryPassword]),
      remarks: () => [],
    },
    connectTimeoutMs: 5_000,
    fetchPublic: async () => 200,
  }).open(purpose, new AbortController().signal);

  function ports(options: DeployOptions): DeploymentPorts {
    return {
      session,
      clock: world.clock,
      signal: options.signal ?? new AbortController().signal,
      tell: (event) => void events.push(event),
    };
  }

  function request(options: DeployOptions, choose: DeploymentRequest["choose"]): DeploymentRequest {
    return {
      deployment: options.deployment ?? "d-2",
      kind: options.kind ?? "deploy",
      ...whose,
      origin: { who: options.who ?? "ada", from: "laptop", command: "shiplock deploy production", reason: null },
      strategy: options.strategy ?? allAtOnce,
      bakeMs: options.bakeMs ?? 0,
      timeoutMs: 600_000,
      leaseTtlMs: 15_000,
      wait: options.wait ?? false,
      choose,
      trigger: "manual",
      asker: { name: options.who ?? "ada", aliases: [], source: "local" },
      options: { confirmed: null, emergency: null, overrideFreeze: null, takeOver: false, skip: [] },
      expiresMs: 3_600_000,
      judge: async () => ({ at: "2026-11-20T00:00:00Z", decisions: [], answer: "pass", passedByEmergency: [] }),
      takeUp: async (ticket) => {
        throw new Error(`${ticket.deployment} is taken up by nobody here`);
      },
      secrets: async () => ({ TOKEN: options.secret ?? secretValue }),
      hidden: async () => [secretValue, registryPassword],
      ...(deployer.hooks === undefined ? {} : { hooks: deployer.hooks }),
    };
  }

  const requestOf = (document: ReleaseDocument, options: DeployOptions = {}): DeploymentRequest =>
    request(options, async () => ({ document, notes: [] }));

  const nothingChosen: DeploymentRequest["choose"] = async () => {
    throw new Error("nothing is chosen when a deployment is finished");
  };

  return {
    session,
    connections,
    events,
    request: requestOf,
    deploy: async (document, options = {}) => begun(await runDeployment(requestOf(document, options), ports(options))),
    rollback: async (to, options = {}) =>
      begun(
        await runDeployment(
          request({ kind: "rollback", ...options }, async (state) => {
            const document = await documentOf(session, chooseRollback(state, to).document);
            if (document === null) throw new Error("the record lacks a document");
            return { document, notes: [] };
          }),
          ports(options),
        ),
      ),
    resume: async (options = {}) =>
      begunOrNothing(await resumeDeployment(request(options, nothingChosen), ports(options))),
    abort: async (options = {}) =>
      begunOrNothing(await abortDeployment(request(options, nothingChosen), ports(options))),
    cut,
    close: () => session.close(),
  };
}
