import type { Counts, Gap, LoadReport, Loss, Occurrence } from "./types.ts";

/** Everything that was lost, most frequent first; empty when nothing was. An answer that only hung is not a loss. */
export function lossesOf(report: LoadReport): Loss[] {
  return [...report.losses].sort((one, other) => other.count - one.count);
}

/** The report as a table for people, several lines without colour. Times are seconds since the run started. */
export function formatReport(report: LoadReport): string {
  const { arrivals, webSockets } = report;
  const lines = [
    `${report.sent} requests in ${seconds(report.durationMs)} (${arrivals.sentPerSecond.toFixed(0)}/s of ` +
      `${arrivals.askedPerSecond}/s asked, at most ${arrivals.latestMs.toFixed(0)} ms late): ` +
      `${report.ok} ok, ${report.lost} lost, ${report.hung} hung`,
    "",
    ...table([
      ["kind", "sent", "ok", "lost", "hung", "p50 ms", "p90", "p99", "max"],
      ...report.byKind.map(({ kind, latency, ...counts }) => [
        kind,
        ...cells(counts),
        ...(latency === undefined
          ? []
          : [latency.p50, latency.p90, latency.p99, latency.max].map((ms) => ms.toFixed(1))),
      ]),
    ]),
    "",
    ...table([
      ["target", "sent", "ok", "lost", "hung", "longest time without an answer"],
      ...report.byTarget.map(({ target, longestGap, ...counts }) => [target, ...cells(counts), gap(longestGap)]),
      ...(report.byTarget.length > 1 ? [["all at once", ...cells(report), gap(report.longestGap)]] : []),
    ]),
  ];
  if (report.phases.length > 1) {
    const rows = report.phases.map(({ label, fromMs, ...counts }) => [label, seconds(fromMs), ...cells(counts)]);
    lines.push("", ...table([["phase", "from", "sent", "ok", "lost", "hung"], ...rows]));
  }
  if (report.versions.length > 0) {
    const rows = report.versions.map((one) => [
      one.version,
      String(one.count),
      seconds(one.firstAtMs),
      seconds(one.lastAtMs),
    ]);
    lines.push("", ...table([["version", "answers", "first", "last"], ...rows]));
  }
  if (webSockets.opened > 0) {
    lines.push(
      "",
      `WebSockets: ${webSockets.opened} opened, ${webSockets.closedAnnounced} closed as announced, ${webSockets.echoes} echoes`,
    );
  }
  for (const loss of lossesOf(report)) lines.push("", ...describeLoss(loss));
  if (report.hungFirst !== undefined) lines.push("", `hung ${report.hung} times`, describe("first", report.hungFirst));
  if (report.hungLast !== undefined && report.hung > 1) lines.push(describe("last", report.hungLast));
  return lines.join("\n");
}

function describeLoss(loss: Loss): string[] {
  const head = `LOST ${loss.count} × ${loss.class}: ${loss.kind} to ${loss.target}, ${loss.onReusedSocket} on a reused connection`;
  return loss.count === 1
    ? [head, describe("at", loss.first)]
    : [head, describe("first", loss.first), describe("last", loss.last)];
}

function describe(label: string, { atMs, tookMs, reused, idleMs, version, message }: Occurrence): string {
  const idle = idleMs === undefined ? "" : ` silent for ${seconds(idleMs)}`;
  const by = version === undefined ? "" : `, by ${version}`;
  return `  ${label} ${seconds(atMs)}: ${message} (${tookMs.toFixed(0)} ms, ${reused ? "reused" : "new"} connection${idle}${by})`;
}

function cells({ sent, ok, lost, hung }: Counts): string[] {
  return [sent, ok, lost, hung].map(String);
}

function gap(longest: Gap | undefined): string {
  return longest === undefined ? "-" : `${longest.ms.toFixed(0)} ms from ${seconds(longest.fromMs)}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

/** First column to the left, the others to the right, as wide as their widest cell. */
function table(rows: readonly (readonly string[])[]): string[] {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    widths
      .map((width, column) => (column === 0 ? (row[column] ?? "").padEnd(width) : (row[column] ?? "").padStart(width)))
      .join("  ")
      .trimEnd(),
  );
}
