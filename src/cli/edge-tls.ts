import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { ComposeTarget } from "../config/types.ts";
import { messageOf, ShiplockError } from "../errors.ts";
import type { EdgeTls } from "../proxy/caddy/edge-config.ts";

/**
 * What the edges of an environment do about certificates, with the trusted root as text.
 * @param folder the one that paths of the configuration start at
 * @throws ShiplockError `config/trusted-root` when that file is no certificate that can be read
 */
export function edgeTls(proxy: ComposeTarget["proxy"], folder: string): EdgeTls {
  if (proxy.tls === "off") return "off";
  if (proxy.tls === "internal") return { issuer: "internal", port: proxy.https };
  const { directory = null, email = null, trustedRoot } = proxy.acme ?? {};
  const root = trustedRoot === undefined ? null : readRoot(resolve(folder, trustedRoot));
  return { issuer: "acme", port: proxy.https, directory, email, trustedRoot: root };
}

function readRoot(file: string): string {
  let problem = "it holds no certificate in PEM form";
  try {
    const text = readFileSync(file, "utf8");
    if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  } catch (cause) {
    problem = messageOf(cause);
  }
  throw new ShiplockError({
    code: "config/trusted-root",
    blame: "usage",
    message: `the trusted root of the ACME directory cannot be used: ${problem}`,
    where: file,
    remedy: "let `proxy.acme.trustedRoot` name a PEM file, relative to shiplock.yml",
  });
}
