import type { Outcome, RequestKind } from "./types.ts";

export type Answer = { status: number; versionHeader: string | undefined; body: string };

export type Expectation = {
  kind: RequestKind;
  /** What a POST sent and wants back. */
  payload?: string;
  /** Judge by status alone; see `LoadTarget.plainPath`. */
  plain: boolean;
  mayAnswer: (version: string) => boolean;
};

export type Verdict = { class: Outcome; message: string; version?: string; status?: number };

const REFUSALS = new Set(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN", "ENOTFOUND", "EAI_AGAIN"]);

/** What an answer that arrived completely is worth. */
export function judgeAnswer(answer: Answer, expected: Expectation): Verdict {
  const { status } = answer;
  if (status >= 500) return { class: "5xx", status, message: `status ${status}: ${excerpt(answer.body)}` };
  if (status !== 200)
    return { class: "unexpected-status", status, message: `status ${status}: ${excerpt(answer.body)}` };
  if (expected.plain) return judgeVersion(answer.versionHeader, expected);
  const body = parseObject(answer.body);
  if (body === undefined) return { class: "wrong-body", message: `not a JSON object: ${excerpt(answer.body)}` };
  if (expected.kind === "internal-call" && body.ok !== true) {
    return { class: "internal-call-failed", message: excerpt(answer.body) };
  }
  const version = body.version;
  if (typeof version !== "string") return { class: "wrong-body", message: `no version in ${excerpt(answer.body)}` };
  // The header of an internal call is the caller's own release, the body names the release that it reached.
  if (expected.kind !== "internal-call" && answer.versionHeader !== version) {
    return {
      class: "mixed",
      version,
      message: `header says ${answer.versionHeader ?? "nothing"}, body says ${version}`,
    };
  }
  if (expected.payload !== undefined && body.body !== expected.payload) {
    return {
      class: "wrong-body",
      version,
      message: `sent ${excerpt(expected.payload)}, got ${excerpt(String(body.body))}`,
    };
  }
  return judgeVersion(version, expected);
}

function judgeVersion(version: string | undefined, expected: Expectation): Verdict {
  if (version === undefined) return { class: "ok", message: "" };
  if (expected.mayAnswer(version)) return { class: "ok", version, message: "" };
  return { class: "wrong-release", version, message: `answered by ${version}, which was not allowed then` };
}

/** What a connection's error is worth; a connection that ends before the answer has ended counts as reset. */
export function judgeError(error: Error): Verdict {
  const code = (error as NodeJS.ErrnoException).code;
  const message = code === undefined || error.message.includes(code) ? error.message : `${code}: ${error.message}`;
  if (code !== undefined && REFUSALS.has(code)) return { class: "refused", message };
  if (code === "ETIMEDOUT") return { class: "timed-out", message };
  return { class: "reset", message };
}

/** Which versions were allowed when. Ms since the run started; `undefined` allows any. */
export type AllowedSince = { fromMs: number; versions: ReadonlySet<string> | undefined };

/** Whether the version was allowed at any instant between `sentMs` and now: a request that spans a change may be answered by either side of it. */
export function allowedSince(history: readonly AllowedSince[], sentMs: number, version: string): boolean {
  for (let index = history.length - 1; index >= 0; index -= 1) {
    const entry = history[index];
    if (entry === undefined) break;
    if (entry.versions === undefined || entry.versions.has(version)) return true;
    if (entry.fromMs <= sentMs) return false;
  }
  return false;
}

function parseObject(text: string): Record<string, unknown> | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined; // the caller reports it, with the text
  }
  return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed) ? { ...parsed } : undefined;
}

function excerpt(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > 160 ? `${line.slice(0, 160)}… (${text.length} characters)` : line;
}
