import type { GitHubRepository } from "./types.ts";

/**
 * The repository that a git remote names: `git@github.com:acme/shop.git`, `ssh://git@github.com/acme/shop`, `https://github.com/acme/shop.git`, also with a login.
 * @returns null for what is none, such as a folder; the host in lower case, without its port
 */
export function repositoryOfRemote(remote: string): { host: string; repository: GitHubRepository } | null {
  const found =
    /^(?:https?|ssh|git):\/\/(?:[^@/]*@)?([^/:@]+)(?::\d+)?\/([^/]+)\/([^/]+?)(?:\.git)?\/*$/.exec(remote) ??
    /^(?:[^@/:]+@)?([^/:@]+):\/?([^/:]+)\/([^/]+?)(?:\.git)?\/*$/.exec(remote);
  const [, host, owner, name] = found ?? [];
  if (host === undefined || owner === undefined || name === undefined) return null;
  const wellFormed = /^[A-Za-z0-9-]+$/.test(owner) && /^[A-Za-z0-9._-]+$/.test(name);
  return wellFormed ? { host: host.toLowerCase(), repository: { owner, name } } : null;
}

/** Where the API of a GitHub lies, by the name of its server. `ssh.github.com` is GitHub by another port. */
export function apiOfServer(host: string): string {
  return host === "github.com" || host === "ssh.github.com" ? "https://api.github.com" : `https://${host}/api/v3`;
}
