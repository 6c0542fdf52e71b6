import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { runProgram } from "../../../../src/process.ts";
import type { ForeignCall, ForeignResult } from "../types.ts";
import { inputsOf } from "./inputs.ts";

/**
 * `actions/checkout`: the event's commit, or `ref`, with as much history as asked for.
 * The remote is GitHub's address. It can be reached by who has the credentials alone, so a later step cannot fetch after `persist-credentials: false`.
 */
export async function checkout(call: ForeignCall): Promise<ForeignResult> {
  const input = inputsOf("actions/checkout", call, ["ref", "path", "fetch-depth", "fetch-tags", "persist-credentials"]);
  if (call.job.permissions["contents"] === undefined) throw new Error("checkout: the token may not read contents");
  const folder = join(call.workspace, input("path"));
  mkdirSync(folder, { recursive: true });
  const { owner, name, folder: bare } = call.repository;
  const address = `https://github.com/${owner}/${name}`;
  const reached = `url.${bare}.insteadOf=${address}`;

  const git = async (...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await runProgram("git", ["-C", folder, ...args], {
      env: {
        PATH: process.env["PATH"],
        HOME: call.workspace,
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_CONFIG_GLOBAL: "/dev/null",
      },
      timeoutMs: 60_000,
    });
    if (exitCode === 0) return stdout.trim();
    throw new Error(`checkout: git ${args.join(" ")} failed: ${stderr}`);
  };

  const depth = Number(input("fetch-depth") === "" ? "1" : input("fetch-depth"));
  const wanted = input("ref");
  const { ref, sha } = call.run.event;
  await git("init", "--quiet", "--initial-branch", "nothing");
  await git("remote", "add", "origin", address);
  const fetch = (...refs: string[]): Promise<string> =>
    git(
      "-c",
      reached,
      "fetch",
      "--quiet",
      "--no-tags",
      "--force",
      ...(depth > 0 ? [`--depth=${depth}`] : []),
      "origin",
      ...refs,
    );

  if (depth === 0) await fetch("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*");
  else if (input("fetch-tags") === "true") await fetch("+refs/tags/*:refs/tags/*");
  const isCommit = /^[0-9a-f]{40}$/.test(wanted);
  const full = wanted === "" ? ref : await fullName(wanted);

  async function fullName(short: string): Promise<string> {
    if (isCommit || short.startsWith("refs/")) return short;
    const known = await git("-c", reached, "ls-remote", "origin", `refs/heads/${short}`, `refs/tags/${short}`);
    const found = known.split(/\s/).find((word) => word.startsWith("refs/"));
    if (found === undefined) throw new Error(`checkout: there is no ${short}`);
    return found;
  }

  if (isCommit) {
    await fetch(wanted);
    await git("checkout", "--quiet", "--force", wanted);
  } else {
    // The event's own reference is fetched as the commit that it had then, wherever it is now.
    const source = wanted === "" || wanted === ref ? sha : full;
    if (full.startsWith("refs/heads/")) {
      const branch = full.slice("refs/heads/".length);
      await fetch(`+${source}:refs/remotes/origin/${branch}`);
      await git("checkout", "--quiet", "--force", "-B", branch, `refs/remotes/origin/${branch}`);
    } else {
      await fetch(`+${source}:${full.replace("refs/pull/", "refs/remotes/pull/")}`);
      await git("checkout", "--quiet", "--force", "--detach", full.replace("refs/pull/", "refs/remotes/pull/"));
    }
  }
  if (input("persist-credentials") !== "false")
    appendFileSync(join(folder, ".git", "config"), `[url "${bare}"]\n\tinsteadOf = ${address}\n`);
  const commit = await git("rev-parse", "HEAD");
  call.print(`checked out ${commit}`);
  return { outputs: { ref: wanted === "" ? ref : wanted, commit } };
}
