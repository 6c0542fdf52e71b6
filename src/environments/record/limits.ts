/** How many deployments the environment itself remembers; the ledger keeps all. */
export const rememberedDeployments = 50;
