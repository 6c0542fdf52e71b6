import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { FreezeWindow } from "../../../src/config/types-gates.ts";
import { freezeGate } from "../../../src/environments/gates/freeze.ts";
import { frozenAt } from "../../../src/environments/gates/freeze-windows.ts";
import type { GateDecision } from "../../../src/environments/gates/types.ts";
import { wallClockOf } from "../../../src/environments/gates/zone-time.ts";
import { facts, policyOf, request } from "./facts.ts";

type Written = NonNullable<Parameters<typeof policyOf>[0]>["freeze"];

const offHours = { weekly: { from: "fri 16:00", until: "mon 08:00" }, zone: "Europe/Berlin" };
const weekend: Written = [offHours];
const minute = 60_000;
const hour = 60 * minute;

function at(now: string, freeze: Written, options = request().options): GateDecision {
  return freezeGate.judge(facts({ now: new Date(now), policy: policyOf({ freeze }), request: request({ options }) }));
}

function frozen(now: string, freeze: Written): boolean {
  return at(now, freeze).answer === "block";
}

/** Until when a freeze lasts, in UTC. */
function end(now: string, freeze: Written): string | null {
  const found = frozenAt(policyOf({ freeze }).freeze, Date.parse(now));
  return found === null || found.until === null ? null : new Date(found.until).toISOString();
}

describe("a freeze window of every week", () => {
  it("holds over the turn of the week, from its first moment and up to its last", () => {
    assert.equal(frozen("2026-11-20T14:59:59Z", weekend), false);
    assert.equal(frozen("2026-11-20T15:00:00Z", weekend), true);
    assert.equal(frozen("2026-11-22T23:59:00Z", weekend), true);
    assert.equal(frozen("2026-11-23T06:59:59Z", weekend), true);
    assert.equal(frozen("2026-11-23T07:00:00Z", weekend), false);
  });

  it("says until when, by the clock there and for everybody, and what it is for", () => {
    const decision = at("2026-11-21T12:00:00Z", [{ ...offHours, reason: "nobody is on call" }]);
    assert.equal(
      decision.reason,
      "nothing is deployed to staging until Mon 2026-11-23 08:00 Europe/Berlin (2026-11-23 07:00 UTC): nobody is on call",
    );
    assert.match(decision.answer === "block" ? decision.remedy : "", /--override-freeze --reason/);
  });

  it("says the same for as long as it lasts", () => {
    const reasons = ["2026-11-20T15:00:00Z", "2026-11-21T12:34:56Z", "2026-11-23T06:59:59Z"].map((now) =>
      at(now, weekend),
    );
    assert.equal(new Set(reasons.map(({ reason }) => reason)).size, 1);
  });

  it("keeps to the clock where daylight saving begins and ends", () => {
    // Clocks in Berlin go forward on 29 March 2026 and back on 25 October 2026, both on a Sunday.
    assert.equal(end("2026-03-28T12:00:00Z", weekend), "2026-03-30T06:00:00.000Z");
    assert.equal(end("2026-10-24T12:00:00Z", weekend), "2026-10-26T07:00:00.000Z");
    assert.equal(frozen("2026-03-30T06:30:00Z", weekend), false);
    assert.equal(frozen("2026-10-26T06:30:00Z", weekend), true);
  });

  it("keeps to the clock in the south, by half an hour of daylight saving, and far from UTC", () => {
    const zone = (name: string): Written => [{ weekly: { from: "sun 22:00", until: "mon 06:00" }, zone: name }];
    assert.equal(end("2026-04-05T14:00:00Z", zone("Australia/Lord_Howe")), "2026-04-05T19:30:00.000Z");
    assert.equal(end("2026-04-12T16:00:00Z", zone("Pacific/Kiritimati")), null);
    assert.equal(end("2026-04-12T09:00:00Z", zone("Pacific/Kiritimati")), "2026-04-12T16:00:00.000Z");
    assert.equal(end("2026-04-13T10:00:00Z", zone("Pacific/Pago_Pago")), "2026-04-13T17:00:00.000Z");
  });

  it("can be of one day, of a few minutes, or of nearly the whole week", () => {
    const lunch: Written = [{ weekly: { from: "wed 12:00", until: "wed 12:30" } }];
    assert.equal(end("2026-11-18T12:29:59Z", lunch), "2026-11-18T12:30:00.000Z");
    assert.equal(frozen("2026-11-18T12:30:00Z", lunch), false);
    const most: Written = [{ weekly: { from: "wed 12:30", until: "wed 12:00" } }];
    assert.equal(frozen("2026-11-18T12:15:00Z", most), false);
    assert.equal(end("2026-11-18T12:30:00Z", most), "2026-11-25T12:00:00.000Z");
  });
});

describe("an hour that daylight saving gives twice or takes away", () => {
  it("is frozen both times it comes", () => {
    const night: Written = [{ from: "2026-10-25 02:30", until: "2026-10-25 02:45", zone: "Europe/Berlin" }];
    assert.equal(frozen("2026-10-25T00:29:59Z", night), false);
    assert.equal(end("2026-10-25T00:30:00Z", night), "2026-10-25T01:45:00.000Z");
    assert.equal(frozen("2026-10-25T01:44:59Z", night), true);
    assert.equal(frozen("2026-10-25T01:45:00Z", night), false);
  });

  it("ends or begins a freeze at the moment at which it is left out", () => {
    const until: Written = [{ from: "2026-03-28", until: "2026-03-29 02:30", zone: "Europe/Berlin" }];
    assert.equal(end("2026-03-28T12:00:00Z", until), "2026-03-29T01:00:00.000Z");
    const from: Written = [{ from: "2026-03-29 02:30", until: "2026-03-29 12:00", zone: "Europe/Berlin" }];
    assert.equal(frozen("2026-03-29T00:59:59Z", from), false);
    assert.equal(frozen("2026-03-29T01:00:00Z", from), true);
  });
});

describe("freeze windows of dates", () => {
  const christmas: Written = [{ from: "2026-12-20", until: "2026-12-27 12:00", zone: "America/New_York" }];

  it("hold from the first day's midnight there to the moment that is named", () => {
    assert.equal(frozen("2026-12-20T04:59:59Z", christmas), false);
    assert.equal(frozen("2026-12-20T05:00:00Z", christmas), true);
    assert.equal(end("2026-12-24T00:00:00Z", christmas), "2026-12-27T17:00:00.000Z");
  });

  it("are in UTC unless a zone is named", () => {
    assert.match(
      at("2026-12-24T00:00:00Z", [{ from: "2026-12-20", until: "2026-12-27" }]).reason,
      /until Sun 2026-12-27 00:00 UTC$/,
    );
  });
});

describe("several freeze windows", () => {
  it("are one where they adjoin or overlap, with one end", () => {
    const windows: Written = [
      ...weekend,
      { from: "2026-11-23 07:00", until: "2026-11-24" },
      { from: "2026-11-23 20:00", until: "2026-11-24 09:00" },
    ];
    assert.equal(end("2026-11-21T12:00:00Z", windows), "2026-11-24T09:00:00.000Z");
  });

  it("that leave no gap have no end, and say so instead of looking for ever", () => {
    const always: Written = [
      { weekly: { from: "mon 00:00", until: "thu 00:00" } },
      { weekly: { from: "thu 00:00", until: "mon 00:00" } },
    ];
    const decision = at("2026-11-21T12:00:00Z", always);
    assert.equal(decision.answer, "block");
    assert.match(decision.reason, /follow each other without a gap/);
  });
});

describe("passing a freeze", () => {
  it("needs a reason, which is in the answer with what was passed", () => {
    const options = { ...request().options, overrideFreeze: "customer is down" };
    const decision = at("2026-11-21T12:00:00Z", weekend, options);
    assert.equal(decision.answer, "pass");
    assert.equal(decision.overridden, true);
    assert.match(decision.reason, /^overridden \(customer is down\); nothing is deployed to staging until Mon/);
  });

  it("is none where nothing is frozen: a flag that was given to be sure overrides nothing", () => {
    const options = { ...request().options, overrideFreeze: "customer is down" };
    assert.deepEqual(at("2026-11-18T12:00:00Z", weekend, options), {
      ...{ gate: "freeze", answer: "pass", reason: "no freeze now" },
    });
  });

  it("is not needed by a rollback", () => {
    const now = new Date("2026-11-21T12:00:00Z");
    const decision = freezeGate.judge(facts({ now, kind: "rollback", policy: policyOf({ freeze: weekend }) }));
    assert.equal(decision.answer, "pass");
  });
});

const zone = fc.constantFrom(
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "Australia/Lord_Howe",
  "Asia/Kolkata",
  "America/St_Johns",
  "Pacific/Apia",
);
const point = fc.record({ day: fc.integer({ min: 1, max: 7 }), minute: fc.integer({ min: 0, max: 1439 }) });
const moment = fc
  .integer({ min: Date.parse("2025-12-20T00:00:00Z") / minute, max: Date.parse("2027-01-10T00:00:00Z") / minute })
  .map((each) => each * minute);
const weekly: fc.Arbitrary<FreezeWindow> = fc
  .record({ zone, from: point, until: point })
  .filter(({ from, until }) => from.day !== until.day || from.minute !== until.minute)
  .map((window) => ({ kind: "weekly", reason: "", ...window }));
const local = (each: number): string => new Date(each).toISOString().slice(0, 16);
const dates: fc.Arbitrary<FreezeWindow> = fc
  .record({ zone, from: moment, minutes: fc.integer({ min: 1, max: 20_000 }) })
  .map(({ zone: where, from, minutes }) => ({
    kind: "dates",
    reason: "",
    zone: where,
    from: local(from),
    until: local(from + minutes * minute),
  }));
const windowsOf = fc.array(fc.oneof(weekly, dates), { minLength: 1, maxLength: 4 });

/** The same for a window by the plainest means: what the clock shows, point by point. */
function shownInside(window: FreezeWindow, now: number): boolean {
  const shown = wallClockOf(window.zone).shown(now);
  if (window.kind === "dates") return Date.parse(`${window.from}Z`) <= shown && shown < Date.parse(`${window.until}Z`);
  const date = new Date(shown);
  const here = ((date.getUTCDay() + 6) % 7) * 1440 + date.getUTCHours() * 60 + date.getUTCMinutes();
  const [from, until] = [window.from, window.until].map(({ day, minute: minutes }) => (day - 1) * 1440 + minutes) as [
    number,
    number,
  ];
  return from < until ? from <= here && here < until : here >= from || here < until;
}

describe("whatever windows there are", () => {
  it("nothing is deployed while the clock of one of them shows a time in it", () => {
    fc.assert(
      fc.property(windowsOf, moment, (windows, now) => {
        if (windows.some((window) => shownInside(window, now))) assert.notEqual(frozenAt(windows, now), null);
      }),
      { numRuns: 150 },
    );
  });

  it("a freeze is no longer than its windows, but for an hour that comes twice", () => {
    fc.assert(
      fc.property(windowsOf, moment, (windows, now) => {
        if (frozenAt(windows, now) === null) return;
        const near = [-hour, -hour / 2, 0, hour / 2, hour].map((each) => now + each);
        assert.ok(windows.some((window) => near.some((each) => shownInside(window, each))));
      }),
      { numRuns: 150 },
    );
  });

  it("something can be deployed at the end that is told, and at no moment before it", () => {
    fc.assert(
      fc.property(windowsOf, moment, fc.double({ min: 0, max: 1, noNaN: true }), (windows, now, part) => {
        const found = frozenAt(windows, now);
        if (found === null || found.until === null) return;
        assert.ok(found.until > now);
        assert.equal(frozenAt(windows, found.until), null);
        const between = now + Math.floor((found.until - 1 - now) * part);
        assert.equal(frozenAt(windows, between)?.until, found.until);
      }),
      { numRuns: 150 },
    );
  });

  it("a clock shows at the moments of a time that very time, unless it is left out", () => {
    fc.assert(
      fc.property(zone, moment, (name, now) => {
        const clock = wallClockOf(name);
        const { first, last } = clock.moments(clock.shown(now));
        assert.ok(first === now || last === now);
        assert.equal(clock.shown(first), clock.shown(last));
      }),
      { numRuns: 150 },
    );
  });
});
