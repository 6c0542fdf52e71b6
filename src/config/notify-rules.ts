import { quote } from "./display.ts";
import type { Problem } from "./problem.ts";
import { itemsOf, textOf, valueAt } from "./raw.ts";

type Path = readonly PropertyKey[];

/** What holds between the keys of an entry of `notify`, and between its entries. */
export function notifyProblems(raw: unknown): readonly Problem[] {
  const entries = itemsOf(valueAt(raw, ["notify"]));
  return [
    ...entries.flatMap((entry, index) => [
      ...slackProblems(valueAt(entry, ["slack"]), ["notify", index, "slack"]),
      ...smtpProblems(valueAt(entry, ["email", "smtp"]), ["notify", index, "email", "smtp"]),
    ]),
    ...sameNames(entries),
  ];
}

function slackProblems(slack: unknown, path: Path): readonly Problem[] {
  const there = (key: string): boolean => valueAt(slack, [key]) !== undefined;
  if (there("token") && !there("channel")) {
    const missing = { inside: path, keys: ["channel"], choice: false };
    return [
      { path: [...path, "channel"], at: "key", sentence: "is missing: a token can write to many channels", missing },
    ];
  }
  if (!there("webhook")) return [];
  return ["channel", "api"].flatMap((key): readonly Problem[] =>
    there(key)
      ? [
          {
            path: [...path, key],
            at: "key",
            sentence: "has no meaning beside the key webhook, which belongs to one channel",
          },
        ]
      : [],
  );
}

function smtpProblems(smtp: unknown, path: Path): readonly Problem[] {
  const [user, password] = ["user", "password"].map((key) => valueAt(smtp, [key]));
  if ((user === undefined) !== (password === undefined)) {
    const [there, lacking] = user === undefined ? ["password", "user"] : ["user", "password"];
    const missing = { inside: path, keys: [lacking], choice: false };
    return [{ path: [...path, lacking], at: "key", sentence: `is missing: ${there} alone is no login`, missing }];
  }
  if (textOf(valueAt(smtp, ["tls"])) !== "none") return [];
  return ["password", "trustedRoot"].flatMap((key): readonly Problem[] =>
    valueAt(smtp, [key]) === undefined
      ? []
      : [
          {
            path: [...path, key],
            at: "key",
            sentence: key === "password" ? "would travel in the clear with tls: none" : "has no meaning with tls: none",
          },
        ],
  );
}

function sameNames(entries: readonly unknown[]): readonly Problem[] {
  const seen = new Set<string>();
  return entries.flatMap((entry, index): readonly Problem[] => {
    const name = textOf(valueAt(entry, ["name"]));
    if (name === undefined) return [];
    if (!seen.has(name)) {
      seen.add(name);
      return [];
    }
    return [
      { path: ["notify", index, "name"], at: "value", sentence: `${quote(name)} is the name of another one already` },
    ];
  });
}
