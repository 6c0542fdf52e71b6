/** A file that init would write. */
export type WrittenFile = {
  readonly path: string;
  readonly text: string;
  /** `whole`: it is made by init. `edit`: a file of the team's with one change in it, which `why` explains. */
  readonly kind: "whole" | "edit";
  readonly why: string;
};

/** How a released service shows that it runs, and what to say about it in the configuration. */
export type Health =
  | { readonly kind: "http"; readonly path: string }
  | { readonly kind: "tcp" }
  | { readonly kind: "docker" }
  | { readonly kind: "command"; readonly command: readonly string[]; readonly comment?: string };

/** A backing service that code wants, by the library it talks through. */
export type Backing = "postgres" | "redis";

/** A container of the same image beside the first: a worker. */
export type Process = {
  readonly name: string;
  readonly command: readonly string[];
  readonly health: Health;
  readonly comment?: string;
};

/** A variable that a container wants. */
export type Wanted = {
  readonly name: string;
  /** What `.env.example` has for it, unless that may be a secret. */
  readonly example?: string;
  /** Its value is nobody's business, by its name or by what the example had. */
  readonly secret?: true;
  /** Code does without it, or has a value of its own for it. */
  readonly optional: boolean;
};

/** An application found in a folder: what is released. */
export type App = {
  /** Name of its image and service. */
  readonly name: string;
  /** Relative to the root; the root is "". */
  readonly folder: string;
  /** What it is, in its own words: "Next.js". */
  readonly kind: string;
  /** What says so: "next in dependencies". */
  readonly evidence: readonly string[];
  /** Pages for people, so it gets the bare host name. */
  readonly front: boolean;
  readonly port: number | null;
  readonly health: Health;
  readonly image: { readonly context: string; readonly dockerfile?: string };
  /** What is written where it is missing: Dockerfile, .dockerignore and what they need. */
  readonly files: readonly WrittenFile[];
  /** Build arguments, one value per environment. */
  readonly args: readonly Wanted[];
  readonly wants: readonly Wanted[];
  readonly backing: readonly Backing[];
  /** Dialect of its database address: "postgresql+psycopg". */
  readonly databaseScheme?: string;
  readonly processes: readonly Process[];
  readonly migrations: readonly string[] | null;
  /** Path that all of its addresses begin with, such as "/api". */
  readonly prefix: string | null;
  /** Wants a first process that passes signals on and reaps: Node.js as process 1 does neither. */
  readonly init: boolean;
  /** What a person should know and init cannot do. */
  readonly notes: readonly string[];
};

/** A check for the gate, as it stands in the configuration. */
export type CheckDraft = {
  readonly name: string;
  readonly from: string;
  readonly image: string;
  readonly run: string;
  readonly directory: string;
  readonly needs: readonly string[];
  readonly matrix: Readonly<Record<string, readonly string[]>>;
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
  readonly services: Readonly<
    Record<string, { readonly image: string; readonly env: Readonly<Record<string, string>>; readonly health?: string }>
  >;
  readonly caches: readonly { readonly path: string; readonly key: readonly string[] }[];
  readonly timeout?: string;
};

/** What a detector knows of the repository. */
export type Finding = { readonly what: string; readonly where: string; readonly evidence: readonly string[] };
