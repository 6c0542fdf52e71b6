import type { RegistryAuth } from "../../hosts/engine.ts";
import type { RegistryLogin } from "./types.ts";

/** The login as an engine takes it with a pull or push; undefined for a registry without one. */
export function engineLogin(login: RegistryLogin | null): RegistryAuth | undefined {
  if (login === null) return undefined;
  const { address, username, password } = login;
  return { username, password, serverAddress: address.split("/")[0] ?? address };
}
