import { edgePaths, type EdgeTls } from "../../../proxy/caddy/edge-config.ts";
import type { MountedFiles } from "../../../release/types.ts";
import type { ComposeHost, ComposeRun } from "../run.ts";

/**
 * Writes the files that the release's containers mount, each set under a folder named by its content, so that no release changes another's; and the root certificate by
 * which the edge trusts an authority of the team's own.
 * @returns how many were written
 */
export async function shipFiles(host: ComposeHost, run: ComposeRun): Promise<number> {
  const trusted = await shipTrustedRoot(host, run.settings.proxy.tls);
  const written = await Promise.all(run.document.snapshot.files.map((files) => shipSet(host, files)));
  return [...written, trusted].filter(Boolean).length;
}

async function shipTrustedRoot(host: ComposeHost, tls: EdgeTls): Promise<boolean> {
  if (tls === "off" || tls.issuer !== "acme" || tls.trustedRoot === null) return false;
  const path = edgePaths.trustedRoot.replace(edgePaths.folder, host.layout.edge);
  const before = await host.host.files.read(path);
  if (before !== null && new TextDecoder().decode(before) === tls.trustedRoot) return false;
  await host.host.files.mkdirs(host.layout.edge, 0o755);
  await host.host.files.write(path, tls.trustedRoot);
  return true;
}

async function shipSet(host: ComposeHost, files: MountedFiles): Promise<boolean> {
  const folder = `${host.layout.folder}/files/${files.hash}`;
  const marker = `${folder}.complete`;
  if ((await host.host.files.stat(marker)) !== null) return false;
  for (const entry of files.entries) {
    const path = entry.path === "" ? `${folder}/${files.name}` : `${folder}/${files.name}/${entry.path}`;
    await host.host.files.mkdirs(path.slice(0, path.lastIndexOf("/")), 0o755);
    await host.host.files.write(path, Buffer.from(entry.content, "base64"), { mode: entry.mode });
  }
  if (files.entries.length === 0) await host.host.files.mkdirs(`${folder}/${files.name}`, 0o755);
  // Written last: only a whole set is taken for one.
  await host.host.files.write(marker, "");
  return true;
}
