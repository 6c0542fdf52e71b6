import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { labAvailability } from "./availability.ts";
import { askEngine, engineAnswers } from "./engine.ts";
import { type Lab, startLab, stopLab } from "./lab.ts";
import { isAlive, must, type RunResult, run, signal, waitFor } from "./process.ts";
import { labPaths, readRecord } from "./record.ts";
import { registryStatus } from "./registry.ts";
import { cgroupFolders } from "./teardown.ts";
import { tinyImage } from "./tiny-image.ts";

const availability = labAvailability();
const NAME = "selftest";
const MEGABYTE = 1024 * 1024;
const HOSTS = [
  "host-1",
  { name: "host-2", diskLimitBytes: 256 * MEGABYTE, sshd: { streamForwarding: false, lines: ["MaxSessions 3"] } },
];

describe("hosts in a box", { skip: availability.available ? false : availability.reason, timeout: 180_000 }, () => {
  let lab: Lab;
  let scratch: string;

  before(async () => {
    scratch = mkdtempSync(join(tmpdir(), "lab-test-"));
    lab = await startLab({ name: NAME, hosts: HOSTS });
    for (const host of lab.hosts) await lab.resetHost(host);
  });

  after(async () => {
    await stopLab({ name: NAME });
    rmSync(scratch, { recursive: true, force: true });
  });

  function ssh(host: string, command: readonly string[], timeoutMs = 15_000): Promise<RunResult> {
    return run(["ssh", "-F", lab.sshConfigPath, host, "--", ...command], { timeoutMs });
  }

  function image(): string {
    return `${lab.registry.address}/tiny:1`;
  }

  test("the deploy user signs in by key, is not root, and may use the engine", async () => {
    for (const host of lab.hosts) {
      const id = await ssh(host.name, ["id", "-un"]);
      assert.deepEqual([id.code, id.stdout.trim()], [0, "deploy"], id.stderr);
      const engine = await ssh(host.name, ["docker", "info", "--format", "{{.Driver}}"]);
      assert.equal(engine.stdout.trim(), "overlay2", engine.stderr);
      const compose = await ssh(host.name, ["docker", "compose", "version", "--short"]);
      assert.match(compose.stdout, /^v?2\./, compose.stderr);
    }
  });

  test("a host with another key than the pinned one is refused", async () => {
    const other = join(scratch, "known_hosts");
    const swapped = readFileSync(join(labPaths(NAME).ssh, "known_hosts"), "utf8")
      .replaceAll("host-2", "host-x")
      .replaceAll("host-1", "host-2");
    writeFileSync(other, swapped);
    const result = await run([
      "ssh",
      "-F",
      lab.sshConfigPath,
      "-o",
      `UserKnownHostsFile=${other}`,
      "host-2",
      "--",
      "true",
    ]);
    assert.equal(result.code, 255);
    assert.match(result.stderr, /REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed/);
  });

  test("a host sees neither the checkout nor the homes of the machine, and keeps its own host name", async () => {
    const host = lab.host("host-1");
    for (const folder of [resolve("."), scratch, lab.sshConfigPath]) {
      const seen = await host.exec(["test", "-e", folder]);
      assert.notEqual(seen.code, 0, `${folder} is visible on the host`);
    }
    assert.equal((await host.exec(["ls", "/home"])).stdout.trim(), "deploy");
    assert.equal((await host.exec(["hostname"])).stdout.trim(), "host-1");
  });

  test("an image pushed from the runner is pulled on a host with a login, and refused without", async () => {
    assert.equal(await registryStatus(lab.registry), 401);
    const archive = await tinyImage(scratch);
    const config = join(scratch, "docker-config");
    mkdirSync(config, { recursive: true });
    const docker = ["docker", "--config", config, "-H", `unix://${lab.runnerSocket}`];
    await must([...docker, "import", archive, image()]);
    const { address, username, password } = lab.registry;
    await must([...docker, "login", "--username", username, "--password-stdin", address], { input: password });
    await must([...docker, "push", image()]);
    const host = lab.host("host-1");
    const pull = `/images/create?fromImage=${encodeURIComponent(`${address}/tiny`)}&tag=1`;
    const refused = await askEngine(host.socketPath, "POST", pull, { timeoutMs: 30_000 });
    assert.match(refused.body, /no basic auth credentials|unauthorized/);
    const auth = Buffer.from(JSON.stringify({ username, password, serveraddress: address })).toString("base64url");
    const pulled = await askEngine(host.socketPath, "POST", pull, {
      timeoutMs: 30_000,
      headers: { "X-Registry-Auth": auth },
    });
    assert.equal(pulled.status, 200, pulled.body);
    const output = await host.exec(["docker", "run", "--rm", image(), "/bin/busybox", "echo", "it runs"], {
      user: "deploy",
    });
    assert.equal(output.stdout, "it runs\n", output.stderr);
  });

  test("a cut connection falls silent while a new one gets through, and delivers what was sent once it heals", async () => {
    const host = lab.host("host-1");
    const session = spawn("ssh", ["-F", lab.sshConfigPath, host.name, "--", "cat"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    let heard = "";
    session.stdout.on("data", (chunk: Buffer) => {
      heard += chunk.toString();
    });
    try {
      session.stdin.write("before\n");
      await waitFor("the echo", () => heard === "before\n", { timeoutMs: 10_000 });
      await lab.cutNetwork(host, "existing");
      session.stdin.write("meanwhile\n");
      assert.equal((await ssh(host.name, ["true"])).code, 0);
      assert.equal(heard, "before\n");
      await lab.healNetwork(host);
      await waitFor("the delayed echo", () => heard === "before\nmeanwhile\n", { timeoutMs: 10_000 });
    } finally {
      session.kill();
    }
  });

  test("a host cut off from the network answers nothing until it is healed", async () => {
    const host = lab.host("host-2");
    await lab.cutNetwork(host);
    assert.equal((await ssh(host.name, ["true"], 1500)).code, 124);
    await lab.healNetwork(host);
    assert.equal((await ssh(host.name, ["true"])).code, 0);
  });

  test("a delay is felt in a round trip, and goes away again", async () => {
    const host = lab.host("host-1");
    assert.notEqual(await lab.delayNetwork(host, 120), "none");
    const slow = await greetingMs(host.address);
    assert.ok(slow >= 120 && slow < 2000, `${slow} ms`);
    assert.equal((await ssh(host.name, ["true"])).code, 0);
    assert.equal(await lab.delayNetwork(host, 0), "none");
    assert.ok((await greetingMs(host.address)) < 120);
  });

  test("switched off stream forwarding and other sshd settings hold on the host that asked for them", async () => {
    const settings = await lab.host("host-2").exec(["/usr/sbin/sshd", "-T", "-f", "/etc/ssh/sshd_config"]);
    assert.match(settings.stdout, /^allowstreamlocalforwarding no$/m);
    assert.match(settings.stdout, /^maxsessions 3$/m);
  });

  test("a full disk refuses the user's file, and takes it after the disk is freed", async () => {
    const host = lab.host("host-2");
    const write = ["dd", "if=/dev/zero", "of=/home/deploy/file", "bs=65536", "count=4"];
    await lab.fillDisk(host);
    const full = await host.exec(write, { user: "deploy" });
    assert.match(full.stderr, /No space left/);
    await lab.freeDisk(host);
    assert.equal((await host.exec(write, { user: "deploy" })).code, 0);
    await assert.rejects(lab.fillDisk(lab.host("host-1")), /no disk of its own/);
  });

  test("killed SSH sessions end, and the server takes the next one", async () => {
    const host = lab.host("host-1");
    const session = ssh(host.name, ["cat"]);
    const held = spawn("ssh", ["-F", lab.sshConfigPath, host.name, "--", "cat"], { stdio: ["pipe", "pipe", "ignore"] });
    const ended = new Promise<number | null>((settle) => held.once("close", settle));
    held.stdin.write("x\n");
    await new Promise((settle) => held.stdout.once("data", settle));
    assert.ok((await lab.killSshSessions(host)) >= 1);
    assert.equal(await ended, 255);
    await session;
    assert.equal((await ssh(host.name, ["true"])).code, 0);
  });

  test("a killed engine leaves its containers running and finds them again", async () => {
    const host = lab.host("host-1");
    const started = await host.exec([
      "docker",
      "run",
      "-d",
      "--restart=always",
      "--stop-signal=KILL",
      image(),
      "/bin/busybox",
      "sleep",
      "600",
    ]);
    assert.equal(started.code, 0, started.stderr);
    await lab.killEngine(host);
    assert.equal(await engineAnswers(host.socketPath), false);
    assert.equal((await host.exec(["pidof", "/bin/busybox"])).code, 0);
    await lab.startEngine(host);
    const running = await host.exec(["docker", "ps", "-q", "--no-trunc"]);
    assert.equal(running.stdout.trim(), started.stdout.trim());
    await lab.restartEngine(host);
    assert.equal(await engineAnswers(host.socketPath), true);
  });

  test("a stopped registry does not answer, and has its images when it is back", async () => {
    await lab.stopRegistry();
    assert.equal(await registryStatus(lab.registry), 0);
    await lab.startRegistry();
    const { address, username, password } = lab.registry;
    const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
    const tags = await fetch(`http://${address}/v2/tiny/tags/list`, { headers: { authorization } });
    assert.deepEqual(await tags.json(), { name: "tiny", tags: ["1"] });
  });

  test("a host keeps its files when it is switched off and on", async () => {
    const host = lab.host("host-2");
    await host.exec(["touch", "/home/deploy/kept"], { user: "deploy" });
    await lab.powerOff(host);
    assert.notEqual((await ssh(host.name, ["true"], 4000)).code, 0);
    await lab.powerOn(host);
    assert.equal((await ssh(host.name, ["test", "-e", "kept"])).code, 0);
  });

  test("a lab that is up is found up; one with a crashed host is brought up again", async () => {
    const lines: string[] = [];
    await startLab({ name: NAME, hosts: HOSTS, log: (line) => lines.push(line) });
    assert.deepEqual(lines, [`lab "${NAME}" is up already`]);
    const crashed = readRecord(labPaths(NAME))?.boxes.find((box) => box.name === "host-1")?.init;
    assert.ok(crashed !== undefined && signal(crashed, "SIGKILL"));
    lab = await startLab({ name: NAME, hosts: HOSTS });
    assert.equal((await ssh("host-1", ["docker", "version"])).code, 0);
  });

  test("after the stop no process, network, rule, mount, disk or control group is left", async () => {
    const paths = labPaths(NAME);
    const record = readRecord(paths);
    assert.ok(record?.bridge !== undefined);
    await lab.stop();
    const marks = record.boxes.flatMap(({ init, outer, engine, sshd }) => [init, outer, engine, sshd]);
    for (const mark of [...marks, record.registry])
      if (mark !== undefined) assert.ok(!isAlive(mark), `${mark.pid} is left`);
    const links = await must(["ip", "-o", "link"]);
    for (const name of [record.bridge, ...record.boxes.map((box) => box.veth)]) {
      assert.ok(!links.includes(` ${name}:`) && !links.includes(` ${name}@`), `${name} is left`);
    }
    for (const table of ["filter", "nat"]) {
      assert.doesNotMatch(await must(["iptables", "-w", "10", "-t", table, "-S"]), /shiplock-lab:selftest/);
    }
    assert.ok(!readFileSync("/proc/mounts", "utf8").includes(paths.base));
    assert.ok(!(await must(["losetup", "--list"])).includes(paths.base));
    assert.deepEqual(cgroupFolders(record.cgroup), []);
    assert.deepEqual(processesIn(paths.base), []);
  });
});

/** Processes whose command line or working folder names the path. */
function processesIn(path: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && existsSync(`/proc/${name}/cmdline`))
    .map((name) => {
      try {
        return `${name} ${readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ")}`;
      } catch {
        return "";
      }
    })
    .filter((line) => line.includes(path));
}

function greetingMs(address: string): Promise<number> {
  const { promise, resolve: settle, reject } = Promise.withResolvers<number>();
  const start = performance.now();
  const socket = createConnection({ host: address, port: 22 });
  socket.setTimeout(5000, () => reject(new Error("no greeting")));
  socket.once("error", reject);
  socket.once("data", () => settle(performance.now() - start));
  return promise.finally(() => socket.destroy());
}
