import type { HostWish, Lab } from "../../lab/lab.ts";
import { startLab, stopLab } from "../../lab/lab.ts";
import { ensureBaseImages } from "../../lab/images/base-images.ts";

export type E2eLabOptions = {
  /** Which lab; tests with labs of different names run side by side. */
  name: string;
  hosts: number | readonly (string | HostWish)[];
  /** Public base images that runner and hosts shall have; those of the switchboard unless told. */
  images?: readonly string[];
  log?: (line: string) => void;
};

const switchboardImages = ["caddy:2", "node:24-slim"];

/** Tells the labs of two test runs on one machine apart: labs of the same name are one lab. */
const suffix = process.env["SHIPLOCK_E2E_LAB"] ?? "";

/**
 * A lab whose hosts are bare (also when it was up before) and, like the runner, have the base images an application needs.
 * Give it back with `stopE2eLab`.
 */
export async function startE2eLab(options: E2eLabOptions): Promise<Lab> {
  const log = options.log ?? (() => undefined);
  const lab = await startLab({ name: `${options.name}${suffix}`, hosts: options.hosts, log });
  await lab.startRegistry();
  await Promise.all(lab.hosts.map((host) => lab.resetHost(host)));
  const only = options.images ?? switchboardImages;
  // The runner first: it fills the cache that the hosts then load from.
  await ensureBaseImages({ socketPath: lab.runnerSocket, only, log });
  const hostImages = only.filter((image) => image !== "node:24-slim");
  await Promise.all(lab.hosts.map(({ socketPath }) => ensureBaseImages({ socketPath, only: hostImages, log })));
  return lab;
}

/** Ends the lab, unless SHIPLOCK_E2E_KEEP is set: whoever writes tests saves half a minute per run. */
export async function stopE2eLab(lab: Lab): Promise<void> {
  if (process.env["SHIPLOCK_E2E_KEEP"] === undefined) await stopLab({ name: lab.name });
}
