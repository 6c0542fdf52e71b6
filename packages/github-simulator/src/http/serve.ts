import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { Description } from "../description/description.ts";
import { Refusal, type Answer, type Route } from "../routes/types.ts";
import type { World } from "../state/world.ts";
import type { InTurn } from "../turns.ts";
import type { Caller, RecordedRequest, Role, Violation } from "../types.ts";
import { allows, neededHeader } from "./access.ts";
import type { Faults } from "./faults.ts";
import type { Limits } from "./limits.ts";
import { routeFinder } from "./match.ts";
import { pageOf } from "./pages.ts";
import type { Tokens } from "./tokens.ts";

export type ServerParts = {
  readonly world: World;
  readonly routes: readonly Route[];
  readonly description: Description;
  readonly tokens: Tokens;
  readonly limits: Limits;
  readonly faults: Faults;
  readonly requests: RecordedRequest[];
  readonly inTurn: InTurn;
  readonly violate: (violation: Violation) => void;
  /** Ends what is delayed. */
  readonly signal: AbortSignal;
};

type Sent = { readonly status: number; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> };

const largestBody = 25 * 1024 * 1024;
const documentation = "https://docs.github.com/rest";

/** Answers one request after the other as GitHub would; what takes effect does so in the order of arrival. */
export function createHandler(parts: ServerParts): (request: IncomingMessage, response: ServerResponse) => void {
  const { world, description, tokens, limits, faults, requests, violate, inTurn, signal } = parts;
  const find = routeFinder(parts.routes);

  return function handle(request, response) {
    answer(request, response).catch((error: unknown) => {
      if (!signal.aborted) violate({ where: "answer", what: request.url ?? "", problem: String(error) });
      response.destroy();
    });
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? "GET";
    const address = new URL(request.url ?? "/", world.api);
    const text = await bodyOf(request);
    const matched = find(method, address.pathname);
    const route = matched?.route.name ?? null;
    const recorded: RecordedRequest = { method, path: request.url ?? "/", route, body: parsed(text), status: null };
    requests.push(recorded);
    const fault = faults.next(route);
    if (fault?.kind === "drop" && fault.when === "before") return void request.socket.destroy();
    const happens = fault?.kind !== "status" || fault.tookEffect === true;
    const decision = happens ? await inTurn(() => decided(request, address, text, matched)) : null;
    const ordered = fault?.kind === "status" ? refused(fault.status, fault.message ?? "Server Error") : null;
    const sent = ordered ?? decision ?? refused(500, "Server Error");
    if (fault?.kind === "drop") return void request.socket.destroy();
    if (fault?.kind === "delay") await delay(fault.milliseconds, undefined, { signal });
    recorded.status = sent.status;
    send(response, sent, request.headers.authorization ?? "");
  }

  async function decided(
    request: IncomingMessage,
    address: URL,
    text: string,
    matched: ReturnType<typeof find>,
  ): Promise<Sent> {
    const authorization = request.headers.authorization;
    if (request.headers["user-agent"] === undefined)
      return refused(
        403,
        "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.",
      );
    if (matched === null) {
      const what = `${request.method ?? ""} ${address.pathname}`;
      violate({ where: "request", what, problem: "the simulator has no such route" });
      return refused(404, "Not Found");
    }
    const { route } = matched;
    const caller = tokens.caller(authorization);
    if (caller === "refused") return refused(401, "Bad credentials");
    const limited = limits.take(authorization ?? "");
    if (limited !== null) return { ...refused(limited.status, limited.message), headers: limited.headers };
    const { repository } = world;
    const { owner = repository.owner, repo = repository.name } = matched.path;
    if (owner !== repository.owner || repo !== repository.name) return refused(404, "Not Found");
    const denied = deniedTo(route, caller);
    if (denied !== null) return denied;
    const asked = checked(route, matched.path, address, text);
    if ("status" in asked) return asked;
    const { query, body } = asked;
    const given = caller ?? { account: world.owner, app: null, permissions: null, asApp: false };
    const sent = await answered(route, address, { path: matched.path, query, body, caller: given });
    return faithful(route, sent);
  }

  function deniedTo(route: Route, caller: Caller | null): Sent | null {
    const publicRepository = !world.repository.private;
    if (caller === null) {
      const reads = route.name.startsWith("GET ") && publicRepository && route.needs !== "app";
      return reads
        ? null
        : refused(publicRepository ? 401 : 404, publicRepository ? "Requires authentication" : "Not Found");
    }
    const role: Role = world.accounts.get(caller.account.login)?.role ?? "none";
    if (allows(route, caller, role, { publicRepository })) return null;
    const headers = { "x-accepted-github-permissions": neededHeader(route) };
    if (route.needs === "app" || caller.asApp) return refused(401, "A JSON web token could not be decoded");
    if (caller.app !== null) return { ...refused(403, "Resource not accessible by integration"), headers };
    return role === "none" && !publicRepository
      ? refused(404, "Not Found")
      : { ...refused(403, "Must have admin rights to Repository."), headers };
  }

  /** Holds a request against GitHub's description; what does not fit is a violation, and refused as GitHub refuses it. */
  function checked(
    route: Route,
    path: Readonly<Record<string, string>>,
    address: URL,
    text: string,
  ): Sent | { query: Record<string, unknown>; body: Record<string, unknown> } {
    const body = text === "" ? undefined : parsed(text);
    const { problems: ofQuery, query } = description.query(route.name, queryOf(address));
    const problems = [...description.path(route.name, path), ...ofQuery, ...description.body(route.name, body)];
    for (const problem of problems) violate({ where: "request", what: route.name, problem });
    if (text !== "" && body === undefined) return refused(400, "Problems parsing JSON");
    if (body !== undefined && (typeof body !== "object" || body === null || Array.isArray(body)))
      return refused(400, "Body should be a JSON object");
    if (problems.length > 0) return refused(422, `Invalid request.\n\n${problems.join("\n")}`);
    return { query, body: (body ?? {}) as Record<string, unknown> };
  }

  async function answered(route: Route, address: URL, asked: Parameters<Route["answer"]>[0]): Promise<Sent> {
    try {
      return paged(await route.answer(asked, world), asked.query, address);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return refused(error.status, error.message, error.errors);
    }
  }

  function paged(given: Answer, query: Readonly<Record<string, unknown>>, address: URL): Sent {
    if (!("list" in given)) return given;
    const { body, link } = pageOf(given.list, query, `${world.api}${address.pathname}`);
    return { status: given.status, body, ...(link !== null && { headers: { link } }) };
  }

  /** The simulator does not send what GitHub's description does not know. */
  function faithful(route: Route, sent: Sent): Sent {
    const problems = description.answer(route.name, sent.status, sent.body);
    for (const problem of problems) violate({ where: "answer", what: route.name, problem });
    return problems.length === 0 ? sent : refused(500, `the simulator was about to answer ${problems.join("; ")}`);
  }

  function send(response: ServerResponse, { status, body, headers = {} }: Sent, token: string): void {
    response.writeHead(status, {
      ...(body !== undefined && { "content-type": "application/json; charset=utf-8" }),
      ...{ date: world.clock.now().toUTCString(), "x-github-media-type": "github.v3; format=json" },
      "x-github-api-version-selected": "2022-11-28",
      ...limits.headers(token),
      ...headers,
    });
    response.end(body === undefined ? undefined : JSON.stringify(body));
  }
}

function refused(status: number, message: string, errors: unknown = null): Sent {
  const body = {
    message,
    ...(errors !== null && { errors }),
    documentation_url: documentation,
    status: String(status),
  };
  return { status, body };
}

function queryOf(address: URL): Record<string, unknown> {
  const query: Record<string, unknown> = {};
  for (const name of new Set(address.searchParams.keys())) {
    const values = address.searchParams.getAll(name);
    query[name] = values.length === 1 ? values[0] : values;
  }
  return query;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > largestBody) throw new Error("a request larger than 25 MiB");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parsed(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
