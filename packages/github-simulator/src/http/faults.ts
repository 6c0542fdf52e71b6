/** Something that goes wrong because a test ordered it. */
export type Fault = {
  /** The route as GitHub's description writes it; every route when left out. */
  readonly route?: string;
  /** How often, from now on; once unless told. */
  readonly times?: number;
  /** How many such requests pass before. */
  readonly after?: number;
} /** Nothing takes effect unless told: behind a 502 GitHub may have done what was asked. */ & (
  | { readonly kind: "status"; readonly status: number; readonly message?: string; readonly tookEffect?: boolean }
  /** The connection is cut: before the request takes effect, or after it did and only the answer is lost. */
  | { readonly kind: "drop"; readonly when: "before" | "after" }
  /** The answer comes later; the request takes effect at once. */
  | { readonly kind: "delay"; readonly milliseconds: number }
);

export type Faults = {
  order(fault: Fault): void;
  /** What goes wrong with this request, which counts as one of the times. */
  next(route: string | null): Fault | null;
};

export function createFaults(): Faults {
  const ordered: { fault: Fault; passing: number; left: number }[] = [];
  return { order, next };

  function order(fault: Fault): void {
    ordered.push({ fault, passing: fault.after ?? 0, left: fault.times ?? 1 });
  }

  function next(route: string | null): Fault | null {
    for (const entry of ordered) {
      if (entry.fault.route !== undefined && entry.fault.route !== route) continue;
      if (entry.left === 0) continue;
      if (entry.passing > 0) {
        entry.passing -= 1;
        continue;
      }
      entry.left -= 1;
      return entry.fault;
    }
    return null;
  }
}
