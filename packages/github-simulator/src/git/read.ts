import type { ChangedFile, Commit, Signature } from "./types.ts";

/** One record per commit, with characters between that no name or message has. */
export const logFormat = "%H%x1f%T%x1f%P%x1f%an%x1f%ae%x1f%aI%x1f%cn%x1f%ce%x1f%cI%x1f%B%x1e";

/** Reads what `git log` writes in `logFormat`. */
export function commitsFrom(text: string): Commit[] {
  return text
    .split("\x1e")
    .map((record) => record.replace(/^\n/, ""))
    .filter((record) => record !== "")
    .map((record) => {
      const [sha = "", tree = "", parents = "", an = "", ae = "", ad = "", cn = "", ce = "", cd = "", message = ""] =
        record.split("\x1f");
      return {
        sha,
        tree,
        parents: parents === "" ? [] : parents.split(" "),
        author: { name: an, email: ae, date: inUtc(new Date(ad)) },
        committer: { name: cn, email: ce, date: inUtc(new Date(cd)) },
        message: message.trimEnd(),
      };
    });
}

/** Reads a commit object. */
export function commitFrom(sha: string, text: string): Commit | null {
  const end = text.indexOf("\n\n");
  const headers = text.slice(0, end).split("\n");
  const values = (name: string): string[] =>
    headers.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
  const [tree] = values("tree");
  const [author] = values("author").map(signatureFrom);
  const [committer] = values("committer").map(signatureFrom);
  if (tree === undefined || author === undefined || committer === undefined) return null;
  return { sha, tree, parents: values("parent"), author, committer, message: text.slice(end + 2).trimEnd() };
}

function signatureFrom(text: string): Signature {
  const [, name = "", email = "", seconds = "0"] = /^(.*) <(.*)> (\d+) [+-]\d{4}$/.exec(text) ?? [];
  return { name, email, date: inUtc(new Date(Number(seconds) * 1000)) };
}

/** As GitHub writes times: `2026-11-21T22:05:00Z`. */
export function inUtc(date: Date): string {
  return date.toISOString().replace(/\.\d{3}Z$/, "Z");
}

const statuses: Readonly<Record<string, ChangedFile["status"]>> = {
  A: "added",
  D: "removed",
  M: "modified",
  T: "modified",
  R: "renamed",
  C: "added",
};

/** Reads `git diff --raw --numstat -z`: first what happened to each file, then how many lines. */
export function changedFilesFrom(text: string): ChangedFile[] {
  const fields = text.split("\0");
  const files = new Map<string, ChangedFile>();
  for (let at = 0; at < fields.length; ) {
    const field = (fields[at] ?? "").replace(/^\n/, "");
    if (field.startsWith(":")) {
      const [, , , sha = "", letter = "M"] = field.split(" ");
      const moved = letter.startsWith("R") || letter.startsWith("C");
      const path = fields[at + (moved ? 2 : 1)] ?? "";
      files.set(path, {
        path,
        previous: moved ? (fields[at + 1] ?? null) : null,
        status: statuses[letter.slice(0, 1)] ?? "modified",
        ...{ additions: 0, deletions: 0, sha: /^0+$/.test(sha) ? null : sha },
      });
      at += moved ? 3 : 2;
      continue;
    }
    const [additions = "", deletions = "", name] = field.split("\t");
    const moved = name === "";
    const path = moved ? (fields[at + 2] ?? "") : (name ?? "");
    const file = files.get(path);
    if (file !== undefined)
      files.set(path, { ...file, additions: Number(additions) || 0, deletions: Number(deletions) || 0 });
    at += moved ? 3 : 1;
  }
  return [...files.values()];
}
