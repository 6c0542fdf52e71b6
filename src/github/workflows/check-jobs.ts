import { createHash } from "node:crypto";
import { expandChecks } from "../../checks/graph.ts";
import type { Check } from "../../config/types.ts";
import { type Condition, ifOf, literal, quoted, valueOf } from "./expressions.ts";
import { actionStep, checkout, ownName, permissions, runsOn, timeout, uses } from "./job.ts";
import { neededToCheck } from "./needed.ts";
import { pins } from "./pins.ts";
import type { WorkflowInput } from "./types.ts";
import { entry, type Entry, mapping, type Mapping } from "./yaml.ts";

/** Where a check finds what it needs, and leaves what others need of it. Not in the checkout, which stays as it was committed. */
const handed = "${{ runner.temp }}/shiplock/handed";
const handOver = "${{ runner.temp }}/shiplock/hand-over";
const artifacts = "${{ runner.temp }}/shiplock/artifacts";
const caches = "${{ runner.temp }}/shiplock/caches";
/** Where the results are kept that still hold as long as nothing that they depend on changes. */
const kept = "~/.local/state/shiplock/checks/results";

export type CheckJobs = {
  /** Expression of the commit that is checked; null for that of the run. */
  readonly ref: string | null;
  /** When the jobs run at all; null for always. */
  readonly when: Condition | null;
  /** What a secret becomes; see `ActionStep`. */
  readonly secret?: (name: string) => string;
  /** Whether results of earlier runs are taken, and kept for later ones. Null for always. */
  readonly cacheWhen: string | null;
};

/** The name of a check's job. */
export function checkJob(name: string): string {
  return `check-${name}`;
}

/** The jobs that have to pass before anything of a commit is deployed. */
export function requiredJobs({ config }: WorkflowInput): string[] {
  return Object.values(config.checks)
    .filter(({ required }) => required)
    .map(({ name }) => checkJob(name));
}

/** A job for every check, which waits for those that it needs. */
export function checkJobs(input: WorkflowInput, jobs: CheckJobs): Entry[] {
  return Object.values(input.config.checks).map((check) =>
    entry(checkJob(check.name), jobOf(input, check, jobs), { apart: true }),
  );
}

function jobOf(input: WorkflowInput, check: Check, { ref, when, secret, cacheWhen }: CheckJobs): Mapping {
  const { config } = input;
  const all = Object.values(config.checks);
  const ids = expandChecks(config.checks).flatMap((job) => (job.check.name === check.name ? [job.id] : []));
  const [id = check.name] = ids;
  const inMatrix = Object.keys(check.matrix).length > 0;
  const called = inMatrix ? valueOf("matrix.job") : id;
  const needed = neededToCheck(config, check);
  const isNeeded = all.some(({ needs }) => needs.includes(check.name));
  const place = inMatrix ? `.${valueOf("strategy.job-index")}` : "";
  const startMs = Math.max(0, ...check.services.map(({ startPeriodMs }) => startPeriodMs));
  const told = config.notify.filter(({ named }) => named.includes("check-failed")).map(({ to }) => to.kind);
  return mapping(
    entry("name", called),
    check.needs.length === 0 ? null : entry("needs", check.needs.map(checkJob)),
    when === null ? null : entry("if", ifOf(when)),
    runsOn(config),
    timeout((check.timeoutMs + startMs) * (check.retries + 1)),
    permissions({
      contents: "read",
      checks: config.github.ledger ? "write" : undefined,
      statuses: told.includes("commit-status") ? "write" : undefined,
      "pull-requests": told.includes("pull-request") ? "write" : undefined,
      "id-token": needed.cloud ? "write" : undefined,
    }),
    inMatrix
      ? entry("strategy", mapping(entry("fail-fast", false), entry("matrix", mapping(entry("job", ids.map(literal))))))
      : null,
    entry("steps", [
      checkout(ref, false),
      ...(check.cached ? [resultCache(input, check, place, cacheWhen)] : []),
      ...(hasCaches(check) ? [volumeCache(input, check, place, cacheWhen)] : []),
      ...check.needs.map((need) => download(need)),
      actionStep(input, {
        name: `shiplock check`,
        inputs: {
          command: "check",
          checks: called,
          handed: check.needs.length > 0 ? handed : undefined,
          "hand-over": isNeeded ? handOver : undefined,
          artifacts: check.artifacts.length > 0 ? artifacts : undefined,
          caches: hasCaches(check) ? caches : undefined,
        },
        needed,
        ...(secret === undefined ? {} : { secret }),
      }),
      ...(isNeeded ? [upload(check, place)] : []),
      ...(check.artifacts.length > 0 ? [keepArtifacts(check, place)] : []),
    ]),
  );
}

function resultCache(input: WorkflowInput, { name }: Check, place: string, when: string | null): Mapping {
  // No name has a dot: what begins like the key of one check is of no other.
  const start = `${ownName(input, `check-${name}`)}${place === "" ? ".0" : place}-`;
  return mapping(
    entry("name", "Results of earlier runs"),
    when === null ? null : entry("if", when),
    ...uses(
      pins.cache,
      entry(
        "with",
        mapping(entry("path", kept), entry("key", `${start}${valueOf("github.sha")}`), entry("restore-keys", start)),
      ),
    ),
  );
}

/** Only containers have caches. */
function hasCaches({ caches: volumes, place }: Check): boolean {
  return volumes.length > 0 && place.kind === "container";
}

/** What the check's `caches` hold, as files. It is the same as long as images, paths and the files are that they are keyed by. */
function volumeCache({ config, configPath }: WorkflowInput, check: Check, place: string, when: string | null): Mapping {
  const folder = configPath.split("/").slice(0, -1);
  const files = check.caches.flatMap(({ key }) => key.map((file) => [...folder, check.directory, file].join("/")));
  const paths = [...new Set(files.map((file) => file.replaceAll(/(^|\/)(?:\.\/)+/g, "$1")))].sort();
  const images = expandChecks(config.checks).flatMap((job) => (job.check.name === check.name ? [job.check.place] : []));
  return mapping(
    entry("name", "Caches of earlier runs"),
    when === null ? null : entry("if", when),
    ...uses(
      pins.cache,
      entry(
        "with",
        mapping(
          entry("path", caches),
          entry(
            "key",
            `shiplock-caches-${check.name}${place}-${shortHash([images, check.caches])}-${valueOf(`hashFiles(${paths.map(quoted).join(", ")})`)}`,
          ),
        ),
      ),
    ),
  );
}

function shortHash(of: unknown): string {
  return createHash("sha256").update(JSON.stringify(of)).digest("hex").slice(0, 8);
}

function download(need: string): Mapping {
  return mapping(
    entry("name", `What ${need} hands over`),
    ...uses(
      pins.download,
      entry(
        "with",
        mapping(entry("pattern", `shiplock.${need}.*`), entry("path", handed), entry("merge-multiple", true)),
      ),
    ),
  );
}

function upload({ name }: Check, place: string): Mapping {
  return mapping(
    entry("name", "Hand over to those that need it"),
    ...uses(
      pins.upload,
      entry(
        "with",
        mapping(
          entry("name", `shiplock.${name}${place === "" ? ".0" : place}`),
          entry("path", handOver),
          entry("if-no-files-found", "ignore"),
          entry("overwrite", true),
          entry("retention-days", 1),
        ),
      ),
    ),
  );
}

/** Also of a check that failed: then they are wanted most. */
function keepArtifacts({ name }: Check, place: string): Mapping {
  return mapping(
    entry("name", "Keep its artifacts"),
    entry("if", "always()"),
    ...uses(
      pins.upload,
      entry(
        "with",
        mapping(
          entry("name", `artifacts.${name}${place}`),
          entry("path", artifacts),
          entry("include-hidden-files", true),
          entry("if-no-files-found", "ignore"),
          entry("overwrite", true),
        ),
      ),
    ),
  );
}
