/** A node of a graph of work: it may run once everything it needs has ended well. */
export type GraphNode = { id: string; needs: readonly string[]; lane: string | null };

export type GraphResult<Node> = { done: Node[]; failed: { node: Node; error: unknown }[]; skipped: Node[] };

/**
 * Runs a graph: whatever is ready runs beside each other, at most `lanes` different lanes (hosts) at once. After the first failure nothing new starts;
 * what runs already is waited for.
 * @param work must bound itself in time; it is never left behind
 */
export async function runGraph<Node extends GraphNode>(
  nodes: readonly Node[],
  lanes: number,
  work: (node: Node) => Promise<void>,
  stopped: () => boolean = () => false,
): Promise<GraphResult<Node>> {
  const done = new Set<string>();
  const pending = new Set(nodes);
  const running = new Map<Node, Promise<void>>();
  const failed: { node: Node; error: unknown }[] = [];
  const finished: Node[] = [];
  for (;;) {
    if (failed.length === 0 && !stopped()) startReady();
    if (running.size === 0) break;
    await Promise.race(running.values());
  }
  return { done: finished, failed, skipped: [...pending] };

  function startReady(): void {
    for (const node of [...pending]) {
      if (!node.needs.every((id) => done.has(id))) continue;
      const busy = new Set([...running.keys()].map((other) => other.lane).filter((lane) => lane !== null));
      if (node.lane !== null && !busy.has(node.lane) && busy.size >= lanes) continue;
      pending.delete(node);
      running.set(
        node,
        work(node).then(
          () => {
            running.delete(node);
            done.add(node.id);
            finished.push(node);
          },
          (error: unknown) => {
            running.delete(node);
            failed.push({ node, error });
          },
        ),
      );
    }
  }
}

/** The same nodes with every arrow turned round: what needed A is now needed by A. Needs outside `nodes` are dropped. */
export function reversed<Node extends GraphNode>(nodes: readonly Node[]): Node[] {
  const ids = new Set(nodes.map((node) => node.id));
  const dependents = new Map<string, string[]>();
  for (const node of nodes) {
    for (const need of node.needs) {
      if (ids.has(need)) dependents.set(need, [...(dependents.get(need) ?? []), node.id]);
    }
  }
  return nodes.map((node) => ({ ...node, needs: dependents.get(node.id) ?? [] })).reverse();
}
