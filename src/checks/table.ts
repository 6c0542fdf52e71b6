import { percentText } from "./judge.ts";
import type { JobOutcome, ReportSummary } from "./types.ts";

/** How a check ended, as the table tells it. */
export type CheckRow = {
  readonly id: string;
  readonly outcome: JobOutcome;
  /** Why it was skipped, failed or cancelled, in a few words; empty where there is nothing to say. */
  readonly reason: string;
  /** Null for one that never ran. */
  readonly durationMs: number | null;
  readonly reports: ReportSummary | null;
  /** Whether a failure closes the gate. */
  readonly required: boolean;
};

export type Tone = "good" | "bad" | "quiet" | "plain";
export type Cell = { readonly text: string; readonly tone: Tone };
/** Cells of one row; the rows of a table have the same number. `right`: columns of numbers. */
export type Table = {
  readonly heading: readonly string[];
  readonly right: readonly boolean[];
  readonly rows: readonly (readonly Cell[])[];
};

type Colour = "dim" | "green" | "red";
/** Colours of a terminal; the identity where there are none. */
export type TablePaint = Readonly<Record<Colour, (text: string) => string>>;

type Column = { heading: string; right: boolean; always: boolean; cell(row: CheckRow): Cell };

const columns: readonly Column[] = [
  { heading: "check", right: false, always: true, cell: (row) => plain(row.id) },
  { heading: "result", right: false, always: true, cell: resultCell },
  {
    heading: "duration",
    right: true,
    always: true,
    cell: ({ durationMs }) => quiet(durationMs === null ? "" : durationText(durationMs)),
  },
  { heading: "tests", right: false, always: false, cell: ({ reports }) => testsCell(reports) },
  { heading: "coverage", right: true, always: false, cell: ({ reports }) => coverageCell(reports) },
  { heading: "warnings", right: true, always: false, cell: ({ reports }) => warningsCell(reports) },
  { heading: "why", right: false, always: false, cell: ({ reason }) => plain(reason.replaceAll(/\s+/g, " ").trim()) },
];

/** What the table says. A column in which no check has anything to say is left out. */
export function checkTable(rows: readonly CheckRow[]): Table {
  const cells = rows.map((row) => columns.map((column) => column.cell(row)));
  const shown = columns.flatMap((column, index) =>
    column.always || cells.some((row) => (row[index]?.text ?? "") !== "") ? [{ column, index }] : [],
  );
  return {
    heading: shown.map(({ column }) => column.heading),
    right: shown.map(({ column }) => column.right),
    rows: cells.map((row) => shown.map(({ index }) => row[index] ?? plain(""))),
  };
}

/** The table as lines whose columns lie below each other; colours take no room. */
export function renderTable(table: Table, paint: TablePaint): readonly string[] {
  const widths = table.heading.map((heading, index) =>
    Math.max(width(heading), ...table.rows.map((row) => width(row[index]?.text ?? ""))),
  );
  const line = (cells: readonly Cell[]): string =>
    cells
      .map(({ text, tone }, index) => {
        const room = " ".repeat(Math.max(0, (widths[index] ?? 0) - width(text)));
        const painted = text === "" ? "" : coloured(text, tone, paint);
        if (table.right[index] === true) return `${room}${painted}`;
        return index === cells.length - 1 ? painted : `${painted}${room}`;
      })
      .join("  ")
      .trimEnd();
  return [line(table.heading.map(quiet)), ...table.rows.map(line)];
}

/** `340 ms`, `12.4 s`, `3 min 5 s`. */
export function durationText(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 59_950) return `${(milliseconds / 1_000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1_000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

function resultCell({ outcome, required }: CheckRow): Cell {
  const optional = required ? "" : " (not required)";
  switch (outcome) {
    case "passed":
    case "cached":
      return { text: outcome, tone: "good" };
    case "failed":
      return { text: `failed${optional}`, tone: "bad" };
    case "timed-out":
      return { text: `timed out${optional}`, tone: "bad" };
    case "skipped":
    case "cancelled":
      return quiet(`${outcome}${optional}`);
  }
}

function testsCell(reports: ReportSummary | null): Cell {
  const tests = reports?.tests;
  if (tests === undefined || tests === null) return plain("");
  const passed = Math.max(0, tests.tests - tests.failed - tests.skipped);
  const parts = [
    ...(tests.failed > 0 ? [`${tests.failed} failed`] : []),
    `${passed} passed`,
    ...(tests.skipped > 0 ? [`${tests.skipped} skipped`] : []),
  ];
  return { text: parts.join(", "), tone: tests.failed > 0 ? "bad" : "plain" };
}

function coverageCell(reports: ReportSummary | null): Cell {
  const percent = reports?.coverage?.percent;
  return plain(percent === undefined || percent === null ? "" : percentText(percent));
}

function warningsCell(reports: ReportSummary | null): Cell {
  const found = reports?.warnings;
  return plain(found === undefined || found === null ? "" : String(found.warnings + found.errors));
}

function plain(text: string): Cell {
  return { text, tone: "plain" };
}

function quiet(text: string): Cell {
  return { text, tone: "quiet" };
}

function coloured(text: string, tone: Tone, paint: TablePaint): string {
  switch (tone) {
    case "good":
      return paint.green(text);
    case "bad":
      return paint.red(text);
    case "quiet":
      return paint.dim(text);
    case "plain":
      return text;
  }
}

/** In characters as a person counts them. */
function width(text: string): number {
  return [...new Intl.Segmenter().segment(text)].length;
}
