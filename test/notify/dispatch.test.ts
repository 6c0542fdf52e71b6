import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { notifyEvents, eventsMeant } from "../../src/config/notify-events.ts";
import { chooseNotifiers } from "../../src/notify/choose.ts";
import { openDispatch, type Told } from "../../src/notify/dispatch.ts";
import { createFakeNotifier, type FakeNotifier } from "../../src/notify/fake.ts";
import { noticeEvents, type NoticeRule } from "../../src/notify/types.ts";
import { systemClock } from "../../src/clock.ts";
import { jumpingClock } from "../fakes/jumping-clock.ts";
import { notifierContract } from "./contract.ts";
import { notice } from "./samples.ts";

notifierContract({
  name: "fake",
  open: async () => {
    const notifier = createFakeNotifier("fake");
    const lonely = createFakeNotifier("lonely");
    lonely.behave("fails");
    return {
      notifier,
      heard: async () =>
        notifier.heard.map(
          ({ kind, project, environment, event, release }) =>
            `${kind ?? ""} of ${project} to ${environment ?? ""} ${event} ${release ?? ""}`,
        ),
      behave: (how) => notifier.behave(how === "refuses" ? "fails" : "hangs"),
      secrets: [],
      lonely,
    };
  },
});

function rule(notifier: FakeNotifier, change: Partial<NoticeRule> = {}): NoticeRule {
  return { notifier, environments: null, events: noticeEvents, named: [], ...change };
}

function dispatchTo(rules: readonly NoticeRule[], mask = (text: string): string => text) {
  const warnings: string[] = [];
  const recorded: Told[] = [];
  const dispatch = openDispatch({
    ...{ rules, clock: jumpingClock(), mask, warn: (line: string) => warnings.push(line) },
    record: async (told) => void recorded.push(told),
  });
  return { dispatch, warnings, recorded };
}

test("every notifier hears what it asked for, in order, and nothing else", async () => {
  const [all, bad, staging] = ["all", "bad", "staging"].map(createFakeNotifier) as [
    FakeNotifier,
    FakeNotifier,
    FakeNotifier,
  ];
  const { dispatch } = dispatchTo([
    rule(all),
    rule(bad, { events: ["failed"] }),
    rule(staging, { environments: ["staging"] }),
  ]);
  for (const event of ["started", "step-failed", "failed"] as const) dispatch.tell(notice(event));
  dispatch.tell(notice("check-failed", { environment: null }));
  await dispatch.flush(1_000);
  const heard = (notifier: FakeNotifier): string[] => notifier.heard.map(({ event }) => event);
  assert.deepEqual(heard(all), ["started", "step-failed", "failed", "check-failed"]);
  assert.deepEqual(heard(bad), ["failed"]);
  assert.deepEqual(heard(staging), ["check-failed"], "what belongs to no environment is told everywhere");
});

test("a notifier that fails is reported once, recorded each time, and the others hear everything", async () => {
  for (const how of ["fails", "throws"] as const) {
    const broken = createFakeNotifier("broken");
    const fine = createFakeNotifier("fine");
    broken.behave(how);
    const { dispatch, warnings, recorded } = dispatchTo([rule(broken), rule(fine)]);
    for (const event of ["started", "succeeded"] as const) dispatch.tell(notice(event));
    await dispatch.flush(1_000);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", /^broken was not told that deploy of shop to production has begun: /);
    assert.equal(fine.heard.length, 2);
    assert.equal(recorded.filter(({ delivery }) => delivery.status === "failed").length, 2);
  }
});

test("a notifier that hangs holds nobody up for longer than it may, not even one that ignores its signal", async () => {
  for (const how of ["hangs", "ignores"] as const) {
    const slow = createFakeNotifier("slow");
    slow.behave(how);
    const clock = systemClock;
    const warnings: string[] = [];
    const dispatch = openDispatch({
      ...{ rules: [rule(slow)], clock, mask: (text: string) => text, warn: (line: string) => warnings.push(line) },
      record: async () => undefined,
    });
    const began = performance.now();
    dispatch.tell(notice("started"));
    dispatch.tell(notice("succeeded"));
    assert.ok(performance.now() - began < 2_000, "telling waits for nobody");
    const told = await dispatch.flush(100);
    assert.ok(performance.now() - began < 10_000);
    assert.deepEqual(
      told.map(({ delivery }) => `${delivery.status} ${delivery.tries}`),
      ["failed 1", "failed 0"],
    );
    assert.equal(warnings.length, 1);
  }
});

test("no value of a secret reaches a notifier, whichever field it stands in", async () => {
  const listening = createFakeNotifier("listening");
  const { dispatch } = dispatchTo([rule(listening)], (text) =>
    text.replaceAll("hunter2\nmore", "***").replaceAll("hunter2", "***"),
  );
  const secret = "with hunter2 in it";
  const step = { title: secret, host: secret, ms: 1, state: "done" as const };
  dispatch.tell(
    notice("failed", {
      ...{ release: secret, commit: secret, subject: secret, ref: secret, who: secret, why: secret, outcome: secret },
      ...{ environment: secret, deployment: secret, project: secret },
      ...{ steps: [step], lastLines: ["hunter2", "more"], links: { url: secret, log: secret } },
    }),
  );
  await dispatch.flush(1_000);
  assert.equal(listening.heard.length, 1);
  assert.doesNotMatch(JSON.stringify(listening.heard), /hunter2/);
  assert.deepEqual(listening.heard[0]?.lastLines, ["***"], "a value over two lines is found too");
});

test("who is chosen follows from event and environment alone, and the order is that of the configuration", () => {
  const event = fc.constantFrom(...noticeEvents);
  const place = fc.constantFrom("staging", "production");
  const rules = fc.array(
    fc.record({
      environments: fc.option(fc.array(place), { nil: null }),
      events: fc.array(event),
      named: fc.array(event),
    }),
  );
  fc.assert(
    fc.property(
      rules,
      event,
      fc.option(place, { nil: null }),
      fc.boolean(),
      (written, told, environment, onlyNamed) => {
        const all = written.map((one, index) => ({ ...one, notifier: createFakeNotifier(`n${index}`) }));
        const chosen = chooseNotifiers(all, { event: told, environment }, onlyNamed);
        const expected = all.filter(
          (one) =>
            (onlyNamed ? one.named : one.events).includes(told) &&
            (one.environments === null || environment === null || one.environments.includes(environment)),
        );
        assert.deepEqual(
          chosen.map(({ name }) => name),
          expected.map(({ notifier }) => notifier.name),
        );
      },
    ),
  );
});

test("configuration and notifiers know the same events", () => {
  assert.deepEqual([...notifyEvents].sort(), [...noticeEvents].sort());
  assert.deepEqual([...eventsMeant(["all"])].sort(), [...noticeEvents].sort());
});
