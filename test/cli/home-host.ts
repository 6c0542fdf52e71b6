import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { auditedRecord } from "../../src/environments/audit/audited-record.ts";
import { changeRequests } from "../../src/environments/record/change-state.ts";
import type { EnvironmentState } from "../../src/environments/record/types.ts";
import { createLocalFiles } from "../../src/hosts/local-files.ts";
import { folderAudit } from "../../src/targets/folder-audit.ts";
import { folderRecord } from "../../src/targets/folder-record.ts";
import { runMain, type Said } from "./run-main.ts";

export type { Said };

/** A project whose only environment, `production`, has its home on this machine, without an engine: its record and its log are real files. Its other host is down. */
export type HomeHost = {
  /** Where `shiplock.yml` lies. */
  readonly project: string;
  /** The environment's folder. */
  readonly folder: string;
  readonly ledger: string;
  /** Changes the environment's state as a command of somebody would. */
  change(who: string, how: (state: EnvironmentState) => EnvironmentState): Promise<void>;
  shiplock(who: string, ...argv: string[]): Promise<Said>;
  /** The same with further variables, such as those that a runner sets. */
  shiplockWith(variables: Readonly<Record<string, string>>, ...argv: string[]): Promise<Said>;
  remove(): void;
};

/** @param more keys of the environment, each a line of YAML */
export function openHomeHost(more: readonly string[] = []): HomeHost {
  const root = mkdtempSync(join(tmpdir(), "shiplock-home-"));
  const project = join(root, "project");
  const ledger = join(root, "ledger.db");
  const folder = join(root, ".shiplock", "environments", "shop-production");
  mkdirSync(project);
  const lines = [
    "project: shop",
    "registry: { address: registry.invalid/shop }",
    "images: { web: { context: . } }",
    "services: { web: { image: web, port: 3000, health: /health } }",
    "environments:",
    "  production:",
    "    target: { compose: { hosts: [{ local: true, name: here }, { ssh: nowhere.invalid, name: down }] } }",
    ...more.map((line) => `    ${line}`),
  ];
  writeFileSync(join(project, "shiplock.yml"), lines.join("\n"));
  const files = createLocalFiles("here", root, () => undefined);
  const whose = { project: "shop", environment: "production" };

  async function change(who: string, how: (state: EnvironmentState) => EnvironmentState): Promise<void> {
    const { record } = auditedRecord(
      folderRecord(files, folder),
      folderAudit(files, folder),
      whose,
      {
        who: async () => ({ name: who, aliases: [], source: "local" }),
        from: "a laptop",
        mask: (text) => text,
        remarks: () => [],
      },
      { now: () => new Date("2026-11-20T10:00:00Z") },
    );
    await changeRequests(record, whose, how);
  }

  async function shiplockWith(variables: Readonly<Record<string, string>>, ...argv: string[]): Promise<Said> {
    return runMain({
      ...{ argv, cwd: project },
      env: {
        ...{ PATH: process.env["PATH"], HOME: root, SHIPLOCK_LEDGER: ledger },
        DOCKER_HOST: `unix://${join(root, "no-engine.sock")}`,
        ...variables,
      },
    });
  }

  const shiplock: HomeHost["shiplock"] = (who, ...argv) => shiplockWith({ SHIPLOCK_WHO: who }, ...argv);

  return {
    project,
    folder,
    ledger,
    change,
    shiplock,
    shiplockWith,
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
