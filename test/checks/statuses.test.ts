import { fakeStatuses } from "../../src/checks/fake-statuses.ts";
import { statusesContract } from "./statuses-contract.ts";

statusesContract("the fake", async () => {
  const statuses = fakeStatuses();
  return {
    statuses,
    commits: ["1".repeat(40), "2".repeat(40)],
    report: async (commit, name, state) => statuses.report(commit, name, state),
    fallSilent: async () => statuses.setReachable(false),
    close: async () => undefined,
  };
});
