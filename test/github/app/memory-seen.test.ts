import { createSeenWebhooksInMemory } from "../../../src/github/app/memory-seen.ts";
import { seenWebhooksContract } from "./seen-contract.ts";

seenWebhooksContract("one process", async () => createSeenWebhooksInMemory());
