import type { NodeProject } from "../node-project.ts";
import { at, has, type Tree } from "../tree.ts";

/** How a project's packages are installed in an image, line by line. */
export type NodeInstall = {
  /** `COPY` of what says which packages there are. */
  readonly manifests: readonly string[];
  readonly everything: string;
  readonly production: readonly string[];
  /** `RUN` of the project's own script, in its folder. */
  readonly script: (name: string) => string;
  readonly base: string;
  /** What has to be said to a person. */
  readonly notes: readonly string[];
};

const cacheFolders = {
  npm: "/root/.npm",
  pnpm: "/root/.local/share/pnpm/store",
  yarn: "/usr/local/share/.cache/yarn",
  "yarn-berry": "/root/.yarn/berry/cache",
} as const;

/** Lines that install packages for this project, from its own folder or from its workspace's root. */
export function nodeInstall(tree: Tree, project: NodeProject): NodeInstall {
  const { manager, lock } = project;
  const cache = `--mount=type=cache,target=${cacheFolders[manager]}`;
  const lifecycle = ownScripts(project);
  const prepare =
    lifecycle.length === 0 ? "" : `npm pkg delete ${lifecycle.map((name) => `scripts.${name}`).join(" ")} && `;
  const corepack = manager === "pnpm" || manager === "yarn-berry" ? "corepack enable && " : "";
  const run = (command: string): string => `RUN ${cache} ${prepare}${corepack}${command}`;
  const notes = [
    ...(lock === undefined
      ? [
          `${at(project.installRoot, "package.json")} has no lock file: commit one, or each build may install other packages`,
        ]
      : []),
    ...(lifecycle.length === 0
      ? []
      : [
          `${lifecycle.join(", ")} of package.json ${lifecycle.length === 1 ? "does" : "do"} not run in the image: the sources are not there yet when packages are installed`,
        ]),
  ];
  return {
    manifests: manifestLines(tree, project),
    everything: run(installCommand(project, false)),
    production: [...(forTarget(project) ? ["ARG TARGETARCH"] : []), run(installCommand(project, true))],
    script: (name) => `RUN ${corepack}${scriptCommand(project, name)}`,
    base: `node:${project.node}-slim`,
    notes,
  };
}

/** The project's folder as it is in the image, below the folder that packages are installed in. */
export function insideImage(project: NodeProject): string {
  if (project.folder === project.installRoot) return "";
  return project.installRoot === "" ? project.folder : project.folder.slice(project.installRoot.length + 1);
}

/** Whether packages can be installed on one architecture for another: npm can, as long as none compiles. */
export function forTarget({ manager, compiles }: NodeProject): boolean {
  return manager === "npm" && compiles.length === 0;
}

function installCommand(project: NodeProject, production: boolean): string {
  const { manager, lock } = project;
  const workspace = insideImage(project);
  switch (manager) {
    case "npm": {
      const what = lock === undefined ? "npm install" : "npm ci";
      const only = workspace === "" ? "" : ` --workspace=${workspace} --include-workspace-root`;
      // Packages with a part for each architecture bring the target's.
      const target =
        production && forTarget(project)
          ? ' --os=linux --cpu="$(test "$TARGETARCH" = amd64 && echo x64 || echo "$TARGETARCH")"'
          : "";
      return `${what}${production ? " --omit=dev" : ""}${only}${target} --no-audit --no-fund`;
    }
    case "pnpm": {
      const only = workspace === "" ? "" : ` --filter "./${workspace}..."`;
      return `pnpm install --frozen-lockfile${production ? " --prod" : ""}${only}`;
    }
    case "yarn":
      return `yarn install --frozen-lockfile${production ? " --production" : ""}`;
    case "yarn-berry":
      return production ? "yarn workspaces focus --production" : "yarn install --immutable";
  }
}

function scriptCommand(project: NodeProject, name: string): string {
  const workspace = insideImage(project);
  if (project.manager === "npm") return `npm run ${name}${workspace === "" ? "" : ` --workspace=${workspace}`}`;
  if (project.manager === "pnpm") return `pnpm ${workspace === "" ? "" : `--filter "./${workspace}" `}run ${name}`;
  return workspace === "" ? `yarn run ${name}` : `yarn --cwd ${workspace} run ${name}`;
}

function manifestLines(tree: Tree, project: NodeProject): readonly string[] {
  const root = project.installRoot;
  const inside = (path: string): string => (root === "" ? path : path.slice(root.length + 1));
  const files = [
    "package.json",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    "yarn.lock",
    ".yarnrc.yml",
    ".npmrc",
  ]
    .map((name) => at(root, name))
    .filter((path) => has(tree, path))
    .map(inside);
  const folders = [".yarn/releases", "patches"].filter((name) =>
    tree.paths.some((path) => path.startsWith(`${at(root, name)}/`)),
  );
  return [
    `COPY ${files.join(" ")} ./`,
    ...folders.map((name) => `COPY ${name} ./${name}`),
    ...project.members.map((member) => `COPY ${inside(member)}/package.json ./${inside(member)}/`),
  ];
}

/** Scripts of the project that an install would run, before its sources and tools are there. */
function ownScripts(project: NodeProject): readonly string[] {
  const { scripts } = project;
  return ["preinstall", "install", "postinstall", "prepare"].filter((name) => scripts[name] !== undefined);
}
