import { isAbsolute, join, normalize } from "node:path/posix";

/** A path as an absolute one without "..", a relative one taken from `base`. */
export function absolutePath(base: string, path: string): string {
  const whole = normalize(isAbsolute(path) ? path : join(base, path));
  return whole.length > 1 && whole.endsWith("/") ? whole.slice(0, -1) : whole;
}

/** Whether `path` lies strictly below `root`; both absolute. A root of "/" holds nothing, since nothing may be removed by it. */
export function isBelow(root: string, path: string): boolean {
  return root !== "/" && path.startsWith(`${root}/`) && path.length > root.length + 1;
}
