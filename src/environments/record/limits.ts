/** How many deployments the environment itself remembers; the ledger keeps all. */
const rememberedDeployments = 50;

/** The newest entries, and that of the deployment in progress however many requests have ended since it began: its end is written into it. */
export function remembered<T extends { readonly deployment: string }>(
  newestFirst: readonly T[],
  operation: { readonly deployment: string } | null,
): T[] {
  return newestFirst.filter(
    ({ deployment }, index) => index < rememberedDeployments || deployment === operation?.deployment,
  );
}
