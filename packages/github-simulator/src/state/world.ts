import type { GitStore } from "../git/types.ts";
import type { Account, App, Role, SimulatorClock } from "../types.ts";
import type {
  CheckRun,
  CheckSuite,
  Comment,
  CommitStatus,
  Deployment,
  Dispatch,
  Environment,
  Hook,
  Pull,
  Release,
  RepositoryFacts,
  Workflow,
  WorkflowRun,
} from "./types.ts";

/** Everything that the simulated GitHub remembers. Lists are in the order of creation. */
export type World = {
  readonly clock: SimulatorClock;
  readonly git: GitStore;
  /** Address of the API, without a last slash. */
  readonly api: string;
  readonly repository: RepositoryFacts;
  readonly accounts: Map<string, { readonly account: Account; role: Role }>;
  readonly owner: Account;
  /** Whose token a workflow has. */
  readonly actions: { readonly app: App; readonly bot: Account };
  readonly apps: { readonly app: App; readonly bot: Account }[];
  readonly deployments: Deployment[];
  readonly environments: Map<string, Environment>;
  readonly commitStatuses: CommitStatus[];
  readonly checkSuites: CheckSuite[];
  readonly checkRuns: CheckRun[];
  readonly pulls: Pull[];
  readonly comments: Comment[];
  readonly releases: Release[];
  readonly workflows: Workflow[];
  readonly runs: WorkflowRun[];
  readonly dispatches: Dispatch[];
  readonly hooks: Hook[];
  readonly protectedBranches: Set<string>;
  /** Where branches and tags stood when pushes were last looked for. */
  readonly refs: Map<string, string>;
  /** A number that nothing else has. */
  nextId(): number;
  /** The number of the next issue or pull request. */
  nextNumber(): number;
  /** Tells the hooks. */
  tell(event: string, payload: Readonly<Record<string, unknown>>, by: Account): void;
};

/** The account of somebody; who was not heard of may only read. */
export function accountOf(world: World, login: string): Account {
  const found = world.accounts.get(login);
  if (found !== undefined) return found.account;
  const account: Account = { id: world.nextId(), login, type: "User" };
  world.accounts.set(login, { account, role: "read" });
  return account;
}

export type WorldStart = {
  readonly clock: SimulatorClock;
  readonly git: GitStore;
  readonly api: string;
  readonly repository: { owner: string; name: string; private: boolean; defaultBranch: string };
  readonly tell: World["tell"];
};

export function newWorld({ clock, git, api, repository, tell }: WorldStart): World {
  let lastId = 1000;
  let lastNumber = 0;
  const nextId = (): number => (lastId += 1);
  const createdAt = clock.now();
  const owner: Account = { id: nextId(), login: repository.owner, type: "Organization" };
  const actions = {
    app: {
      ...{ id: 15_368, clientId: "Iv1.05c79e9ad1f6bdfa", slug: "github-actions", name: "GitHub Actions" },
      ...{ installation: nextId(), permissions: {}, events: [], publicKey: null, createdAt },
    },
    bot: { id: 41_898_282, login: "github-actions[bot]", type: "Bot" as const },
  };
  return {
    ...{ clock, git, api, owner, actions, tell, nextId },
    nextNumber: () => (lastNumber += 1),
    repository: { id: nextId(), ...repository, createdAt },
    accounts: new Map([[owner.login, { account: owner, role: "admin" as const }]]),
    environments: new Map(),
    protectedBranches: new Set(),
    refs: new Map(),
    ...{ apps: [], deployments: [], commitStatuses: [], checkSuites: [], checkRuns: [], pulls: [], comments: [] },
    ...{ releases: [], workflows: [], runs: [], dispatches: [], hooks: [] },
  };
}
