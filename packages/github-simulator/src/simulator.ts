import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AddressInfo } from "node:net";
import { readDescription } from "./description/description.ts";
import { openGitStore } from "./git/store.ts";
import { createFaults, type Fault } from "./http/faults.ts";
import { createLimits } from "./http/limits.ts";
import { createHandler } from "./http/serve.ts";
import { createTokens } from "./http/tokens.ts";
import { createPeople, type People } from "./people.ts";
import { createSettings, type Settings } from "./settings.ts";
import { routeTable } from "./routes/table.ts";
import { time } from "./shapes/base.ts";
import type { Hook } from "./state/types.ts";
import { accountOf, newWorld, type World } from "./state/world.ts";
import { createTurns } from "./turns.ts";
import type { Permissions, RecordedRequest, SimulatorClock, Violation } from "./types.ts";
import { createWebhooks, type Delivery } from "./webhooks/deliver.ts";

export type SimulatorOptions = {
  /** `acme` unless told. */
  readonly owner?: string;
  /** `shop` unless told. */
  readonly name?: string;
  readonly defaultBranch?: string;
  /** Private unless told otherwise. */
  readonly public?: boolean;
  readonly clock?: SimulatorClock;
  /** A bare repository that is there already; a fresh one in a temporary folder unless told. */
  readonly git?: string;
  /** Any whole hash counts as a commit, for tests that have no repository. */
  readonly madeUpCommits?: boolean;
};

export type GitHubSimulator = People &
  Settings & {
    /** Address of the REST API without a last slash, as in `GITHUB_API_URL`. */
    readonly api: string;
    readonly repository: { readonly owner: string; readonly name: string };
    /** The bare repository on disk: to clone from and push to. Tell `noticePushes` after a push. */
    readonly git: string;
    /** Everything that it remembers, to look at. */
    readonly world: World;
    /** A token as workflows have it, of the account `github-actions[bot]`; with every permission unless told which. */
    token(permissions?: Permissions): string;
    /** A person's own token, which may do what the person's role allows. */
    personalToken(login: string): string;
    /** What was asked, in the order of arrival. */
    readonly requests: readonly RecordedRequest[];
    /** What did not fit GitHub's description so far. */
    readonly violations: readonly Violation[];
    /** Orders that something goes wrong. */
    fault(fault: Fault): void;
    /** Sets how many requests every token has left, and until when. */
    setRateLimit(remaining: number, resetAt?: Date): void;
    /** The next requests meet the secondary limit; null: without saying when to come back. */
    secondaryLimit(times: number, retryAfterSeconds: number | null): void;
    /** Registers a webhook and pings it. */
    hook(hook: { url: string; secret: string; events?: readonly string[] }): Hook;
    readonly deliveries: readonly Delivery[];
    redeliver(id: string): Promise<Delivery>;
    /** Waits until every webhook that was told was answered or given up. */
    delivered(): Promise<void>;
    /** Forgets the violations that were found so far and answers them, for tests of violations. */
    forgiveViolations(): Violation[];
    /** Throws when a request, an answer or a webhook did not fit GitHub's description. */
    assertFaithful(): void;
    /** Ends the server, removes the repository that it made, and asserts faithfulness. */
    close(): Promise<void>;
  };

// Reading it takes 20 ms and compiling its parts more; it never changes.
const description = readDescription();

/** Starts a GitHub on a free port of 127.0.0.1. */
export async function startGitHubSimulator(options: SimulatorOptions = {}): Promise<GitHubSimulator> {
  const { owner = "acme", name = "shop", defaultBranch = "main", clock = { now: () => new Date() } } = options;
  const temporary = options.git === undefined ? await mkdtemp(join(tmpdir(), "github-simulator-")) : null;
  const git = await openGitStore(options.git ?? join(temporary ?? "", `${name}.git`), {
    defaultBranch,
    madeUpCommits: options.madeUpCommits ?? false,
  });
  const ending = new AbortController();
  const violations: Violation[] = [];
  const requests: RecordedRequest[] = [];
  const violate = (violation: Violation): void => void violations.push(violation);
  const server = createServer();
  const api = await listening(server);
  const webhooks = createWebhooks({ world: () => world, description, violate, id: randomUUID, signal: ending.signal });
  const world: World = newWorld({
    ...{ clock, git, api, repository: { owner, name, private: options.public !== true, defaultBranch } },
    tell: (event, payload, by) => webhooks.tell(event, payload, by),
  });
  for (const { name: ref, sha } of await git.refs("refs/")) world.refs.set(ref, sha);
  const tokens = createTokens(world, () => randomBytes(20).toString("hex"));
  const limits = createLimits(clock);
  const faults = createFaults();
  const inTurn = createTurns();
  const { signal } = ending;
  const routes = routeTable((app, permissions) => {
    const bot = world.apps.find((entry) => entry.app === app)?.bot ?? world.actions.bot;
    return tokens.installation(app, bot, permissions, true);
  });
  const parts = { world, routes, description, tokens, limits, faults, requests, violate, inTurn, signal };
  server.on("request", createHandler(parts));

  return {
    ...createPeople(world, inTurn),
    ...createSettings(world, (event, payload, by, only) => webhooks.tell(event, { ...payload }, by, only)),
    ...{ api, repository: { owner, name }, git: git.folder, world, requests, violations, assertFaithful, close, hook },
    ...{ deliveries: webhooks.deliveries, redeliver: webhooks.redeliver, delivered: webhooks.settled },
    token: (permissions) =>
      tokens.installation(world.actions.app, world.actions.bot, permissions ?? everything, false).token,
    personalToken: (login) => tokens.personal(accountOf(world, login)),
    fault: faults.order,
    setRateLimit: limits.setRemaining,
    secondaryLimit: limits.refuseNext,
    forgiveViolations: () => violations.splice(0),
  };

  function hook(about: { url: string; secret: string; events?: readonly string[] }): Hook {
    const added = { id: world.nextId(), app: null, ...about, events: about.events ?? ["*"] };
    world.hooks.push(added);
    const { id, events, url } = added;
    const own = `${api}/repos/${owner}/${name}/hooks/${id}`;
    const at = time(clock.now());
    const config = { content_type: "json", insecure_ssl: "0", secret: "********", url };
    const addresses = {
      url: own,
      test_url: `${own}/test`,
      ping_url: `${own}/pings`,
      deliveries_url: `${own}/deliveries`,
    };
    webhooks.tell(
      "ping",
      {
        ...{ zen: "Keep it logically awesome.", hook_id: id },
        hook: {
          ...{ type: "Repository", id, name: "web", active: true, events, config, updated_at: at, created_at: at },
          ...addresses,
          last_response: { code: null, status: "unused", message: null },
        },
      },
      world.owner,
      added,
    );
    return added;
  }

  function assertFaithful(): void {
    if (violations.length === 0) return;
    const lines = violations.map(({ where, what, problem }) => `${where} ${what}: ${problem}`);
    throw new Error(`GitHub's description was violated:\n${lines.join("\n")}`);
  }

  async function close(): Promise<void> {
    ending.abort(new Error("the simulator was closed"));
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await webhooks.settled();
    if (temporary !== null) await rm(temporary, { recursive: true, force: true });
    assertFaithful();
  }
}

const everything: Permissions = {
  ...{ actions: "write", checks: "write", contents: "write", deployments: "write", issues: "write" },
  ...{ metadata: "read", pull_requests: "write", statuses: "write" },
};

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
