import { spawn } from "node:child_process";
import { access } from "node:fs/promises";
import { request } from "node:http";

/** The socket of an engine that the tests may use, if the caller named one. */
export const TEST_ENGINE = process.env.SHIPLOCK_TEST_ENGINE;

const IMAGE = "shiplock-hosts-test:1";
const PROGRAMS = ["/bin/sh", "/bin/sleep", "/bin/true", "/bin/cat", "/bin/echo"];

function collect(program: string, args: string[]): Promise<Buffer> {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "ignore"] });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0 ? resolve(Buffer.concat(chunks)) : reject(new Error(`${program}: ${String(code)}`)),
    );
  });
}

function call(socketPath: string, method: string, path: string, body?: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, headers: { "Content-Type": "application/x-tar" } }, (response) => {
      response.resume();
      response.once("end", () => resolve(response.statusCode ?? 0));
    });
    sent.once("error", reject);
    sent.end(body);
  });
}

/** Makes a small image from this machine's own programs, and returns its reference; undefined if there is no engine to test. */
export async function makeTestImage(): Promise<string | undefined> {
  if (TEST_ENGINE === undefined) return undefined;
  await access(TEST_ENGINE);
  if ((await call(TEST_ENGINE, "GET", `/images/${IMAGE}/json`)) === 200) return IMAGE;
  const linked = (await collect("ldd", PROGRAMS)).toString("utf8");
  const libraries = new Set(linked.match(/\/\S+\.so\S*/g) ?? []);
  const files = [...PROGRAMS, ...libraries].map((path) => path.slice(1));
  const archive = await collect("tar", ["-C", "/", "-chf", "-", ...files]);
  const status = await call(TEST_ENGINE, "POST", "/images/create?fromSrc=-&repo=shiplock-hosts-test&tag=1", archive);
  if (status !== 200) throw new Error(`the engine did not take the test image: ${status}`);
  return IMAGE;
}

/** Removes what the Engine port cannot remove. */
export async function removeTestVolume(): Promise<void> {
  if (TEST_ENGINE !== undefined) await call(TEST_ENGINE, "DELETE", "/volumes/shiplock-contract-volume");
}
