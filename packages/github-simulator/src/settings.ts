import { generateKeyPairSync } from "node:crypto";
import { installationShape } from "./routes/apps.ts";
import { nodeId } from "./shapes/base.ts";
import { ensureEnvironment } from "./state/deployments.ts";
import { addRun, endRun } from "./state/runs.ts";
import type { Conclusion, Environment, Hook, WorkflowRun } from "./state/types.ts";
import { accountOf, type World } from "./state/world.ts";
import type { Account, App, Permissions } from "./types.ts";

/** An app as its owner knows it. */
export type InstalledApp = {
  readonly id: number;
  readonly clientId: string;
  readonly installation: number;
  /** PEM, to sign with. */
  readonly privateKey: string;
};

/** What is set up on GitHub's pages, and what GitHub Actions does. `by` is a login; the repository's owner unless told. */
export type Settings = {
  protectBranch(name: string): void;
  protectEnvironment(
    name: string,
    protection: {
      readonly reviewers?: readonly string[];
      /** Minutes. */
      readonly waitTimer?: number;
      readonly preventSelfReview?: boolean;
      readonly branches?: "protected" | readonly string[];
    },
  ): Environment;
  /** Registers an app, installs it on the repository and tells its hook. */
  installApp(app: {
    readonly name?: string;
    readonly permissions: Permissions;
    readonly events?: readonly string[];
    readonly hook?: { readonly url: string; readonly secret: string };
  }): InstalledApp;
  /** A workflow begins to run. `id` is what the job sees as `GITHUB_RUN_ID`. */
  startRun(run: {
    readonly id?: number;
    readonly workflow?: string;
    readonly path?: string;
    readonly event?: string;
    readonly ref?: string;
    readonly title?: string;
    readonly by?: string;
  }): Promise<WorkflowRun>;
  endRun(id: number, conclusion: Conclusion): Promise<void>;
  /** Somebody lets a waiting run into an environment, or does not. */
  approveRun(
    id: number,
    approval: {
      readonly by: string;
      readonly environments: readonly string[];
      readonly comment?: string;
      readonly rejected?: boolean;
    },
  ): void;
};

export function createSettings(
  world: World,
  tell: (event: string, payload: object, by: Account, only: Hook) => void,
): Settings {
  const account = (login = world.repository.owner): Account => accountOf(world, login);
  return { protectBranch, protectEnvironment, installApp, startRun, endRun: end, approveRun };

  function protectBranch(name: string): void {
    world.protectedBranches.add(name);
  }

  function protectEnvironment(name: string, about: Parameters<Settings["protectEnvironment"]>[1]): Environment {
    const environment = ensureEnvironment(world, name);
    const { waitTimer = 0, reviewers = [], preventSelfReview = false, branches = null } = about;
    const accounts = reviewers.map((login) => account(login));
    environment.protection = { waitTimer, reviewers: accounts, preventSelfReview, branches };
    environment.branchPolicies.splice(0);
    for (const pattern of branches === null || branches === "protected" ? [] : branches)
      environment.branchPolicies.push({ id: world.nextId(), name: pattern, type: "branch" });
    environment.updatedAt = world.clock.now();
    return environment;
  }

  function installApp(about: Parameters<Settings["installApp"]>[0]): InstalledApp {
    const { name = "Shiplock", permissions, events = [] } = about;
    const slug = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
    const { publicKey, privateKey } = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs1", format: "pem" },
    });
    const id = world.nextId();
    const app: App = {
      ...{ id, clientId: `Iv23li${String(id).padStart(14, "0")}`, slug, name, permissions, events, publicKey },
      ...{ installation: world.nextId(), createdAt: world.clock.now() },
    };
    world.apps.push({ app, bot: { id: world.nextId(), login: `${slug}[bot]`, type: "Bot" } });
    if (about.hook !== undefined) {
      const hook = { id: world.nextId(), app, ...about.hook, events: [...events, "installation"] };
      world.hooks.push(hook);
      const { id: repositoryId, owner, name: repositoryName, private: isPrivate } = world.repository;
      const repository = {
        ...{ id: repositoryId, node_id: nodeId("Repository", repositoryId), name: repositoryName },
        ...{ full_name: `${owner}/${repositoryName}`, private: isPrivate },
      };
      const installation = installationShape(world, app);
      tell("installation", { action: "created", installation, repositories: [repository] }, world.owner, hook);
    }
    return { id, clientId: app.clientId, installation: app.installation, privateKey };
  }

  async function startRun(about: Parameters<Settings["startRun"]>[0]): Promise<WorkflowRun> {
    const { ref = world.repository.defaultBranch, event = "push" } = about;
    const { path = ".github/workflows/ci.yml", workflow = "CI" } = about;
    const sha = await world.git.resolve(ref);
    if (sha === null) throw new Error(`the simulated repository has no ${ref}`);
    const heads = (await world.git.refs("refs/heads/")).map(({ name }) => name.slice("refs/heads/".length));
    return addRun(world, {
      ...{ id: about.id ?? null, path, workflow, event, sha, branch: heads.includes(ref) ? ref : null },
      ...{ title: about.title ?? workflow, actor: account(about.by) },
    });
  }

  async function end(id: number, conclusion: Conclusion): Promise<void> {
    await endRun(world, runOf(id), conclusion);
  }

  function approveRun(id: number, about: Parameters<Settings["approveRun"]>[1]): void {
    const { by, environments, comment = "", rejected = false } = about;
    const state = rejected ? "rejected" : "approved";
    for (const name of environments) ensureEnvironment(world, name);
    runOf(id).approvals.push({ state, environments, by: account(by), comment });
  }

  function runOf(id: number): WorkflowRun {
    const run = world.runs.find((one) => one.id === id);
    if (run === undefined) throw new Error(`there is no workflow run ${id}`);
    return run;
  }
}
