// A small HTTP application with switches, for load tests and for tests that kill things: it starts late, fails its health
// check, ignores SIGTERM or exits at once when told to. It needs nothing but Node.js.
//
//   GET  /             version and instance          GET  /healthz        200, or what HEALTH_STATUS says
//   POST /echo         the body back                 GET  /slow?ms=4000   answers after that time
//   GET  /bytes?n=100  that many bytes               GET  /call           asks CALL_URL and tells how that went
//   WebSocket /ws      every message back            GET  /headers        the headers it got
//
// `node server.mjs migrate` stands for a migration: it takes MIGRATION_MS and ends with MIGRATION_EXIT.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Agent, createServer, request as httpRequest } from "node:http";
import { hostname } from "node:os";

// Switches are baked into version.json (START_DELAY_MS as startDelayMs); a variable of the environment outweighs them.
const baked = JSON.parse(readFileSync(new URL("version.json", import.meta.url), "utf8"));
const version = process.env.VERSION ?? baked.version;
const startDelayMs = number("START_DELAY_MS", baked.startDelayMs);
const startExit = number("START_EXIT", baked.startExit);
const healthStatus = number("HEALTH_STATUS", baked.healthStatus ?? 200);
const healthFailAfterMs = number("HEALTH_FAIL_AFTER_MS", baked.healthFailAfterMs);
const ignoreSigterm = number("IGNORE_SIGTERM", baked.ignoreSigterm) !== 0;
const migrationMs = number("MIGRATION_MS", baked.migrationMs ?? 300);
const migrationExit = number("MIGRATION_EXIT", baked.migrationExit);
const port = number("PORT", 3000);
const callUrl = process.env.CALL_URL ?? "http://web:3000/";

const instance = hostname();
const startedAt = Date.now();
const maxBodyBytes = 10 * 1024 * 1024;
const maxMessageBytes = 1024 * 1024;
const callTimeoutMs = 10_000;
const webSockets = new Set();
const callAgent = new Agent({ keepAlive: true, maxSockets: 32 });
let calls = 0;
let draining = false;

if (process.argv[2] === "migrate") await migrate();
else start();

function number(name, fallback = 0) {
  const value = Number(process.env[name] || fallback);
  if (Number.isFinite(value)) return value;
  throw new Error(`${name} must be a number`);
}

function log(message) {
  process.stdout.write(`${JSON.stringify({ at: new Date().toISOString(), version, instance, message })}\n`);
}

async function migrate() {
  log(`migrating to ${version}`);
  await new Promise((resolve) => setTimeout(resolve, migrationMs));
  log(migrationExit === 0 ? "migrated" : "the migration failed");
  process.exitCode = migrationExit;
}

function start() {
  if (startExit !== 0) {
    log(`exiting at once with ${startExit}, as told`);
    process.exitCode = startExit;
    return;
  }
  const server = createServer(answer);
  // Longer than a proxy keeps a connection, so that it is never this side that closes one which is about to be used.
  server.keepAliveTimeout = 75_000;
  server.headersTimeout = 80_000;
  server.on("upgrade", upgrade);
  const starting = setTimeout(
    () => server.listen(port, () => log(`listening on ${server.address().port}`)),
    startDelayMs,
  );
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => stop(server, starting, signal));
}

function stop(server, starting, signal) {
  if (ignoreSigterm && signal === "SIGTERM") {
    log("SIGTERM ignored, as told");
    return;
  }
  if (draining) return;
  draining = true;
  log(`${signal}: finishing what is under way`);
  clearTimeout(starting);
  // Connections without a request close now, the others once they are answered; then nothing keeps the process alive.
  if (server.listening) server.close();
  for (const webSocket of webSockets) webSocket.goAway();
  process.exitCode = 0;
}

async function answer(request, response) {
  const url = new URL(request.url, "http://any");
  response.setHeader("x-version", version);
  try {
    const body = await bodyOf(request);
    const route = `${request.method} ${url.pathname}`;
    if (route === "GET /") send(response, 200, identity());
    else if (route === "GET /healthz") send(response, health(), identity());
    else if (route === "POST /echo") send(response, 200, { ...identity(), body });
    else if (route === "GET /headers") send(response, 200, { ...identity(), headers: request.headers });
    else if (route === "GET /call") send(response, 200, await call());
    else if (route === "GET /slow") {
      const ms = Number(url.searchParams.get("ms") ?? 4000);
      setTimeout(() => send(response, 200, { ...identity(), ms }), ms);
    } else if (route === "GET /bytes") {
      finish(
        response,
        200,
        "application/octet-stream",
        Buffer.alloc(Math.min(Number(url.searchParams.get("n")), maxBodyBytes), "x"),
      );
    } else send(response, 404, { ...identity(), error: "no such path" });
  } catch (error) {
    if (!response.headersSent) send(response, 400, { ...identity(), error: error.message });
  }
}

function identity() {
  return { version, instance, uptimeMs: Date.now() - startedAt };
}

function health() {
  return healthFailAfterMs > 0 && Date.now() - startedAt >= healthFailAfterMs ? 500 : healthStatus;
}

async function bodyOf(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > maxBodyBytes) throw new Error(`a body may have ${maxBodyBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function send(response, status, value) {
  finish(response, status, "application/json", Buffer.from(JSON.stringify(value)));
}

function finish(response, status, type, body) {
  if (draining) response.setHeader("connection", "close");
  response.writeHead(status, { "content-type": type, "content-length": body.length });
  response.end(body);
}

/** Calls the service by its name, on a kept connection and on a fresh one in turn, and says how that went. Never retries. */
function call() {
  calls += 1;
  const agent = calls % 2 === 0 ? callAgent : false;
  return new Promise((resolve) => {
    const sent = httpRequest(callUrl, { agent, timeout: callTimeoutMs }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk) => (body += chunk));
      response.on("error", (error) => resolve(failedCall(error)));
      response.on("end", () => resolve(judgeCall(response, body)));
    });
    sent.on("timeout", () => sent.destroy(Object.assign(new Error("no answer in time"), { code: "ETIMEDOUT" })));
    sent.on("error", (error) => resolve(failedCall(error)));
    sent.end();
  });
}

function judgeCall(response, body) {
  const status = response.statusCode;
  if (status !== 200)
    return { ok: false, class: status >= 500 ? "5xx" : "unexpected-status", status, error: body.slice(0, 200) };
  const answered = response.headers["x-version"];
  const named = /"version":"([^"]*)"/.exec(body)?.[1];
  if (answered !== named) return { ok: false, class: "mixed", error: `header says ${answered}, body says ${named}` };
  return { ok: true, class: "ok", version: answered, caller: { version, instance } };
}

function failedCall(error) {
  const refused = ["ECONNREFUSED", "EHOSTUNREACH", "ENOTFOUND", "EAI_AGAIN"].includes(error.code);
  const kind = error.code === "ETIMEDOUT" ? "timed-out" : refused ? "refused" : "reset";
  return { ok: false, class: kind, error: `${error.code ?? "error"}: ${error.message}` };
}

// WebSocket, the server's side of RFC 6455 without extensions.

function upgrade(request, socket, head) {
  socket.on("error", () => socket.destroy());
  const key = request.headers["sec-websocket-key"];
  if (new URL(request.url, "http://any").pathname !== "/ws" || key === undefined || draining) {
    socket.end("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    return;
  }
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  const headers = [
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${accept}`,
    `X-Version: ${version}`,
  ];
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${headers.join("\r\n")}\r\n\r\n`);
  socket.setNoDelay(true);
  const webSocket = echoOver(socket);
  webSockets.add(webSocket);
  socket.on("close", () => webSockets.delete(webSocket));
  if (head.length > 0) webSocket.receive(head);
}

const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

function echoOver(socket) {
  let received = Buffer.alloc(0);
  let message = [];
  let messageOpcode = opcodes.text;
  let closing = false;
  socket.on("data", receive);
  // A peer that ends without a close frame gets its end.
  socket.on("end", () => socket.end());

  function receive(data) {
    received = Buffer.concat([received, data]);
    for (let frame = readFrame(received); frame !== undefined; frame = readFrame(received)) {
      if (frame === "broken") return close(1002, "protocol error");
      received = received.subarray(frame.length);
      take(frame);
    }
  }

  function take({ final, opcode, payload }) {
    if (opcode === opcodes.close) {
      if (!closing) writeFrame(socket, opcodes.close, payload.subarray(0, 2));
      socket.end();
    } else if (opcode === opcodes.ping) writeFrame(socket, opcodes.pong, payload);
    else if (opcode <= opcodes.binary) {
      if (opcode !== opcodes.continuation) messageOpcode = opcode;
      message.push(payload);
      if (message.reduce((sum, part) => sum + part.length, 0) > maxMessageBytes) return close(1009, "message too big");
      if (!final) return;
      writeFrame(socket, messageOpcode, Buffer.concat(message));
      message = [];
    }
  }

  function close(code, reason) {
    if (closing) return;
    closing = true;
    const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
    payload.writeUInt16BE(code);
    payload.write(reason, 2);
    writeFrame(socket, opcodes.close, payload);
    // What the peer sent before it saw the close is still echoed; then it answers the close, or is cut off.
    setTimeout(() => socket.destroy(), 2000).unref();
  }

  return { receive, goAway: () => close(1012, "service restart") };
}

/** The first frame in the bytes, undefined when it is not complete yet, "broken" when it is none that a client may send. */
function readFrame(bytes) {
  if (bytes.length < 2) return undefined;
  const [first, second] = bytes;
  const masked = (second & 0x80) !== 0;
  let size = second & 0x7f;
  let offset = 2;
  if (size === 126) {
    if (bytes.length < 4) return undefined;
    size = bytes.readUInt16BE(2);
    offset = 4;
  } else if (size === 127) {
    if (bytes.length < 10) return undefined;
    size = Number(bytes.readBigUInt64BE(2));
    offset = 10;
  }
  if (!masked || (first & 0x70) !== 0 || size > maxMessageBytes) return "broken";
  const length = offset + 4 + size;
  if (bytes.length < length) return undefined;
  const mask = bytes.subarray(offset, offset + 4);
  const payload = Buffer.from(bytes.subarray(offset + 4, length));
  for (let index = 0; index < payload.length; index += 1) payload[index] ^= mask[index % 4];
  return { final: (first & 0x80) !== 0, opcode: first & 0x0f, payload, length };
}

function writeFrame(socket, opcode, payload) {
  if (!socket.writable) return;
  const size = payload.length;
  const header = Buffer.alloc(size < 126 ? 2 : size < 65_536 ? 4 : 10);
  header[0] = 0x80 | opcode;
  header[1] = size < 126 ? size : size < 65_536 ? 126 : 127;
  if (header.length === 4) header.writeUInt16BE(size, 2);
  if (header.length === 10) header.writeBigUInt64BE(BigInt(size), 2);
  socket.write(Buffer.concat([header, payload]));
}
