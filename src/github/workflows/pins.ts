import type { Pin } from "./types.ts";

/**
 * Actions of others, each by the full commit of a release, so that nobody can put other code behind the name. The commits were looked up in November 2026 in public
 * repositories that pin the same release: for each, at least eight repositories of different owners name this commit with this version.
 *
 * checkout 7 (and 6.1) refuses to check out what a fork proposes where a workflow has secrets.
 */
export const pins = {
  checkout: { uses: "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1", version: "v7.0.1" },
  cache: { uses: "actions/cache@55cc8345863c7cc4c66a329aec7e433d2d1c52a9", version: "v6.1.0" },
  upload: { uses: "actions/upload-artifact@043fb46d1a93c77aae656e7c1c64a875d1fc6a0a", version: "v7.0.1" },
  download: { uses: "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c", version: "v8.0.1" },
  emulation: { uses: "docker/setup-qemu-action@1f40c72289eff860ee54a304f1438e3cff362e0a", version: "v4.3.0" },
} as const satisfies Readonly<Record<string, Pin>>;
