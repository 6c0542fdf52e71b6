import type { Commit } from "./source.ts";

export type BuildRequest = {
  name: string;
  /** Folder of the build context, absolute. */
  context: string;
  /** Relative to the context. */
  dockerfile: string;
  target: string | null;
  platform: string;
  args: Readonly<Record<string, string>>;
  /** Values of build secrets by name; they reach BuildKit through the environment of its client, and no layer. */
  secrets: Readonly<Record<string, string>>;
  network: string | null;
  commit: Commit;
  /** `repository:tag` */
  reference: string;
  /** `keep`: in the builder's engine, under the reference. `verify`: it is seen that it builds, and nothing is kept but the cache. */
  purpose: "keep" | "verify";
  /** Every instruction is run again. */
  noCache: boolean;
  /** Where the layer cache lies beside the builder's own; null for nowhere. */
  cache: RemoteCache | null;
  timeoutMs: number;
  signal: AbortSignal;
  tell: (event: BuildEvent) => void;
};

/** A layer cache in a registry: `repository:tag`. */
export type RemoteCache = { reference: string /** Whether it is written too. */; write: boolean };

/** What happens while an image is built. A step is named as BuildKit does: `[build 3/7] RUN npm ci`. */
export type BuildEvent =
  | { kind: "step-began"; step: string }
  | { kind: "step-cached"; step: string }
  | { kind: "step-done"; step: string; ms: number }
  | { kind: "step-failed"; step: string; ms: number; reason: string }
  /** A whole line that a step wrote. */
  | { kind: "log"; step: string; line: string }
  | { kind: "warning"; text: string };

/** What a build had to do: instructions of the Dockerfile, and how many of them the cache answered. */
export type Built = {
  instructions: number;
  cached: number;
  /** Unpacked, in the builder's engine; null where nothing was kept. */
  sizeBytes: number | null;
};

/** Where images are built: never a host that runs them. Builds may run side by side. */
export type Builder = {
  /**
   * Builds an image for one platform. May be repeated; what is known already is taken from the cache.
   * @throws ShiplockError `build/failed` with the instruction, its line and what it said last; `build/buildx-missing`, `build/buildx-old`, `build/no-engine`
   */
  build(request: BuildRequest): Promise<Built>;
};
