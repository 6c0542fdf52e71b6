import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Machine } from "../scripts/demo/commands.ts";
import { buildImages, machineAt, shopConfiguration } from "../scripts/demo/stage.ts";
import { startE2eLab, stopE2eLab } from "../test/e2e/support/lab.ts";
import { createShopRepository } from "../test/lab/app-history.ts";
import { ensureBaseImages } from "../test/lab/images/base-images.ts";
import { must } from "../test/lab/process.ts";
import { labRoot } from "../test/lab/record.ts";

const timeoutMs = 15 * 60_000;

/**
 * How long `check` and `build` of the shop take: on a machine that knows nothing, with everything unchanged, and after a change in the front end alone.
 * @param program the command line, as it is built for users
 */
export async function checkAndBuild(say: (text?: string) => void, program: string): Promise<void> {
  const lab = await startE2eLab({ name: "bench-pipeline", hosts: 1 });
  const folder = mkdtempSync(join(tmpdir(), "shiplock-bench-"));
  try {
    const only = [...buildImages, "postgres:17", "redis:8"];
    await ensureBaseImages({
      socketPath: lab.runnerSocket,
      cacheDir: join(labRoot(), "cache"),
      only,
      log: () => undefined,
    });
    const ada = machineAt("ada", lab, { REGISTRY_PASSWORD: lab.registry.password }, folder);
    await createShopRepository(ada.folder, { configure: shopConfiguration(lab) });
    await must(["git", "-C", ada.folder, "switch", "--quiet", "--detach", "v1"], { env: { ...ada.env } });
    await must(["docker", "builder", "prune", "--all", "--force"], { env: { ...ada.env } });

    say("| the shop: three checks, two images | `check` | `build staging` |");
    say("|---|---|---|");
    const row = async (name: string): Promise<void> => {
      const check = await timed(ada, [program, "check"]);
      const build = await timed(ada, [program, "build", "staging"]);
      say(`| ${name} | ${check.toFixed(1)} s | ${build.toFixed(1)} s |`);
    };
    await row("cold: no result, no cache, no layer");
    await row("again, nothing changed");
    const page = join(ada.folder, "web/app/page.tsx");
    writeFileSync(page, readFileSync(page, "utf8").replace("<h1>Shop</h1>", "<h1>The shop</h1>"));
    const who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"];
    await must(["git", "-C", ada.folder, ...who, "commit", "--quiet", "--all", "--message", "Say which shop"], {
      env: { ...ada.env },
    });
    await row("one line changed in the front end");
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await stopE2eLab(lab);
  }
}

/** Seconds of a command that has to succeed. */
async function timed(machine: Machine, args: readonly string[]): Promise<number> {
  const began = performance.now();
  const child = spawn(process.execPath, [...args], {
    cwd: machine.folder,
    env: { ...machine.env },
    stdio: ["ignore", "ignore", "inherit"],
    signal: AbortSignal.timeout(timeoutMs),
  });
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${String(code)}`);
  return (performance.now() - began) / 1000;
}
