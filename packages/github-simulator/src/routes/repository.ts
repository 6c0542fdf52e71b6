import { accountShape, time } from "../shapes/base.ts";
import { fullRepository } from "../shapes/repository.ts";
import type { World } from "../state/world.ts";
import { accountOf } from "../state/world.ts";
import type { Account, Role } from "../types.ts";
import { type Answer, type Asked, notFound, Refusal, type Route } from "./types.ts";

export const repositoryRoutes: readonly Route[] = [
  {
    name: "GET /repos/{owner}/{repo}",
    needs: ["metadata:read"],
    answer: ({ caller }, world) => ({
      status: 200,
      body: fullRepository(world, rolePermissions(caller.app === null ? roleOf(world, caller.account.login) : "read")),
    }),
  },
  {
    name: "GET /repos/{owner}/{repo}/collaborators/{username}/permission",
    needs: ["metadata:read"],
    answer: permission,
  },
  {
    name: "GET /user",
    needs: "nothing",
    answer: ({ caller }, world) => {
      if (caller.app !== null) throw new Refusal(403, "Resource not accessible by integration");
      return { status: 200, body: userShape(world, caller.account) };
    },
  },
  {
    name: "GET /users/{username}",
    needs: "nothing",
    answer: ({ path }, world) => {
      const bots = [world.actions, ...world.apps].map(({ bot }) => bot);
      const known = [...world.accounts.values()].map(({ account }) => account);
      const account = [...bots, ...known].find(({ login }) => login === path["username"]);
      if (account === undefined) throw notFound();
      return { status: 200, body: userShape(world, account) };
    },
  },
];

/** What somebody may do, in GitHub's old words (admin, write, read, none) and as the role. */
function permission({ path }: Asked, world: World): Answer {
  const login = path["username"] ?? "";
  const role = roleOf(world, login);
  const old = role === "maintain" ? "write" : role === "triage" ? "read" : role;
  const account = accountShape(world, accountOf(world, login));
  const user = { ...account, permissions: rolePermissions(role), role_name: role };
  return { status: 200, body: { permission: old, role_name: role, user } };
}

function roleOf(world: World, login: string): Role {
  return world.accounts.get(login)?.role ?? "none";
}

function rolePermissions(role: Role): Record<string, boolean> {
  const order = ["none", "read", "triage", "write", "maintain", "admin"];
  const atLeast = (wanted: Role): boolean => order.indexOf(role) >= order.indexOf(wanted);
  return {
    ...{ admin: atLeast("admin"), maintain: atLeast("maintain"), push: atLeast("write") },
    ...{ triage: atLeast("triage"), pull: atLeast("read") },
  };
}

function userShape(world: World, account: Account): unknown {
  const at = time(world.repository.createdAt);
  return {
    ...accountShape(world, account),
    ...{ name: null, company: null, blog: null, location: null, email: null, hireable: null, bio: null },
    ...{ public_repos: 0, public_gists: 0, followers: 0, following: 0, created_at: at, updated_at: at },
    user_view_type: "public",
  };
}
