import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createConnector } from "../../src/hosts/connector.ts";
import { waitFor } from "../lab/process.ts";
import { hasCode, OWNER } from "./contract.ts";
import { startLine } from "./held-line.ts";
import { type OwnerProcess, sessionIn, startOwner } from "./owner-process.ts";
import { addressOf, sshdMissing, startSshd, type ThrowawaySshd } from "./throwaway-sshd.ts";

const CONNECT = { connectTimeoutMs: 15_000 };
const missing = await sshdMissing();

describe("taking over from a deployer over SSH", { skip: missing ?? false }, () => {
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

  it("nothing of a stopped deployer arrives any more after it has been taken over and goes on", async () => {
    const owner = await startOwner({ ...owned("stopped"), ttlMs: 600 });
    const host = await connector.connect(addressOf(sshd), CONNECT);
    owner.signal("SIGSTOP");
    const taken = await owner.untilTaken(host, join(sshd.folder, "stopped"));
    assert.equal(taken.tookOver?.who, "owner-process");
    const content = (await readFile(join(sshd.folder, "stopped.work"))).length;
    owner.signal("SIGCONT");
    const lines = [await owner.line(), await owner.line()].sort();
    assert.deepEqual(lines, ["lost connection", "stopped host/lost"]);
    assert.equal(await owner.ended, "0");
    assert.equal((await readFile(join(sshd.folder, "stopped.work"))).length, content);
    await taken.beat();
    await taken.release();
    await host.close();
  });

  it("what is on its way when the line goes dead is not carried out when it is back, once another has taken over", async () => {
    const line = await startLine(sshd.port);
    const sshConfig = join(sshd.folder, "line_config");
    const text = await readFile(sshd.sshConfig, "utf8");
    const alias = `  HostKeyAlias [127.0.0.1]:${sshd.port}`;
    await writeFile(sshConfig, text.replace(`  Port ${sshd.port}`, `  Port ${line.port}\n${alias}`));
    const { folder, file } = owned("cut-off");
    const owner = await startOwner({ address: addressOf(sshd, sshConfig), folder, file, ttlMs: 600 });
    const host = await connector.connect(addressOf(sshd), CONNECT);
    try {
      line.hold();
      const taken = await owner.untilTaken(host, folder);
      const content = (await readFile(file)).length;
      line.goOn();
      await endOf(owner);
      assert.equal((await readFile(file)).length, content);
      await taken.beat();
    } finally {
      owner.signal("SIGKILL");
      await host.close();
      await line.close();
    }
  });

  it("a session is ended by the next owner even where its lock is free already", async () => {
    const owner = await startOwner({ ...owned("agentless"), ttlMs: 60_000 });
    const host = await connector.connect(addressOf(sshd), CONNECT);
    const folder = join(sshd.folder, "agentless");
    const session = await sessionIn(folder);
    const clients = await childrenOf(String(owner.pid));
    owner.signal("SIGSTOP");
    // Its ssh too: that would notice that the agent is gone, and end the session by itself.
    for (const client of clients) process.kill(Number(client), "SIGSTOP");
    try {
      for (const child of await childrenOf(session)) {
        if ((await readFile(`/proc/${child}/cmdline`, "utf8")).includes("shiplock-agent"))
          process.kill(Number(child), "SIGKILL");
      }
      const taken = await owner.untilTaken(host, folder);
      assert.ok(!existsSync(`/proc/${session}`), "the session outlived its take-over");
      assert.equal(taken.tookOver?.who, "owner-process");
      const content = (await readFile(join(sshd.folder, "agentless.work"))).length;
      for (const client of clients) process.kill(Number(client), "SIGCONT");
      owner.signal("SIGCONT");
      await endOf(owner);
      assert.equal((await readFile(join(sshd.folder, "agentless.work"))).length, content);
    } finally {
      for (const client of clients) if (existsSync(`/proc/${client}`)) process.kill(Number(client), "SIGCONT");
      owner.signal("SIGKILL");
      await host.close();
    }
  });

  it("a process of the former session that is held up on the host ends with it, and with what waits for it", async () => {
    const owner = await startOwner({ ...owned("held-up"), ttlMs: 600 });
    const host = await connector.connect(addressOf(sshd), CONNECT);
    const folder = join(sshd.folder, "held-up");
    const children = await childrenOf(await sessionIn(folder));
    try {
      const writers: string[] = [];
      for (const child of children)
        if ((await readFile(`/proc/${child}/cmdline`, "utf8")).includes("sftp")) writers.push(child);
      assert.equal(writers.length, 1, "one process writes the session's files");
      // What the owner goes on writing waits in the pipe to this process, which would carry it out later.
      for (const child of writers) process.kill(Number(child), "SIGSTOP");
      owner.signal("SIGSTOP");
      await owner.untilTaken(host, folder);
      const left = await runningOf(children);
      for (const child of left) process.kill(Number(child), "SIGKILL");
      assert.deepEqual(left, [], "processes of the session outlived its take-over");
    } finally {
      owner.signal("SIGKILL");
      await host.close();
    }
  });

  it("an owner whose folder was taken away hears of it at its next heartbeat", async () => {
    const host = await connector.connect(addressOf(sshd), CONNECT);
    const folder = join(sshd.folder, "root", "vanishing");
    const lease = await host.lease({ folder, owner: OWNER, ttlMs: 5000 });
    assert.ok(lease.kind === "granted");
    await host.files.removeTree(folder);
    await assert.rejects(lease.beat(), hasCode("host/lost"));
    assert.equal((await host.lost).reason, "lease");
    await assert.rejects(host.files.stat("/"), hasCode("host/lost"));
  });

  it("an owner whose lock and session file somebody removed is lost at its next heartbeat, once another has the lease", async () => {
    const [host, other] = await Promise.all([
      connector.connect(addressOf(sshd), CONNECT),
      connector.connect(addressOf(sshd), CONNECT),
    ]);
    const folder = join(sshd.folder, "root", "unlocked");
    try {
      const lease = await host.lease({ folder, owner: OWNER, ttlMs: 60_000 });
      assert.ok(lease.kind === "granted");
      await host.files.remove(join(folder, "lease.lock"));
      await host.files.remove(join(folder, "session"));
      const second = await other.lease({ folder, owner: OWNER, ttlMs: 60_000 });
      assert.equal(second.kind === "granted" ? second.fence : second.kind, lease.fence + 1);
      await assert.rejects(lease.beat(), hasCode("host/lost"));
      await assert.rejects(host.files.stat("/"), hasCode("host/lost"));
    } finally {
      await Promise.all([host.close(), other.close()]);
    }
  });
});

async function childrenOf(pid: string): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.trim() === "" ? [] : text.trim().split(" ");
}

/** Which of these processes have not ended; one that only nobody has asked for its exit code has. */
async function runningOf(pids: readonly string[]): Promise<string[]> {
  const looks = pids.map(async (pid) => {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ") X");
    return /\) [ZX]/.test(stat) ? [] : [pid];
  });
  return (await Promise.all(looks)).flat();
}

/** Waits until a deployer has noticed that it has nothing to say any more, and has ended. */
async function endOf(owner: OwnerProcess): Promise<void> {
  let code: string | undefined;
  void owner.ended.then((ended) => (code = ended));
  await waitFor("the former owner to end", () => code !== undefined, { timeoutMs: 15_000 });
  assert.equal(code, "0");
}
