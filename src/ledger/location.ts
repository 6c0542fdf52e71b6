import { isAbsolute, join, resolve } from "node:path";

/**
 * Where this user's ledger lies: `SHIPLOCK_LEDGER` if set, otherwise `shiplock/ledger.db` under `XDG_STATE_HOME`, which defaults to
 * `~/.local/state`. A relative `XDG_STATE_HOME` is ignored, as the XDG base directory specification demands.
 * @param options.env the process environment
 * @param options.home the user's home folder
 * @returns an absolute path (a relative `SHIPLOCK_LEDGER` is taken from the working folder)
 */
export function ledgerPath(options: { env: Readonly<Record<string, string | undefined>>; home: string }): string {
  const { env, home } = options;
  if (env.SHIPLOCK_LEDGER) return resolve(env.SHIPLOCK_LEDGER);
  const state = env.XDG_STATE_HOME;
  const root = state && isAbsolute(state) ? state : join(home, ".local", "state");
  return join(root, "shiplock", "ledger.db");
}
