import { check, dirty, environment, noWait, ref, sarif } from "./parts.ts";
import type { CommandEntry } from "./types.ts";

/** What becomes of a commit before it is live anywhere, and of its images afterwards. */
export const building: readonly CommandEntry[] = [
  {
    name: "check",
    summary: "run the checks of a commit: what has to pass before anything of it is built or deployed",
    arguments: [
      {
        name: "names",
        description: "only these checks, or single runs of a matrix such as 'test (DB=17)', and what they need",
        required: false,
        variadic: true,
      },
    ],
    flags: [
      ref,
      dirty,
      { flags: "--no-cache", description: "run them also where nothing they read has changed" },
      { flags: "--jobs <count>", description: "how many at once (as many as this machine has cores)" },
      { flags: "--group <name>", description: "end older runs of this name, such as those of the same pull request" },
      { flags: "--artifacts <folder>", description: "copy their artifacts there" },
      { flags: "--caches <folder>", description: "keep caches as files there too, for machines that do not last" },
      { flags: "--handed <folder>", description: "take what passed for this commit on other machines from there" },
      {
        flags: "--hand-over <folder>",
        description: "leave what passes there, for those on other machines that need it",
      },
    ],
    examples: ["shiplock check", "shiplock check test --ref feature/login", "shiplock check --dirty --jobs 2"],
    load: () => import("../check.ts"),
  },
  {
    name: "build",
    summary: "build, scan and push the images of a commit, without deploying them; --verify pushes and records nothing",
    arguments: [{ ...environment, required: false }],
    flags: [
      ref,
      dirty,
      check,
      sarif,
      { flags: "--verify", description: "only see that every image builds, for all its platforms; needs no registry" },
      { flags: "--no-cache", description: "run every instruction again, and take over no image of another release" },
    ],
    examples: [
      "shiplock build staging --ref main",
      "shiplock build staging --sarif scan.sarif",
      "shiplock build --verify",
    ],
    load: () => import("../build.ts"),
  },
  {
    name: "scan",
    summary: "scan what is live, or a release, again today; exit 3 if the environment would not take it",
    arguments: [environment],
    flags: [
      { flags: "--release <id>", description: "a release that this machine knows, instead of what is live" },
      { flags: "--kept", description: "judge the reports that are kept, without scanning again" },
      sarif,
    ],
    examples: ["shiplock scan production", "shiplock scan production --kept --sarif scan.sarif"],
    load: () => import("../scan.ts"),
  },
  {
    name: "sbom",
    summary: "write out what is kept of a release's images: packages (CycloneDX) and provenance (SLSA)",
    arguments: [environment],
    flags: [
      { flags: "--release <id>", description: "a release that this machine knows, instead of what is live" },
      { flags: "--out <folder>", description: "where the files are written (the current folder)" },
    ],
    examples: ["shiplock sbom production --out sbom"],
    load: () => import("../sbom.ts"),
  },
  {
    name: "tag",
    summary: "name the images of a commit that ran in production: no build, no pull",
    arguments: [{ name: "version", description: "the name, such as v1.2.0", required: true }],
    flags: [
      ref,
      { flags: "--env <env>", description: "where it ran; production, or the only environment, if left out" },
      { flags: "--force", description: "move a name that stands for something else" },
    ],
    examples: ["shiplock tag v1.2.0", "shiplock tag v1.2.1 --ref 4f2a9c1"],
    load: () => import("../tag.ts"),
  },
  {
    name: "prune",
    summary: "remove what no rollback of an environment can need, from its hosts and the registry",
    arguments: [environment],
    flags: [{ flags: "--dry-run", description: "show what would go, and change nothing" }, noWait],
    examples: ["shiplock prune staging --dry-run", "shiplock prune staging"],
    changes: true,
    load: () => import("../prune.ts"),
  },
];
