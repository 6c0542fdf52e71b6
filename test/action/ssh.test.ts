import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { openSsh, removeSsh, type SshLeftover } from "../../src/action/ssh-access.ts";
import { keyText, knownHostsText, sshConfigText } from "../../src/action/ssh-texts.ts";
import { systemClock } from "../../src/clock.ts";
import type { ShiplockError } from "../../src/errors.ts";
import { runProgram } from "../../src/process.ts";

const timeoutMs = 20_000;

function code(expected: string, says: RegExp = /./) {
  return (error: ShiplockError): true => {
    assert.equal(error.code, expected);
    assert.match([error.message, error.remedy, ...error.details].join("\n"), says);
    return true;
  };
}

/** A process that has ended may still be listed until somebody asks for its exit code; it has no command line then. */
function isAlive(pid: string): boolean {
  return existsSync(`/proc/${pid}/cmdline`) && readFileSync(`/proc/${pid}/cmdline`, "utf8") !== "";
}

describe("how a step reaches its hosts", () => {
  let root = "";
  let env: Record<string, string | undefined> = {};
  let key = "";
  let publicKey = "";
  let locked = "";

  before(async () => {
    root = mkdtempSync(join(tmpdir(), "action-ssh-"));
    env = { PATH: process.env["PATH"], HOME: root, RUNNER_TEMP: root };
    key = await keyWith("key", "");
    locked = await keyWith("locked", "secret");
    publicKey = readFileSync(join(root, "key.pub"), "utf8").split(" ").slice(0, 2).join(" ");
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  async function keyWith(name: string, passphrase: string): Promise<string> {
    const path = join(root, name);
    const made = await runProgram("ssh-keygen", ["-q", "-t", "ed25519", "-N", passphrase, "-f", path], { timeoutMs });
    assert.equal(made.exitCode, 0, made.stderr);
    const text = readFileSync(path, "utf8");
    rmSync(path);
    return text;
  }

  function folders(): string[] {
    return readdirSync(root).filter((name) => name.startsWith("shiplock-ssh-"));
  }

  async function configured(config: string): Promise<string> {
    const { stdout, stderr } = await runProgram("ssh", ["-G", "-F", config, "web-1"], { env, timeoutMs });
    return stdout + stderr;
  }

  test("an agent holds the key, which lies in no file, and ssh trusts the given host keys alone", async () => {
    const kept: SshLeftover[] = [];
    const known = `web-1 ${publicKey}`;
    const inputs = { "ssh-key": key.trim().replaceAll("\n", "\r\n"), "known-hosts": known };
    const access = await openSsh(inputs, env, systemClock, (left) => kept.push(left));
    assert.ok(access !== null);
    const { SSH_AUTH_SOCK = "", SHIPLOCK_SSH_CONFIG = "" } = access.env;
    const listed = await runProgram("ssh-add", ["-L"], { env: { ...env, SSH_AUTH_SOCK }, timeoutMs });
    assert.ok(listed.stdout.startsWith(publicKey), listed.stdout + listed.stderr);
    const settings = await configured(SHIPLOCK_SSH_CONFIG);
    const [folder = ""] = folders();
    assert.match(settings, /^stricthostkeychecking true$/m);
    assert.match(settings, new RegExp(`^userknownhostsfile ${join(root, folder, "known_hosts")}$`, "m"));
    assert.match(settings, new RegExp(`^identityagent ${SSH_AUTH_SOCK}$`, "m"));
    assert.equal(statSync(join(root, folder)).mode & 0o777, 0o700);
    for (const name of readdirSync(join(root, folder)).filter((one) => one !== "agent"))
      assert.doesNotMatch(readFileSync(join(root, folder, name), "utf8"), /PRIVATE/);
    const { agent = "" } = kept.at(-1) ?? {};
    assert.match(agent, /^\d+$/);
    assert.doesNotMatch(readFileSync(`/proc/${agent}/cmdline`, "utf8"), /PRIVATE/);
    await access.close();
    assert.ok(!isAlive(agent), "the agent has ended");
    assert.deepEqual(folders(), []);
    await access.close();
  });

  test("what a killed step has left is taken away by what was kept of it, and a number that is another's now is left alone", async () => {
    const kept: SshLeftover[] = [];
    await openSsh({ "ssh-key": key, "known-hosts": `web-1 ${publicKey}` }, env, systemClock, (left) => kept.push(left));
    assert.deepEqual(kept[0], { folder: kept[1]?.folder, agent: "" }, "the folder is known before the agent is there");
    const left = kept.at(-1) ?? { folder: "", agent: "" };
    await removeSsh({ folder: left.folder, agent: String(process.pid) }, systemClock);
    assert.ok(isAlive(left.agent));
    await removeSsh(left, systemClock);
    assert.ok(!isAlive(left.agent));
    await removeSsh({ folder: "", agent: "" }, systemClock);
  });

  test("what is wrong with key or host keys is told with the way to mend it, never with the key, and leaves nothing behind", async () => {
    const open = (inputs: Record<string, string>, given = env): Promise<unknown> =>
      openSsh(inputs, given, systemClock, () => undefined);
    const known = `web-1 ${publicKey}`;
    await assert.rejects(
      open({ "ssh-key": key }),
      code("action/known-hosts-missing", /ssh-keyscan HOST[\s\S]*known-hosts:/),
    );
    await assert.rejects(
      open({ "ssh-key": key, "known-hosts": `# a\n${known}\nweb-2` }),
      code("action/known-hosts", /line 3/),
    );
    const cut = key.split("\n").slice(0, 3).join("\n");
    for (const bad of [cut, "not a key", locked])
      await assert.rejects(open({ "ssh-key": bad, "known-hosts": known }), (error: ShiplockError) => {
        assert.equal(error.code, "action/ssh-key");
        assert.match(error.remedy ?? "", /without passphrase/);
        for (const line of bad.split("\n").filter((one) => one.length > 20))
          assert.ok(!JSON.stringify(error).includes(line));
        return true;
      });
    await assert.rejects(
      open({ "ssh-key": key, "known-hosts": known }, { ...env, PATH: root }),
      code("program/missing", /"ssh" is not installed here/),
    );
    assert.deepEqual(folders(), []);
    assert.equal(await open({}), null);
  });
});

test("known_hosts may have hashed names, marks and comments, and nothing that is no key of a host", () => {
  const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJDJpFkSM3bfnLwJNMMDIJ5Q1sOVwGb0ovUDcvBGE5aT";
  const lines = [
    `|1|abc=|def= ${key}`,
    `@cert-authority *.example.com ${key} note`,
    "# note",
    `[h]:2222,1.2.3.4 ${key}`,
  ];
  assert.equal(knownHostsText(lines.join("\r\n")), `${lines.join("\n")}\n`);
  for (const bad of ["web-1", "# only notes", `web-1 ${key.slice(0, 12)}`, "<html> <head> x"])
    assert.throws(() => knownHostsText(bad), code("action/known-hosts"));
});

test("a key is read with whatever ends of lines it was kept", () => {
  assert.equal(keyText("-----BEGIN\r\nab\r\n-----END"), "-----BEGIN\nab\n-----END\n");
});

test("the strict settings stand before what the machine or the step has besides", () => {
  const text = sshConfigText({ knownHosts: "/t/known", agent: null, further: "/own/config" });
  assert.ok(text.indexOf("StrictHostKeyChecking yes") < text.indexOf('Include "/own/config"'));
  assert.doesNotMatch(text, /IdentityAgent|\.ssh\/config/);
});
