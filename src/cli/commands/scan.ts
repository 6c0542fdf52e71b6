import type { Environment, ScanPolicy } from "../../config/types.ts";
import { judgeScanGate } from "../../environments/gates/scan.ts";
import { ShiplockError } from "../../errors.ts";
import type { Engine } from "../../hosts/engine.ts";
import { digestsOf, type Evidence, newestReports, reportDocument } from "../../release/evidence.ts";
import { dayOf } from "../../release/scan/judge.ts";
import { verdictLines } from "../../release/scan/lines.ts";
import { scanShipped } from "../../release/scan/scan-image.ts";
import { summaryOf } from "../../release/scan/summary.ts";
import type { Release } from "../../release/types.ts";
import { systemClock } from "../../clock.ts";
import { argument } from "../arguments.ts";
import { type CommandContext, loadEnvironment } from "../context.ts";
import { keepDocuments, keptAbout, loginFor, scannerOf, tellScan, writeSarif } from "../evidence.ts";
import { exitCodes } from "../exit-codes.ts";
import { knownRelease } from "../known-release.ts";
import { printable } from "../output.ts";
import { buildEngine } from "../wiring.ts";
import type { Flags } from "./table.ts";

/** Scans a release again, or takes the reports that are kept, and judges them as of today by the environment's policy. Deploys nothing. */
export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
): Promise<number> {
  const { output } = context;
  const { config, environment } = await loadEnvironment(context, argument(args, 0));
  const policy = policyOf(environment);
  const release = await knownRelease(context, config, environment, flags);
  output.line(`${output.paint.bold(release.id)} ${printable(release.subject)}`);
  const images = Object.values(release.images);
  const documents: Evidence[] = [];
  if (flags["kept"] === true) {
    for (const image of images) {
      const kept = await keptAbout(context, config.project, digestsOf(image));
      documents.push(...kept.map((document) => ({ ...document, image: image.name, made: false })));
    }
  } else {
    const scanner = (): ReturnType<typeof scannerOf> => scannerOf(context, config, policy);
    const engine = (): Engine => buildEngine(context.env);
    const registry = await loginFor(context, config);
    const world = { scanner, engine, registry, clock: systemClock, signal: context.signal };
    for (const image of images) {
      documents.push(reportDocument(await scanShipped(world, policy, image)));
      output.line(`  ${output.paint.dim(`${image.name} │`)} scanned with ${policy.with}`);
    }
    await keepDocuments(context, release, documents);
  }
  const found = newestReports(documents);
  const reports = found.map(({ report }) => report);
  const today = dayOf(systemClock.now());
  const { decision, verdict } = judgeScanGate({ policy, images: images.map(({ name }) => name), reports, today });
  const scan = summaryOf(found);
  await writeSarif(context, flags, reports, verdict);
  output.result({ release: release.id, environment: environment.name, decision, scan, verdict, reports });
  tellScan(context, { release: { ...release, scan } satisfies Release, decision, verdict });
  for (const line of verdict === null ? [] : verdictLines(verdict).blocking) output.line(`    ${printable(line)}`);
  if (decision.answer === "block") output.line(`  ${output.paint.cyan("what to do")}: ${decision.remedy}`);
  return decision.answer === "pass" ? exitCodes.done : exitCodes.gate;
}

function policyOf({ scan, name }: Environment): ScanPolicy {
  if (scan !== undefined && scan !== "off") return scan;
  throw new ShiplockError({
    code: "scan/off",
    blame: "usage",
    message: scan === "off" ? `${name} has \`scan: off\`` : "the configuration has no scan",
    remedy:
      scan === "off" ? "name an environment that has a scan" : "say which scanner there is: `scan: { with: trivy }`",
  });
}
