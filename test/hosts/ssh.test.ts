import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { access, mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createConnector } from "../../src/hosts/connector.ts";
import type { HostAddress } from "../../src/hosts/types.ts";
import { waitFor } from "../lab/process.ts";
import { describeHost, hasCode, OWNER } from "./contract.ts";
import { sessionIn, startOwner } from "./owner-process.ts";
import { makeTestImage, removeTestVolume, TEST_ENGINE } from "./test-image.ts";
import { addressOf, freePort, type SshdOptions, sshdMissing, startSshd, type ThrowawaySshd } from "./throwaway-sshd.ts";

const CONNECT = { connectTimeoutMs: 15_000 };
const missing = await sshdMissing();

if (missing !== undefined) {
  it("hosts over SSH", { skip: missing }, () => undefined);
} else {
  describeHost("a host over SSH", async () => {
    const sshd = await startSshd({ dockerHost: `unix://${TEST_ENGINE ?? "/none"}` });
    const connector = createConnector();
    const image = await makeTestImage();
    const folder = join(sshd.folder, "root", "test");
    await mkdir(folder, { recursive: true });
    return {
      connect: () => connector.connect(addressOf(sshd), CONNECT),
      folder,
      ...(image === undefined ? {} : { image, containerBody: { Cmd: ["sleep", "600"] } }),
      separateSessions: true,
      async close() {
        await removeTestVolume();
        await sshd.stop();
      },
    };
  });
  describe("a connection over SSH", describeConnection);
  describe("a connection over SSH that cannot be made says why", describeRefusals);
}

function describeConnection(): void {
  const connector = createConnector();
  let sshd: ThrowawaySshd;
  before(async () => {
    sshd = await startSshd();
  });
  after(async () => {
    await sshd.stop();
  });
  const owned = (name: string) => ({
    address: addressOf(sshd),
    folder: join(sshd.folder, name),
    file: join(sshd.folder, `${name}.work`),
  });

  it("leaves nothing behind on this machine when it is closed", async () => {
    const host = await connector.connect(addressOf(sshd), CONNECT);
    const socket = await host.forwardSocket("/run/nothing.sock");
    await access(join(socket, ".."));
    await host.close();
    await assert.rejects(access(join(socket, "..")));
  });

  it("a killed deployer's session ends by itself, even if a process it started still uses the tunnel", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const bound = server.address();
    assert.ok(bound !== null && typeof bound === "object");
    const orphanCut = new Promise((resolve) => server.once("connection", (socket) => socket.once("close", resolve)));
    const owner = await startOwner({ ...owned("orphaned"), ttlMs: 60_000, orphanPort: bound.port });
    const session = await sessionIn(join(sshd.folder, "orphaned"));
    owner.signal("SIGKILL");
    const late = new Promise((_, reject) =>
      setTimeout(() => reject(new Error("the tunnel is still there")), 5000).unref(),
    );
    await Promise.race([orphanCut, late]).finally(() => {
      server.closeAllConnections();
      server.close();
    });
    // The tunnel is cut before the session has ended to its last instant.
    await waitFor("the end of its SSH session", () => !existsSync(`/proc/${session}`), { timeoutMs: 5_000 });
  });

  it("the session ends when its deployer is killed, and the lease is free at once", async () => {
    const owner = await startOwner({ ...owned("killed"), ttlMs: 60_000 });
    const host = await connector.connect(addressOf(sshd), CONNECT);
    assert.equal((await host.lease({ folder: join(sshd.folder, "killed"), owner: OWNER, ttlMs: 5000 })).kind, "held");
    const session = await sessionIn(join(sshd.folder, "killed"));
    await access(`/proc/${session}`);
    owner.signal("SIGKILL");
    const start = Date.now();
    const taken = await owner.untilTaken(host, join(sshd.folder, "killed"));
    assert.ok(Date.now() - start < 5000, "long before its time to live");
    assert.equal(taken.fence, 2);
    assert.equal(taken.tookOver?.who, "owner-process");
    const content = (await readFile(join(sshd.folder, "killed.work"))).length;
    await assert.rejects(access(`/proc/${session}`), "its SSH session is gone, and the tunnel with it");
    assert.equal((await readFile(join(sshd.folder, "killed.work"))).length, content);
    await host.close();
  });

  it("a forward leads to a port of the host", async () => {
    const server = createServer((_, response) => void response.end("hello"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const bound = server.address();
    assert.ok(bound !== null && typeof bound === "object");
    const host = await connector.connect(addressOf(sshd), CONNECT);
    const socketPath = await host.forwardTcp("127.0.0.1", bound.port);
    const { get } = await import("node:http");
    const status = await new Promise((resolve, reject) => {
      get({ socketPath, path: "/", agent: false }, (response) => resolve(response.resume().statusCode)).once(
        "error",
        reject,
      );
    });
    assert.equal(status, 200);
    await assert.rejects(host.forwardSocket("/run/a:b"), hasCode("host/bad-path"));
    await host.close();
    server.close();
  });

  it("the user's own forwards, remote command and terminal in ~/.ssh/config do not get in the way", async () => {
    const port = await freePort();
    const own = [
      "Host *",
      "  RemoteCommand echo own",
      "  RequestTTY force",
      `  LocalForward 127.0.0.1:${port} 127.0.0.1:1`,
      "  ControlMaster auto",
    ];
    const sshConfig = join(sshd.folder, "own_config");
    await writeFile(sshConfig, `${own.join("\n")}\n${await readFile(sshd.sshConfig, "utf8")}`);
    const host = await connector.connect({ ...addressOf(sshd), sshConfig } as HostAddress, CONNECT);
    await host.files.stat("/");
    await host.close();
  });
}

function describeRefusals(): void {
  const connector = createConnector();

  async function withSshd(options: SshdOptions, work: (sshd: ThrowawaySshd) => Promise<void>): Promise<void> {
    const sshd = await startSshd(options);
    try {
      await work(sshd);
    } finally {
      await sshd.stop();
    }
  }

  it("host key unknown, host key changed, login refused, nobody there, no such name", async () => {
    await withSshd({}, async (sshd) => {
      const known = await readFile(sshd.knownHosts, "utf8");
      await writeFile(sshd.knownHosts, "");
      await assert.rejects(connector.connect(addressOf(sshd), CONNECT), hasCode("ssh/host-key"));
      const otherKey = (await readFile(join(sshd.folder, "user_key.pub"), "utf8")).split(" ").slice(0, 2).join(" ");
      await writeFile(sshd.knownHosts, `[127.0.0.1]:${sshd.port} ${otherKey}\n`);
      await assert.rejects(connector.connect(addressOf(sshd), CONNECT), (error) => {
        assert.match(String((error as { remedy?: string }).remedy), /ssh-keygen -R/);
        return hasCode("ssh/host-key")(error);
      });
      await writeFile(sshd.knownHosts, known);
      await writeFile(join(sshd.folder, "authorized_keys"), "");
      await assert.rejects(connector.connect(addressOf(sshd), CONNECT), hasCode("ssh/auth"));
      const config = await readFile(sshd.sshConfig, "utf8");
      await writeFile(sshd.sshConfig, config.replace(/Port \d+/, `Port ${await freePort()}`));
      await assert.rejects(connector.connect(addressOf(sshd), CONNECT), hasCode("ssh/unreachable"));
      await writeFile(sshd.sshConfig, config.replace("127.0.0.1", "no-such-name.invalid"));
      await assert.rejects(connector.connect(addressOf(sshd), CONNECT), hasCode("ssh/unreachable"));
    });
  });

  it("a destination that is not one reaches no shell", async () => {
    for (const destination of ["-oProxyCommand=touch /tmp/pwned", "a b", "x';touch pwned", ""]) {
      const address = { kind: "ssh", destination, name: "box" } as const;
      await assert.rejects(connector.connect(address, CONNECT), hasCode("ssh/config"));
    }
  });

  it("stream forwarding switched off, no engine, an engine that does not run", async () => {
    await withSshd({}, async (sshd) => {
      const path = join(sshd.folder, "engine.sock");
      const server = createServer((_, response) => void response.end("OK"));
      await new Promise<void>((resolve) => server.listen(path, resolve));
      const config = { dockerHost: `unix://${path}` };
      await withSshd({ ...config, settings: ["AllowStreamLocalForwarding no"] }, async (closed) => {
        const host = await connector.connect(addressOf(closed), CONNECT);
        await assert.rejects(host.engine.ping(), hasCode("ssh/forwarding-refused"));
        await host.files.stat("/");
        await host.close();
      });
      await withSshd({ dockerHost: "unix:///run/shiplock-none.sock" }, async (without) => {
        const host = await connector.connect(addressOf(without), CONNECT);
        await assert.rejects(host.engine.info(), hasCode("engine/socket-missing"));
        await host.close();
      });
      server.close();
    });
  });

  it("no SFTP, or a forced command", async () => {
    await withSshd({ settings: ["Subsystem sftp /nonexistent"] }, async (sshd) => {
      await assert.rejects(connector.connect(addressOf(sshd), CONNECT), hasCode("ssh/sftp-missing"));
    });
    await withSshd({ settings: ["ForceCommand echo no"] }, async (sshd) => {
      await assert.rejects(connector.connect(addressOf(sshd), CONNECT), hasCode("host/agent-failed"));
    });
  });

  it("an attempt that is cancelled, or has no time left, ends", async () => {
    await withSshd({}, async (sshd) => {
      await assert.rejects(
        connector.connect(addressOf(sshd), { ...CONNECT, signal: AbortSignal.timeout(5) }),
        hasCode("host/cancelled"),
      );
      await assert.rejects(connector.connect(addressOf(sshd), { connectTimeoutMs: 5 }), hasCode("ssh/unreachable"));
    });
  });

  it("a connection whose server goes away is lost, and pending calls with it", async () => {
    const sshd = await startSshd();
    const host = await connector.connect(addressOf(sshd), CONNECT);
    const folder = join(sshd.folder, "root", "x");
    const lease = await host.lease({ folder, owner: OWNER, ttlMs: 5000 });
    assert.ok(lease.kind === "granted");
    const session = await sessionIn(folder);
    process.kill(Number(session), "SIGKILL");
    assert.equal((await host.lost).reason, "connection");
    await assert.rejects(host.files.stat("/"), hasCode("host/lost"));
    await assert.rejects(host.engine.ping(), hasCode("host/lost"));
    await assert.rejects(lease.beat(), hasCode("host/lost"));
    await host.close();
    await sshd.stop();
  });
}
