/** A row of the table in docs/features.md. */
export type Feature = { row: string; state: string; what: string; proofs: readonly string[]; line: number };

export type Outcome = { name: string; suites: readonly string[]; result: "passed" | "failed" | "skipped" };

export const states = ["works", "partly", "not yet"] as const;

/** The rows of the table `| row | state | what | proof |`; tests are named in backticks. */
export function readFeatures(text: string): Feature[] {
  return text.split("\n").flatMap((source, index) => {
    const [, row = "", state = "", what = "", proof = ""] = source.split(/(?<!\\)\|/).map((cell) => cell.trim());
    if (!/^\d+\.\d+$/.test(row)) return [];
    const proofs = [...proof.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name.replaceAll("\\|", "|"));
    return [{ row, state, what, proofs, line: index + 1 }];
  });
}

/**
 * What the table claims without a proof in this very run, as sentences; empty when all holds. A test is named by its own name, or
 * with the suites around it, divided by ` > `. Where several have the name, each must have passed.
 */
export function unprovenFeatures(features: readonly Feature[], outcomes: readonly Outcome[]): string[] {
  const byName = new Map<string, Outcome[]>();
  for (const outcome of outcomes) {
    for (const name of namesOf(outcome)) byName.set(name, [...(byName.get(name) ?? []), outcome]);
  }
  return features.flatMap((feature) => {
    const where = `docs/features.md:${feature.line}: ${feature.row}`;
    if (!(states as readonly string[]).includes(feature.state)) return [`${where} is "${feature.state}"`];
    if (feature.state === "works" && feature.proofs.length === 0) return [`${where} works, and no test is named`];
    return feature.proofs.flatMap((proof) => {
      const found = byName.get(proof) ?? [];
      if (found.length === 0) return [`${where} names a test that did not run: ${proof}`];
      const bad = found.find(({ result }) => result !== "passed");
      return bad === undefined ? [] : [`${where} names a test that ${wordFor(bad.result)}: ${proof}`];
    });
  });
}

function namesOf({ suites, name }: Outcome): string[] {
  const path = [...suites, name];
  return path.map((_, index) => path.slice(index).join(" > "));
}

function wordFor(result: Outcome["result"]): string {
  return result === "failed" ? "failed" : "was skipped";
}
