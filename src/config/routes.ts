import type { Route } from "./types.ts";

const HOST_NAME = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;

// Braces and stars would be placeholders and wildcards to the proxy.
const PATH = /^\/(?:[A-Za-z0-9._~!$&'()+,;=:@%-]|\/(?!\/))*$/;

/** Takes `shop.example.com/api` apart: host in lower case, path without a slash at its end (`/` alone for none), or why it is no route. */
export function parseRoute(text: string): Route | { problem: string } {
  if (text.includes("://")) return { problem: "must be a host name with optional path, without the scheme" };
  const slash = text.indexOf("/");
  const host = (slash === -1 ? text : text.slice(0, slash)).toLowerCase();
  const path = slash === -1 ? "/" : text.slice(slash);
  if (host.includes(":")) return { problem: "must be a host name without a port; the ports are those of the proxy" };
  if (!HOST_NAME.test(host))
    return { problem: 'must be a host name with optional path, such as "shop.example.com/api"' };
  if (!PATH.test(path))
    return { problem: "must have a path of letters, digits and URL punctuation, without wildcards" };
  return { host, path: path === "/" ? "/" : path.replace(/\/$/, "") };
}

/** Why a text is no public URL; undefined when it is one. */
export function urlProblem(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol))
    return 'must be a URL that starts with "https://" or "http://"';
  if (url.username !== "" || url.password !== "") return "must be a URL without user name and password";
  return undefined;
}
