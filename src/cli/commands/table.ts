import { answering } from "./table/answering.ts";
import { building } from "./table/building.ts";
import { deploying } from "./table/deploying.ts";
import { looking } from "./table/looking.ts";
import { preparing } from "./table/preparing.ts";
import type { CommandEntry } from "./table/types.ts";

export type { CommandArgument, CommandEntry, CommandFlag, Flags } from "./table/types.ts";

/** Every command there is, in the order and under the headings of the help. A new one is one file here and one entry in the table of its group. */
export const commandGroups: readonly { readonly heading: string; readonly commands: readonly CommandEntry[] }[] = [
  { heading: "Setting up", commands: preparing },
  { heading: "Checks, images and releases", commands: building },
  { heading: "Deploying and going back", commands: deploying },
  { heading: "Answers, holds and reviews", commands: answering },
  { heading: "Looking", commands: looking },
];

export const commands: readonly CommandEntry[] = commandGroups.flatMap((group) => group.commands);
