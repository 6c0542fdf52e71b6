import { createHash } from "node:crypto";
import { fakeReviews } from "../../src/checks/fake-reviews.ts";
import { reviewsContract } from "./reviews-contract.ts";

reviewsContract("the fake", async () => {
  const reviews = fakeReviews();
  let tip: string | null = null;
  let number = 0;
  const push = async (subject: string): Promise<string> => {
    const commit = createHash("sha1").update(`${subject} ${tip}`).digest("hex");
    reviews.push(commit, tip, subject);
    tip = commit;
    return commit;
  };
  return {
    reviews,
    push,
    merge: async (subject, approvers) => {
      const made = await push(subject);
      const head = createHash("sha1").update(`head of ${made}`).digest("hex");
      number += 1;
      const said = approvers.map((by) => ({ by, answer: "approved" as const, commit: head, counts: true }));
      const url = `https://github.com/acme/shop/pull/${number}`;
      reviews.merge({ ...{ number, url, author: "ada", head, made }, reviews: said }, [made, head]);
      return { made, head, number };
    },
    fallSilent: async () => reviews.setReachable(false),
    close: async () => undefined,
  };
});
