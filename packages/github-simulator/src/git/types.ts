export type Signature = { readonly name: string; readonly email: string; readonly date: string };

export type Commit = {
  readonly sha: string;
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: Signature;
  readonly committer: Signature;
  readonly message: string;
};

export type Ref = {
  /** `refs/heads/main` */
  readonly name: string;
  readonly sha: string;
  /** An annotated tag is an object of its own. */
  readonly type: "commit" | "tag";
};

export type ChangedFile = {
  readonly path: string;
  readonly previous: string | null;
  readonly status: "added" | "removed" | "modified" | "renamed";
  readonly additions: number;
  readonly deletions: number;
  readonly sha: string | null;
};

export type NewCommit = {
  readonly message: string;
  readonly author: { readonly name: string; readonly email: string };
  readonly at: Date;
  readonly parents: readonly string[];
  /** By path; null removes. Added to the first parent's files. */
  readonly files: Readonly<Record<string, string | null>>;
};

/** The repository's git side: one bare repository on disk, which a test may clone from and push to as well. */
export type GitStore = {
  /** The bare repository's folder. */
  readonly folder: string;
  /** The commit that a branch, a tag, `heads/…`, `tags/…`, `refs/…` or a hash of at least 7 characters names; null when there is none. */
  resolve(ref: string): Promise<string | null>;
  /** The references whose name begins so: `refs/heads/`. Sorted by name. */
  refs(prefix: string): Promise<readonly Ref[]>;
  /** Sets or creates; null deletes. */
  setRef(name: string, sha: string | null): Promise<void>;
  commit(commit: NewCommit): Promise<string>;
  /** The merge of `head` into `base` as a commit without a branch; null when they conflict. */
  merge(
    base: string,
    head: string,
    about: { message: string; author: NewCommit["author"]; at: Date },
  ): Promise<string | null>;
  /** A commit with the files of another and parents of its own. */
  commitTree(about: {
    of: string;
    parents: readonly string[];
    message: string;
    author: NewCommit["author"];
    at: Date;
  }): Promise<string>;
  read(sha: string): Promise<Commit | null>;
  /** What is reachable from `to` and not from `from`, newest first, at most `limit`. */
  between(from: string | null, to: string, limit: number): Promise<readonly Commit[]>;
  /** What is reachable, newest first; only what touched `path`, and between two times, where those are told. */
  history(sha: string, about: { path?: string; since?: string; until?: string }): Promise<readonly Commit[]>;
  mergeBase(one: string, other: string): Promise<string | null>;
  changedFiles(from: string, to: string): Promise<readonly ChangedFile[]>;
  /** A file's content at a commit; null when there is none. */
  file(sha: string, path: string): Promise<{ readonly sha: string; readonly content: Buffer } | null>;
};
