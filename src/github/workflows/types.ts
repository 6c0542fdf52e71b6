import type { Config } from "../../config/types.ts";

/** A file of `.github/workflows`. */
export type WorkflowFile = {
  /** `shiplock-deploy.yml`. */
  readonly name: string;
  readonly text: string;
};

/** An action, and what stands beside it. */
export type Pin = {
  /** `owner/repository@<commit>`, or `./…`. */
  readonly uses: string;
  /** The version that the commit is; `undefined` where nobody said. */
  readonly version: string | undefined;
};

/**
 * How previews of pull requests are made. No configuration can ask for them yet: this is what the generator will be given when the engine has them.
 */
export type PreviewPolicy = {
  /** When previews that nobody closed are taken away, as cron writes it, in UTC. */
  readonly sweep: string;
  /** Names of the secrets that a preview gets. */
  readonly secrets: readonly string[];
  readonly hosts: "ssh" | "local";
};

/** All that the workflows of a project are made from. */
export type WorkflowInput = {
  readonly config: Config;
  /** Path of the configuration from the repository's root, with slashes. */
  readonly configPath: string;
  /** What every job that does something uses. */
  readonly action: Pin;
  readonly previews: PreviewPolicy | null;
};
