import { counted } from "../../counted.ts";
import { lintWorkflows } from "../../github/lint/lint.ts";
import { sarifOf } from "../../github/lint/sarif.ts";
import type { Finding } from "../../github/lint/types.ts";
import type { Flags } from "../commands/table.ts";
import type { CommandContext } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { printable } from "../output.ts";
import { writeSarifFile } from "../sarif-file.ts";
import { version } from "../version.ts";
import { readWorkflowFiles } from "./workflow-files.ts";

/** Says what can go wrong with deployments that somebody wrote by hand. Exit 1 with findings that no comment switches off. */
export async function lint(context: CommandContext, files: readonly string[], flags: Flags): Promise<number> {
  const sources = await readWorkflowFiles(context, files);
  const all = lintWorkflows(sources);
  const findings = all.filter(({ ignored }) => ignored === null);
  const ignored = all.filter((finding) => finding.ignored !== null);
  for (const finding of all) context.output.event({ kind: "finding", ...finding });
  context.output.result({ files: Object.keys(sources), findings, ignored });
  tell(context, Object.keys(sources).length, findings, ignored.length);
  await writeSarifFile(context, flags, "workflows", () => sarifOf(all, version));
  return findings.length === 0 ? exitCodes.done : exitCodes.failed;
}

function tell({ output }: CommandContext, files: number, findings: readonly Finding[], ignored: number): void {
  const { paint } = output;
  let shown = "";
  for (const finding of findings) {
    const { rule, severity, file, line, column, message, mend } = finding;
    const word = severity === "error" ? paint.red("error  ") : paint.yellow("warning");
    output.line(`${printable(file)}:${line}:${column}  ${word}  ${paint.bold(rule)}`);
    output.line(`    ${printable(message)}`);
    output.line(`    ${paint.cyan("what to do")}: ${printable(mend)}`);
    shown = finding.help;
  }
  const among = counted(files, "file");
  const aside = ignored === 0 ? "" : `, ${ignored} switched off by a comment`;
  if (findings.length === 0) {
    output.line(`${paint.green("nothing found")} in ${among}${aside}`);
    return;
  }
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const parts = [counted(errors, "error"), counted(findings.length - errors, "warning")];
  output.line(`${counted(findings.length, "finding")} in ${among}: ${parts.join(", ")}${aside}`);
  output.line(paint.dim(`each rule is explained in ${shown.replace(/#.*$/, "")}`));
}
