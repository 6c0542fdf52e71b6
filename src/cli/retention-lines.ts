import type { Retention } from "../environments/retention/types.ts";
import type { Paint } from "./output.ts";

/** What a prune takes away, or would, line by line: the same lines for both. */
export function retentionLines(retention: Retention, environment: string, dryRun: boolean, paint: Paint): string[] {
  const { kept, forgotten, registry, hosts, operations, documents, stays } = retention;
  const onHosts = hosts.flatMap(({ host, containers, images, files }) => [
    ...containers.map(({ name, release }) => `${host}: container ${name} of ${release}`),
    ...images.map(({ tag }) => `${host}: image ${tag}`),
    ...files.map((hash) => `${host}: mounted files ${hash}`),
  ]);
  const gone = [
    ...forgotten.map((release) => `${release} can be gone back to no more`),
    ...registry.map(
      ({ repository, digest, tags }) =>
        `registry: ${repository}@${digest}${tags.length === 0 ? "" : ` (${tags.join(", ")})`}`,
    ),
    ...onHosts,
    ...operations.map((operation) => `record: plan and journal of ${operation}`),
    ...documents.map((document) => `record: release document ${document}`),
  ];
  const heading = gone.length === 0 ? `nothing of ${environment} can go` : dryRun ? "would be removed" : "removed";
  return [
    paint.bold(`${kept.length === 1 ? "1 release stays" : `${kept.length} releases stay`} in ${environment}`),
    ...kept.map(({ release, why }) => `  ${release} ${paint.dim(why)}`),
    paint.bold(heading),
    ...gone.map((line) => `  ${dryRun ? paint.yellow("-") : paint.green("✓")} ${line}`),
    ...(stays.length === 0 ? [] : [paint.bold("stays all the same"), ...stays.map((line) => `  ${line}`)]),
  ];
}
