import { parseDuration } from "../config/units.ts";
import { ShiplockError } from "../errors.ts";
import type { Flags } from "./commands/table.ts";

/** A positional argument that the command line library has already demanded. */
export function argument(args: readonly (string | string[] | undefined)[], index: number): string {
  const value = args[index];
  return typeof value === "string" ? value : "";
}

export function optionalArgument(args: readonly (string | string[] | undefined)[], index: number): string | null {
  const value = args[index];
  return typeof value === "string" ? value : null;
}

export function listArgument(args: readonly (string | string[] | undefined)[], index: number): string[] {
  const value = args[index];
  return Array.isArray(value) ? value : [];
}

export function textFlag(flags: Flags, name: string): string | null {
  const value = flags[name];
  return typeof value === "string" ? value : null;
}

/** What somebody wrote for others to read; null where it was left out, or left empty. */
export function proseFlag(flags: Flags, name: string): string | null {
  const written = textFlag(flags, name)?.trim() ?? "";
  return written === "" ? null : written;
}

/** The values of a flag that may be given more than once, each once. */
export function listFlag(flags: Flags, name: string): string[] {
  const value = flags[name];
  return Array.isArray(value) ? [...new Set(value)] : [];
}

/** @throws ShiplockError `cli/not-a-number` */
export function countFlag(flags: Flags, name: string, standard: number): number {
  const text = textFlag(flags, name);
  if (text === null) return standard;
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new ShiplockError({
    code: "cli/not-a-number",
    blame: "usage",
    message: `--${name} takes a whole number from 1, not ${JSON.stringify(text)}`,
    remedy: `write --${name} ${standard}, for example`,
  });
}

/**
 * A flag that takes a duration, in milliseconds; null where it was left out.
 * @throws ShiplockError `cli/not-a-duration`
 */
export function durationFlag(flags: Flags, name: string): number | null {
  const text = textFlag(flags, name);
  if (text === null) return null;
  const milliseconds = parseDuration(text);
  if (milliseconds !== undefined && milliseconds > 0) return milliseconds;
  throw new ShiplockError({
    code: "cli/not-a-duration",
    blame: "usage",
    message: `--${name} takes a time such as 30m, 4h or 2d (24d at most), not ${JSON.stringify(text)}`,
    remedy: `write --${name} 2d, for example`,
  });
}
