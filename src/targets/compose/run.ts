import type { Clock } from "../../clock.ts";
import type { Plan } from "../../deploy/types.ts";
import type { EnvironmentRecord } from "../../environments/record/types.ts";
import type { Host } from "../../hosts/types.ts";
import type { EdgeTls } from "../../proxy/caddy/edge-config.ts";
import type { Traffic } from "../../proxy/types.ts";
import type { Carrier, Receiver } from "./carry.ts";
import type { EngineLogin } from "../../release/registry/types.ts";
import type { ReleaseDocument } from "../../release/types.ts";
import type { Layout } from "./layout.ts";
import type { Translation } from "./translate.ts";

/** One host of a deployment: its connection, its folders, and what the new release means there. */
export type ComposeHost = {
  name: string;
  host: Host;
  layout: Layout;
  /** The new release in the plan's place. */
  translation: Translation;
  traffic: Traffic;
  /** Ids of images that were seen on the host, by reference. */
  imageIds: Map<string, string>;
  /** The same host as one that gets images from another engine. */
  receiver: Receiver;
};

export type ComposeSettings = {
  proxyImage: string;
  proxy: { http: number; https: number; tls: EdgeTls };
  /** Successful releases that stay ready for a rollback. */
  keep: number;
  verifyUrl: string | null;
};

/** All that the steps of one deployment on the compose target share. */
export type ComposeRun = {
  plan: Plan;
  fence: number;
  document: ReleaseDocument;
  /** The release that is live; null on the first deployment. */
  previous: ReleaseDocument | null;
  hosts: ReadonlyMap<string, ComposeHost>;
  record: EnvironmentRecord;
  /** The files of a release may have to be brought from the home host, for hosts that never had it. */
  home: ComposeHost;
  auth: EngineLogin | null;
  /** Brings what is in no registry. */
  carrier: Carrier;
  settings: ComposeSettings;
  /** Takes the values of secrets out of text that is written down. */
  mask: (text: string) => string;
  clock: Clock;
  /** `GET` an address from the deploying machine: the status, or why nothing answered. */
  fetchPublic: (url: string, signal: AbortSignal) => Promise<number | { failure: string }>;
};
