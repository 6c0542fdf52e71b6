/** One thing that is wrong with a configuration. */
export type Problem = {
  /** Key path of what is wrong; of a missing key, the path it would have. */
  readonly path: readonly PropertyKey[];
  /** Whether the name of the key or its value is at fault: that is the place that is pointed at. */
  readonly at: "key" | "value";
  /** Without the path, without a full stop. */
  readonly sentence: string;
  /** The name that was probably meant. */
  readonly suggestion?: string;
  /** Set when a key is there that should not be. */
  readonly unknown?: { inside: readonly PropertyKey[]; notYet: boolean };
  /** Set when one of these keys should be there; `choice`: exactly one of them. */
  readonly missing?: { inside: readonly PropertyKey[]; keys: readonly string[]; choice: boolean };
};

/**
 * The problems without those that only follow from another: where an unknown key was probably meant to be the missing one, or is a choice
 * that is not built yet, the missing one is not told as well.
 */
export function withoutEchoes(problems: readonly Problem[]): readonly Problem[] {
  return problems.filter(({ missing }) => {
    if (missing === undefined) return true;
    return !problems.some(({ unknown, suggestion }) => {
      if (unknown === undefined || !samePath(unknown.inside, missing.inside)) return false;
      return unknown.notYet ? missing.choice : suggestion !== undefined && missing.keys.includes(suggestion);
    });
  });
}

function samePath(a: readonly PropertyKey[], b: readonly PropertyKey[]): boolean {
  return a.length === b.length && a.every((part, index) => part === b[index]);
}
