import type { TestEvent } from "node:test/reporters";
import type { TestResult } from "./result.ts";

/** A reporter of node:test that writes one JSON object per test, with the names of the suites around it. */
export default async function* recordResults(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const names: string[] = [];
  for await (const event of source) {
    if (event.type === "test:start") {
      names[event.data.nesting] = event.data.name;
      names.length = event.data.nesting + 1;
    }
    if (event.type !== "test:pass" && event.type !== "test:fail") continue;
    const result = resultOf(event, names.slice(0, event.data.nesting));
    if (result !== null) yield `${JSON.stringify(result)}\n`;
  }
}

type Ended = Extract<TestEvent, { type: "test:pass" | "test:fail" }>;

function resultOf(event: Ended, suites: readonly string[]): TestResult | null {
  const { data } = event;
  const skipped = data.skip !== undefined && data.skip !== false;
  const todo = data.todo !== undefined && data.todo !== false;
  const result = skipped || todo ? "skipped" : event.type === "test:pass" ? "passed" : "failed";
  // A suite is only the sum of its tests, unless it was left out whole or one of its hooks failed.
  const isSum =
    data.details.type === "suite" && (result === "passed" || (event.type === "test:fail" && isSumOf(event)));
  if (isSum) return null;
  const reason = skipped ? data.skip : data.todo;
  return {
    file: data.file ?? "",
    name: data.name,
    suites,
    result,
    milliseconds: Math.round(data.details.duration_ms),
    ...(typeof reason === "string" ? { reason } : {}),
  };
}

function isSumOf(event: Extract<Ended, { type: "test:fail" }>): boolean {
  const { error } = event.data.details;
  return "failureType" in error && error.failureType === "subtestsFailed";
}
