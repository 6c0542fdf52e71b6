import type { Problem } from "./problem.ts";
import { entriesOf, itemsOf, textOf, valueAt } from "./raw.ts";
import { parseDuration } from "./units.ts";

type Path = readonly PropertyKey[];

/** What holds between the keys of hooks and of the watch: what a failure can still mean at a point, and which names are taken. */
export function hookProblems(raw: unknown): readonly Problem[] {
  const environments = entriesOf(valueAt(raw, ["environments"]));
  return [
    ...pointProblems(raw, ["hooks"]),
    ...environments.flatMap(([name, environment]) => [
      ...pointProblems(raw, ["environments", name, "hooks"]),
      ...trafficProblems(raw, environment, name),
      ...watchProblems(environment, ["environments", name, "watch"]),
    ]),
  ];
}

function pointProblems(raw: unknown, path: Path): readonly Problem[] {
  return entriesOf(valueAt(raw, path)).flatMap(([point, list]) =>
    itemsOf(list).flatMap((hook, index) => {
      const here = [...path, point, index];
      const sentence = senseless(point, textOf(valueAt(hook, ["onFailure"])));
      return [
        ...(sentence === null ? [] : [{ path: [...here, "onFailure"], at: "key", sentence } satisfies Problem]),
        ...nameProblems(hook, here),
      ];
    }),
  );
}

/** Why a policy has no meaning at a point; null where it has one. */
function senseless(point: string, onFailure: string | undefined): string | null {
  if (onFailure === undefined) return null;
  if (point === "afterFailure")
    return "has no meaning here: the deployment has failed already, and a hook that fails is told";
  if (point === "after" && onFailure === "stop")
    return "cannot be stop here: the release is live already; choose rollback, which goes back with another deployment, or continue";
  if (point !== "after" && onFailure === "rollback")
    return "cannot be rollback here: as long as the release is not recorded as live, stop takes everything back";
  return null;
}

function nameProblems(hook: unknown, path: Path): readonly Problem[] {
  const environment = entriesOf(valueAt(hook, ["environment"])).map(([name]) => ({
    name,
    below: ["environment", name],
  }));
  const secrets = itemsOf(valueAt(hook, ["secrets"])).flatMap((name, index) =>
    typeof name === "string" ? [{ name, below: ["secrets", index] }] : [],
  );
  const taken = new Set(environment.map(({ name }) => name));
  return [
    ...[...environment, ...secrets].flatMap(({ name, below }): Problem[] =>
      name.startsWith("SHIPLOCK_")
        ? [{ path: [...path, ...below], at: "key", sentence: "names that begin with SHIPLOCK_ are Shiplock's own" }]
        : [],
    ),
    ...secrets.flatMap(({ name, below }): Problem[] =>
      taken.has(name)
        ? [{ path: [...path, ...below], at: "value", sentence: "is a variable under environment already" }]
        : [],
    ),
  ];
}

/** Without a proxy there is no moment at which the new release is ready and has no traffic. */
function trafficProblems(raw: unknown, environment: unknown, name: string): readonly Problem[] {
  const strategy = valueAt(environment, ["strategy"]);
  if (strategy !== "in-place" && valueAt(strategy, ["in-place"]) === undefined) return [];
  const own: Path = ["environments", name, "hooks", "beforeTraffic"];
  const path = valueAt(raw, own) === undefined ? ["hooks", "beforeTraffic"] : own;
  if (itemsOf(valueAt(raw, path)).length === 0) return [];
  const sentence = `has no moment with strategy: in-place (in the environment ${name}), where a container gets traffic as soon as it starts; use before or afterTraffic${path === own ? "" : `, or give ${name} an empty list of its own`}`;
  return [{ path, at: "key", sentence }];
}

function watchProblems(environment: unknown, path: Path): readonly Problem[] {
  const [whole, every] = ["for", "every"].map((key) =>
    parseDuration(textOf(valueAt(environment, ["watch", key])) ?? ""),
  );
  if (whole === undefined || (every ?? 5_000) <= whole) return [];
  const sentence = "is shorter than the time between two looks (every, 5s unless given): nothing would be seen";
  return [{ path: [...path, "for"], at: "value", sentence }];
}
