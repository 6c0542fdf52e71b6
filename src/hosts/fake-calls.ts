/** One call on a fake host, as a hook sees it. `name` is as in "engine.createContainer", "files.write", "lease". */
export type FakeCall = {
  host: string;
  /** Which connection to the host, counting from 1 in the order of connecting. */
  connection: number;
  name: string;
  args: readonly unknown[];
  /** before: nothing has happened yet. after: the effect is there, its caller does not know it yet. */
  phase: "before" | "after";
  /** Counts all calls of the world in their order from 1; the same in both phases of a call. */
  index: number;
};

/** What it throws is what the caller gets. In the phase "after" the effect stays: so an answer that was lost is played. */
export type CallHook = (call: FakeCall) => void | Promise<void>;

/** Wraps the work of one call: hook, work, hook, and a connection that may be gone before, between or after. */
export type CallWrapper = <T>(name: string, args: readonly unknown[], work: () => T | Promise<T>) => Promise<T>;

type AnyMethod = (...args: never[]) => unknown;

/** Every asynchronous method of `port`, named `<prefix>.<method>`, through `wrap`; methods listed in `plain` as they are. */
export function wrapPort<Port extends Record<keyof Port, AnyMethod>>(
  prefix: string,
  port: Port,
  wrap: CallWrapper,
  plain: readonly (keyof Port)[] = [],
): Port {
  const entries = (Object.keys(port) as (keyof Port & string)[]).map((key) => {
    const method = port[key] as unknown as (...args: unknown[]) => unknown;
    if (plain.includes(key)) return [key, method] as const;
    return [key, (...args: unknown[]) => wrap(`${prefix}.${key}`, args, () => method(...args))] as const;
  });
  return Object.fromEntries(entries) as unknown as Port;
}
