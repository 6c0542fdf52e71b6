import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { parseConfig } from "../../../src/config/load.ts";
import { workflowsOf } from "../../../src/github/workflows/generate.ts";
import type { Json } from "../../../src/json.ts";
import { type ConfigChange, createSwitchboardRepository } from "../../lab/app-history.ts";

/** What generated workflows say that they use: the runner puts the bundled file of this repository there. */
export const actionPin = { uses: "shiplock/shiplock@1f2e3d4c5b6a798897a6b5c4d3e2f1a0b9c8d7e6", version: "v0.1.0" };

export type Files = Record<string, string>;

/** A configuration and the workflows that Shiplock makes from it. */
export function withWorkflows(shiplockYml: string): Files {
  const config = parseConfig(shiplockYml, "/repository/shiplock.yml", {});
  const files = workflowsOf({ config, configPath: "shiplock.yml", action: actionPin, previews: null });
  return {
    "shiplock.yml": shiplockYml,
    ...Object.fromEntries(files.map(({ name, text }) => [`.github/workflows/${name}`, text])),
  };
}

/** A small project whose checks are processes: nothing of it needs an engine. */
export function checkedProject(more: Readonly<Record<string, Json>>): Files {
  return withWorkflows(
    stringify({
      project: "tea",
      compose: "compose.yml",
      github: { action: actionPin.uses, version: actionPin.version },
      ...more,
    }),
  );
}

/** The switchboard of the examples, with changes in its configuration and the workflows that are made from that. */
export async function switchboardFiles(configure: readonly ConfigChange[]): Promise<Files> {
  const folder = mkdtempSync(join(tmpdir(), "files-"));
  try {
    await createSwitchboardRepository(folder, [{ version: "v1" }], {
      configure: [...configure, { path: ["github"], value: { action: actionPin.uses, version: actionPin.version } }],
    });
    const names = readdirSync(folder).filter((name) => name !== ".git");
    const files = Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
    return { ...files, ...withWorkflows(files["shiplock.yml"] ?? "") };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
