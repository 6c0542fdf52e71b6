import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

/** The user on every host who is not root but may use the engine, as on a well-kept server. */
export const DEPLOY_USER = { name: "deploy", uid: 1000, gid: 1000 } as const;

/** Group id of the engine's socket on the hosts. */
const DOCKER_GID = 990;

/** What programs need from /etc; nothing that tells about the real machine's users, keys or services. */
const SHARED_SETTINGS = [
  "alternatives",
  "bash.bashrc",
  "ca-certificates",
  "debian_version",
  "default",
  "ethertypes",
  "host.conf",
  "ld.so.cache",
  "ld.so.conf",
  "ld.so.conf.d",
  "localtime",
  "login.defs",
  "magic",
  "mime.types",
  "nsswitch.conf",
  "os-release",
  "profile",
  "protocols",
  "rpc",
  "services",
  "shells",
  "skel",
  "ssl",
  "terminfo",
  "timezone",
];

/**
 * Prepares the root folder of a host: its folders, users and settings. What a host keeps over restarts (/home, /root,
 * /var) is left alone; /run starts empty.
 * @param names host names and addresses for /etc/hosts
 * @param nameServer address that answers no questions: names outside fail at once instead of after a timeout
 */
export function prepareBoxRoot(
  root: string,
  hostName: string,
  names: readonly { name: string; address: string }[],
  nameServer: string,
): void {
  const folders = [
    "usr",
    "sys",
    "dev",
    "proc",
    "tmp",
    "disk",
    "etc",
    "var/lib/docker",
    "var/log",
    "var/tmp",
    "var/empty",
  ];
  for (const folder of [...folders, "home", "opt", "srv", "mnt", "media"])
    mkdirSync(join(root, folder), { recursive: true });
  chmodSync(join(root, "var/tmp"), 0o1777);
  mkdirSync(join(root, "root"), { recursive: true, mode: 0o700 });
  rmSync(join(root, "run"), { recursive: true, force: true });
  mkdirSync(join(root, "run/sshd"), { recursive: true });
  mkdirSync(join(root, "run/lock"), { mode: 0o1777 });
  if (!existsSync(join(root, "var/run"))) symlinkSync("/run", join(root, "var/run"));

  const etc = join(root, "etc");
  for (const name of SHARED_SETTINGS) {
    const from = join("/etc", name);
    rmSync(join(etc, name), { recursive: true, force: true });
    if (existsSync(from)) cpSync(from, join(etc, name), { recursive: true, verbatimSymlinks: true });
  }
  mkdirSync(join(etc, "ssh"), { recursive: true });
  mkdirSync(join(etc, "docker"), { recursive: true });
  writeFileSync(join(etc, "hostname"), `${hostName}\n`);
  writeFileSync(join(etc, "resolv.conf"), `nameserver ${nameServer}\noptions timeout:1 attempts:1\n`);
  const hosts = [{ name: "localhost", address: "127.0.0.1" }, ...names];
  writeFileSync(join(etc, "hosts"), hosts.map(({ name, address }) => `${address} ${name}\n`).join(""));
  writeUsers(etc);
}

function writeUsers(etc: string): void {
  const { name, uid, gid } = DEPLOY_USER;
  const systemUsers = linesOf("/etc/passwd").filter((line) => isSystem(line) && line.split(":")[0] !== "root");
  const systemGroups = linesOf("/etc/group").filter((line) => isSystem(line) && line.split(":")[0] !== "docker");
  const users = [
    "root:x:0:0:root:/root:/bin/bash",
    ...systemUsers,
    `${name}:x:${uid}:${gid}:Deployer:/home/${name}:/bin/bash`,
  ];
  const groups = [
    // A machine's own groups may use the number; the name decides, and the first line wins for the number.
    `docker:x:${DOCKER_GID}:${name}`,
    ...systemGroups
      .filter((line) => line.split(":")[2] !== String(DOCKER_GID))
      .map((line) => line.replace(/[^:]*$/, "")),
    `${name}:x:${gid}:`,
  ];
  writeFileSync(join(etc, "passwd"), `${users.join("\n")}\n`);
  writeFileSync(join(etc, "group"), `${groups.join("\n")}\n`);
  // "*" is no password but not locked either, so a key may sign in.
  const shadow = users.map((line) => `${line.split(":")[0]}:*:20000:0:99999:7:::`);
  writeFileSync(join(etc, "shadow"), `${shadow.join("\n")}\n`, { mode: 0o600 });
}

function linesOf(file: string): string[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "");
}

function isSystem(line: string): boolean {
  const id = Number(line.split(":")[2]);
  return id < 1000 || id === 65534;
}

/**
 * Makes the users' home folders with the key that may sign in. It runs when the host's own disk is in place, so `root` is
 * the host's root as seen from outside.
 */
export function prepareHomes(root: string, publicKey: string): void {
  const home = join(root, "home", DEPLOY_USER.name);
  mkdirSync(home, { recursive: true, mode: 0o750 });
  chownSync(home, DEPLOY_USER.uid, DEPLOY_USER.gid);
  for (const [folder, uid, gid] of [
    [join(root, "root"), 0, 0],
    [home, DEPLOY_USER.uid, DEPLOY_USER.gid],
  ] as const) {
    const ssh = join(folder, ".ssh");
    mkdirSync(ssh, { recursive: true, mode: 0o700 });
    writeFileSync(join(ssh, "authorized_keys"), publicKey, { mode: 0o600 });
    chownSync(ssh, uid, gid);
    chownSync(join(ssh, "authorized_keys"), uid, gid);
  }
}
