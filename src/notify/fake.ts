import type { Delivery, Notice, Notifier } from "./types.ts";

/** A notifier that keeps what it heard, and answers as it is told to. */
export type FakeNotifier = Notifier & {
  readonly heard: readonly Notice[];
  /** How it answers from now on. `hangs`: not before its signal is aborted; `ignores`: never. */
  behave(how: "delivers" | "fails" | "hangs" | "ignores" | "throws"): void;
};

/** A notifier without a world, which fails on demand. */
export function createFakeNotifier(name: string): FakeNotifier {
  const heard: Notice[] = [];
  let how: Parameters<FakeNotifier["behave"]>[0] = "delivers";
  const failed = (detail: string): Delivery => ({
    status: "failed",
    tries: 1,
    detail,
    remedy: "let it behave",
    remember: null,
  });
  return {
    name,
    heard,
    behave: (wanted) => {
      how = wanted;
    },
    tell: async (notice, signal) => {
      if (signal.aborted) return failed("time is over");
      switch (how) {
        case "delivers":
          heard.push(notice);
          return { status: "delivered", tries: 1, detail: "heard", remember: null };
        case "fails":
          return failed("it was told to fail");
        case "throws":
          throw new Error("a fault in the notifier");
        case "ignores":
          return new Promise(() => undefined);
        case "hangs":
          return new Promise((resolve) => {
            signal.addEventListener("abort", () => resolve(failed("time is over")), { once: true });
          });
      }
    },
  };
}
