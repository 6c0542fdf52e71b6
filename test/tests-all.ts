/** Whether `npm run test:all` runs, which goes over more of the same than `npm test` has time for. */
export function testsAll(env: NodeJS.ProcessEnv = process.env): boolean {
  return env["SHIPLOCK_TEST_ALL"] === "1";
}
