import assert from "node:assert/strict";
import { test } from "node:test";
import { asking, type Body, github, heldClock } from "./ask.ts";

const here = "/repos/{owner}/{repo}";
const deployments = `${here}/deployments`;

test("a token does what its permissions allow and is told what it lacks", async (context) => {
  const simulator = await github(context);
  const sha = await simulator.push("main");
  const create = { ref: sha, auto_merge: false, required_contexts: [] };
  const reading = asking(simulator, simulator.token({ deployments: "read" }));
  const refused = await reading(`POST ${deployments}`, create);
  assert.deepEqual([refused.status, refused.body.message], [403, "Resource not accessible by integration"]);
  assert.equal(refused.headers["x-accepted-github-permissions"], "deployments=write");
  assert.equal((await reading(`GET ${deployments}`)).status, 200);
  assert.equal((await reading(`GET ${here}/pulls`)).status, 403);
  const writing = asking(simulator, simulator.token({ deployments: "write" }));
  assert.equal((await writing(`POST ${deployments}`, create)).status, 201);
  assert.equal((await writing(`GET ${deployments}`)).status, 200, "writing holds reading");
});

test("a person's token does what the role allows, and a stranger does not see a private repository", async (context) => {
  const simulator = await github(context);
  const sha = await simulator.push("main");
  simulator.person("anna", "write");
  simulator.person("rita", "read");
  simulator.person("stranger", "none");
  const ask = (login: string) => asking(simulator, simulator.personalToken(login));
  const create = { ref: sha, auto_merge: false, required_contexts: [] };
  assert.equal((await ask("anna")(`POST ${deployments}`, create)).body.creator.login, "anna");
  assert.equal((await ask("rita")(`POST ${deployments}`, create)).status, 403);
  assert.equal((await ask("stranger")(`GET ${deployments}`)).status, 404);
  assert.equal((await ask("anna")("GET /user")).body.login, "anna");
  const role = `${here}/collaborators/{username}/permission`;
  assert.equal((await ask("anna")(`GET ${role}`, { username: "rita" })).body.permission, "read");
  assert.equal((await ask("anna")(`GET ${here}`)).body.permissions.push, true);
});

test("without a token a public repository is read and a private one is not there; a wrong token is refused", async (context) => {
  const [open, closed] = [await github(context, { public: true }), await github(context)];
  assert.equal((await asking(open, null)(`GET ${here}`)).body.visibility, "public");
  assert.equal((await asking(closed, null)(`GET ${here}`)).status, 404);
  assert.equal((await asking(open, null)(`POST ${deployments}`, { ref: "main" })).status, 401);
  const wrong = await asking(open, "ghs_wrong")(`GET ${here}`);
  assert.deepEqual([wrong.status, wrong.body.message], [401, "Bad credentials"]);
  assert.equal((await asking(open)(`GET ${here}`, { repo: "other" })).status, 404);
});

test("a used-up rate limit refuses until its time is over, and every answer says how much is left", async (context) => {
  const clock = heldClock();
  const simulator = await github(context, { clock });
  const ask = asking(simulator);
  assert.equal((await ask(`GET ${deployments}`)).headers["x-ratelimit-remaining"], "4999");
  simulator.setRateLimit(1, new Date(clock.now().getTime() + 60_000));
  assert.equal((await ask(`GET ${deployments}`)).status, 200);
  const refused = await ask(`GET ${deployments}`);
  assert.deepEqual([refused.status, refused.headers["x-ratelimit-remaining"]], [403, "0"]);
  assert.match(refused.body.message, /API rate limit exceeded/);
  assert.equal(Number(refused.headers["x-ratelimit-reset"]) * 1000, clock.now().getTime() + 60_000);
  clock.forward(60_001);
  assert.equal((await ask(`GET ${deployments}`)).status, 200);
});

test("the secondary limit refuses as often as it was ordered, with the time to wait", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  simulator.secondaryLimit(1, 7);
  const refused = await ask(`GET ${deployments}`);
  assert.deepEqual([refused.status, refused.headers["retry-after"]], [403, "7"]);
  assert.match(refused.body.message, /secondary rate limit/);
  assert.equal((await ask(`GET ${deployments}`)).status, 200);
});

test("ordered faults happen as often as ordered, on their route, and a lost answer leaves the effect", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  const sha = await simulator.push("main");
  const create = { ref: sha, auto_merge: false, required_contexts: [] };
  simulator.fault({ kind: "status", status: 502, route: `POST ${deployments}`, times: 2, after: 1 });
  const told: number[] = [];
  for (let count = 0; count < 4; count += 1) {
    told.push((await ask(`POST ${deployments}`, create)).status);
    await ask(`GET ${deployments}`);
  }
  assert.deepEqual(told, [201, 502, 502, 201]);
  simulator.fault({ kind: "drop", when: "before", route: `POST ${deployments}` });
  await assert.rejects(() => ask(`POST ${deployments}`, create));
  assert.equal((await ask(`GET ${deployments}`)).body.length, 2);
  simulator.fault({ kind: "drop", when: "after", route: `POST ${deployments}` });
  await assert.rejects(() => ask(`POST ${deployments}`, create));
  assert.equal((await ask(`GET ${deployments}`)).body.length, 3);
  simulator.fault({ kind: "status", status: 502, tookEffect: true, route: `POST ${deployments}` });
  assert.equal((await ask(`POST ${deployments}`, create)).status, 502);
  assert.equal((await ask(`GET ${deployments}`)).body.length, 4);
  const posts = simulator.requests.filter(({ method }) => method === "POST");
  assert.deepEqual(
    posts.map(({ status }) => status),
    [201, 502, 502, 201, null, null, 502],
  );
});

test("a delayed answer comes late, but what was asked took effect at once; closing waits for nobody", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  const sha = await simulator.push("main");
  simulator.fault({ kind: "delay", milliseconds: 3_600_000, route: `POST ${deployments}` });
  const late = ask(`POST ${deployments}`, { ref: sha, auto_merge: false, required_contexts: [] });
  const dropped = assert.rejects(late);
  while ((await ask(`GET ${deployments}`)).body.length === 0);
  context.after(async () => await dropped);
});

test("requests that come at once take effect one after the other: one of many makes a reference", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  const sha = await simulator.push("main");
  const made = await Promise.all(
    Array.from({ length: 8 }, async () => (await ask(`POST ${here}/git/refs`, { ref: "refs/heads/lock", sha })).status),
  );
  assert.deepEqual(
    made.toSorted((one, other) => one - other),
    [201, ...Array.from({ length: 7 }, () => 422)],
  );
});

test("lists come in pages, with links to the others", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  const sha = await simulator.push("main");
  for (let count = 0; count < 5; count += 1)
    await ask(`POST ${deployments}`, { ref: sha, auto_merge: false, required_contexts: [], payload: { count } });
  const page = async (number: number): Promise<{ counts: number[]; link: string }> => {
    const { body, headers } = await ask(`GET ${deployments}`, { per_page: 2, page: number, environment: "production" });
    return { counts: body.map(({ payload }: Body) => payload.count), link: String(headers["link"]) };
  };
  const [first, last] = [await page(1), await page(3)];
  assert.deepEqual([first.counts, last.counts], [[4, 3], [0]]);
  assert.match(first.link, /<http:\/\/127[^>]+[?&]page=2[^>]*>; rel="next", <[^>]+[?&]page=3[^>]*>; rel="last"/);
  assert.equal(first.link.match(/environment=production/g)?.length, 2, "the links ask for the same");
  assert.match(last.link, /page=2[^>]*>; rel="prev", <[^>]+page=1[^>]*>; rel="first"/);
  assert.ok(!last.link.includes('rel="next"'));
  const whole = await ask(`GET ${deployments}`, { per_page: 100 });
  assert.equal(whole.headers["link"], undefined);
});
