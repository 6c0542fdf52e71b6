import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../clock.ts";
import { resolveArguments } from "../config/environment.ts";
import { isLocalRepository } from "../config/local-repository.ts";
import { secretNames } from "../config/secret-names.ts";
import type { Config, Environment, Image, ScanPolicy } from "../config/types.ts";
import { messageOf } from "../errors.ts";
import type { Engine } from "../hosts/engine.ts";
import type { GateAnswer, NewAttachment } from "../ledger/types.ts";
import { type BuiltImage, collectEvidence, type Evidence, type JudgedRelease } from "../release/evidence.ts";
import { type BaseImage, basesIn, withoutLogin } from "../release/provenance/statement.ts";
import { attachToImage } from "../release/registry/referrers.ts";
import { parseReference } from "../release/registry/reference.ts";
import type { Registry } from "../release/registry/types.ts";
import { grypeScanner } from "../release/scan/grype.ts";
import type { ScanVerdict } from "../release/scan/judge.ts";
import { scanBlocked, verdictLines } from "../release/scan/lines.ts";
import { sarifOf } from "../release/scan/sarif.ts";
import { summaryText } from "../release/scan/summary.ts";
import { trivyScanner } from "../release/scan/trivy.ts";
import type { Scanner, ScanReport } from "../release/scan/types.ts";
import { originOf, repositoryRoot } from "../release/source.ts";
import type { Release } from "../release/types.ts";
import type { Flags } from "./commands/table.ts";
import { type CommandContext, openHistory } from "./context.ts";
import { printable } from "./output.ts";
import { rememberRelease } from "./record-history.ts";
import type { CheckedOut } from "./release-source.ts";
import { version } from "./version.ts";
import { registryAuth, registryLogins } from "./registry-logins.ts";
import { writeSarifFile } from "./sarif-file.ts";
import { buildEngine, registryOf } from "./wiring.ts";

/** What evidence is about, of a checkout or of a release that is known. */
type About = Pick<CheckedOut, "config" | "environment" | "commit" | "dirty" | "folder">;

/**
 * Makes a release and keeps with it what is known of its images. The environment's policy is judged before an image goes anywhere, and once more for all of them.
 * @param make builds and ships; it has each image looked at in between
 * @returns the release, with what its scan found, and the gate's answer
 * @throws ShiplockError `gate/scan`, and those of the scanner: `scan/…`
 */
export async function withEvidence(
  context: CommandContext,
  config: Config,
  source: About,
  flags: Flags,
  make: (examine: (built: BuiltImage) => Promise<void>) => Promise<Release>,
): Promise<{ release: Release; gates: readonly GateAnswer[] }> {
  const evidence = await evidenceFor(context, config, source);
  let judged: JudgedRelease;
  try {
    judged = await evidence.complete(await make(evidence.examine));
  } catch (error) {
    // What was found until then is what the failure is about, and the failure is worth more than the file.
    await writeSarif(context, flags, evidence.reports(), null).catch((unwritten: unknown) =>
      context.output.note(`warning: ${messageOf(unwritten)}`),
    );
    throw error;
  }
  await keepEvidence(context, source.config, judged);
  await writeSarif(context, flags, judged.reports, judged.verdict);
  tellScan(context, judged);
  if (judged.decision.answer !== "pass") throw scanBlocked(judged.decision, judged.verdict);
  return { release: judged.release, gates: answersOf(context, judged) };
}

/** What the gate said, for the history; nothing where there is no scan. */
function answersOf({ output }: CommandContext, { decision, verdict, release }: JudgedRelease): GateAnswer[] {
  if (verdict === null) return [];
  const { gate, answer, reason } = decision;
  return [{ at: systemClock.now().getTime(), gate, answer, reason: output.mask(reason), payload: release.scan }];
}

/**
 * Demands of a release that exists what the environment demands: by the reports that are kept, and by a scan in the registry where there is none.
 * @throws ShiplockError as `withEvidence`
 */
export async function demandScan(
  context: CommandContext,
  config: Config,
  environment: Environment,
  release: Release,
): Promise<readonly GateAnswer[]> {
  if (environment.scan === undefined || environment.scan === "off") return [];
  const about = aboutRelease(config, environment, release);
  return (await withEvidence(context, config, about, {}, async () => release)).gates;
}

/** Nothing of it is built, so there is no checkout. */
function aboutRelease(config: Config, environment: Environment, release: Release): About {
  const { commit: hash, commitTime: time, subject, ref, refKind = null, dirty } = release;
  return { config, environment, commit: { hash, time, subject, ref, refKind }, dirty, folder: config.folder };
}

/** Gathers what is known of the images of a checkout while they are made. */
async function evidenceFor(
  context: CommandContext,
  config: Config,
  source: About,
): Promise<ReturnType<typeof collectEvidence>> {
  const { environment, commit, dirty, folder } = source;
  const { output } = context;
  const engine = (): Engine => buildEngine(context.env);
  return collectEvidence({
    policy: environment.scan,
    scanner: (policy) => scannerOf(context, source.config, policy),
    engine,
    registry: await loginFor(context, source.config),
    kept: (digests) => keptAbout(context, config.project, digests),
    commit,
    dirty,
    repository: async () => {
      const remote = await originOf(await repositoryRoot(config.folder));
      return remote === null ? null : withoutLogin(remote);
    },
    argumentsOf: (image) => resolveArguments(source.config, image, environment, context.env),
    bases: (image) => basesOf(image, folder, engine()),
    versions: { shiplock: version },
    invocation: `urn:uuid:${randomUUID()}`,
    clock: systemClock,
    mask: output.mask,
    signal: context.signal,
    log: (image, line) => output.line(`  ${output.paint.dim(`${image} │`)} ${printable(line)}`),
  });
}

/** The scanner that a policy names, as a program of this machine. It sees none of the project's secrets. */
export function scannerOf(context: CommandContext, config: Config, policy: ScanPolicy): Scanner {
  const scanner = policy.with === "trivy" ? trivyScanner : grypeScanner;
  return scanner({ env: context.env, withhold: secretNames(config) });
}

/** How a scanner reaches the project's registry: with the configuration's login, or, without one, as Docker's own configuration on this machine has it. */
export async function loginFor(context: CommandContext, config: Config) {
  return { login: await registryAuth(config, context), insecure: config.registry?.insecure === true };
}

/** Keeps a release with its documents in the history of this machine, and what was made just now beside the images in their registry. */
export async function keepEvidence(context: CommandContext, config: Config, judged: JudgedRelease): Promise<void> {
  const { release, documents } = judged;
  await keepDocuments(context, release, documents);
  const logins = registryLogins(config, context);
  await publish(context, registryOf(config, logins), release, documents);
}

/** Keeps documents with a release in the history of this machine. */
export async function keepDocuments(
  context: CommandContext,
  release: Release,
  documents: readonly Evidence[],
): Promise<void> {
  const ledger = await openHistory(context);
  try {
    await rememberRelease(ledger, release);
    for (const { made: _, ...document } of documents)
      await ledger.attachToRelease(release.project, release.id, document);
  } finally {
    await ledger.close();
  }
}

/** What the gate said, where there is one: in a line, and what is let through or could go. */
export function tellScan(
  context: CommandContext,
  judged: Pick<JudgedRelease, "release" | "decision" | "verdict">,
): void {
  const { output } = context;
  const { release, decision, verdict } = judged;
  if (verdict === null) {
    if (decision.reason === "scan: off") output.line(`  ${output.paint.yellow("scan: off")}`);
    return;
  }
  const found = release.scan === null ? "" : `; known: ${summaryText(release.scan)}`;
  const colour = decision.answer === "pass" ? output.paint.green : output.paint.red;
  output.line(`  ${colour("scan")} ${decision.reason}${found}`);
  const { ignored, unused } = verdictLines(verdict);
  for (const line of ignored) output.line(`    ${output.paint.dim(line)}`);
  for (const line of unused)
    output.line(`    ${output.paint.yellow("scan.ignore")} ${line} fits nothing that was found: it can go`);
}

/** Writes reports to the file that `--sarif` names, where it does. */
export async function writeSarif(
  context: CommandContext,
  flags: Flags,
  reports: readonly ScanReport[],
  verdict: ScanVerdict | null,
): Promise<void> {
  await writeSarifFile(context, flags, "scan", () => sarifOf(reports, verdict?.ignored ?? []));
}

/** What the history of this machine keeps about images, oldest first. */
export async function keptAbout(
  context: CommandContext,
  project: string,
  digests: readonly string[],
): Promise<NewAttachment[]> {
  const ledger = await openHistory(context);
  try {
    const found: NewAttachment[] = [];
    for (const subject of digests) {
      for (const { release: _, digest, size: __, ...attachment } of await ledger.attachmentsAbout(project, subject)) {
        const bytes = await ledger.readAttachment(project, digest);
        if (bytes !== null) found.push({ ...attachment, bytes });
      }
    }
    return found.sort((left, right) => left.at - right.at);
  } finally {
    await ledger.close();
  }
}

/** Puts what was made just now into the registry, so that other machines have it. A registry that does not take it is told, and stops nothing: the history has it. */
async function publish(
  context: CommandContext,
  registry: Registry,
  release: Release,
  documents: readonly Evidence[],
): Promise<void> {
  for (const { made, kind, image: name, subject: digest, mediaType, bytes, at } of documents) {
    const image = release.images[name];
    if (!made || kind === "scan" || image === undefined || isLocalRepository(image.repository)) continue;
    const repository = parseReference(image.repository);
    const call = { signal: context.signal };
    try {
      const manifest = await registry.manifest({ ...repository, tag: null, digest }, call);
      const subject = { mediaType: manifest.mediaType, digest, size: manifest.bytes.byteLength };
      const document = { artifactType: mediaType, bytes, at: new Date(at).toISOString() };
      await attachToImage(registry, repository, subject, document, call);
    } catch (cause) {
      context.signal.throwIfAborted();
      context.output.note(
        `warning: the ${kind} of ${name} is kept here, but its registry did not take it: ${messageOf(cause)}`,
      );
    }
  }
}

/** The images that the Dockerfile names, with their digests where the builder's engine has them from a registry. */
async function basesOf(image: Image, folder: string, engine: Pick<Engine, "inspectImage">): Promise<BaseImage[]> {
  const text = await readFile(join(folder, image.context, image.dockerfile), "utf8");
  return Promise.all(
    basesIn(text).map(async (reference) => {
      const local = await engine.inspectImage(reference);
      const [digest] = local?.repoDigests.map((each) => each.split("@")[1] ?? "").filter((each) => each !== "") ?? [];
      return { reference, digest: digest ?? null };
    }),
  );
}
