import type { Gate } from "./types.ts";

/** Every gate that is judged on facts of the environment, in the order in which they are shown. A new one is one file and one entry here. */
export const gates: readonly Gate[] = [];
