import type { Clock } from "../clock.ts";
import { ShiplockError } from "../errors.ts";
import type { LeaseOwner } from "../hosts/types.ts";
import type { DeploymentPorts, DeploymentRequest } from "./request.ts";

type LeaseWish = Pick<DeploymentRequest, "deployment" | "origin" | "leaseTtlMs" | "wait" | "environment">;

/** The right to change an environment, while it is held. */
export type HeldLease = {
  fence: number;
  /** Aborted when it is gone; the reason is the ShiplockError that says why. */
  lost: AbortSignal;
};

/** How often a lease that another holds is asked for again. */
const leaseRetryMs = 500;

/** The lease, or who holds it. */
export type LeaseAnswer = Awaited<ReturnType<DeploymentPorts["session"]["acquire"]>>;

/** Asks for the lease once. */
export function askForLease(request: LeaseWish, { session, clock }: DeploymentPorts): Promise<LeaseAnswer> {
  return session.acquire(ownerOf(request, clock), request.leaseTtlMs);
}

/**
 * Does work while the lease is held, and gives it back.
 * @throws ShiplockError `lease/held` when another holds it and nobody wants to wait
 */
export async function underLease<T>(
  request: LeaseWish,
  ports: DeploymentPorts,
  work: (lease: HeldLease) => Promise<T>,
): Promise<T> {
  return holding(await takeLease(request, ports), request, ports, work);
}

/** Does work with a lease that was granted, and gives it back. */
export async function holding<T>(
  { fence, tookOver, release }: Extract<LeaseAnswer, { kind: "granted" }>,
  request: Pick<LeaseWish, "environment">,
  ports: DeploymentPorts,
  work: (lease: HeldLease) => Promise<T>,
): Promise<T> {
  const { session } = ports;
  ports.tell({ kind: "lease-taken", fence, tookOver });
  if (tookOver !== null) {
    const { deployment, who, from, since } = tookOver;
    session.audit.remark({ action: "lease-taken-over", subject: deployment, details: { who, from, since } });
  }
  const lost = new AbortController();
  let working = true;
  void session.lost.then((why) => {
    if (working) lost.abort(leaseLost(request.environment, why));
  });
  try {
    return await work({ fence, lost: lost.signal });
  } finally {
    working = false;
    // What was lost cannot be given back; its lock ends with its connection.
    if (!lost.signal.aborted) await release();
  }
}

async function takeLease(request: LeaseWish, ports: DeploymentPorts) {
  const owner = ownerOf(request, ports.clock);
  let told = false;
  for (;;) {
    const answer = await ports.session.acquire(owner, request.leaseTtlMs);
    if (answer.kind === "granted") return answer;
    if (!told)
      ports.tell({ kind: "lease-held", owner: answer.owner, host: answer.host, heartbeatAgeMs: answer.heartbeatAgeMs });
    told = true;
    if (!request.wait) throw leaseHeld(request.environment, answer.owner, answer.heartbeatAgeMs);
    await ports.clock.wait(leaseRetryMs, ports.signal);
  }
}

function ownerOf({ deployment, origin }: LeaseWish, clock: Clock): LeaseOwner {
  const { who, from, command } = origin;
  return { deployment, who, from, since: clock.now().toISOString(), command };
}

export function leaseHeld(environment: string, owner: LeaseOwner, heartbeatAgeMs: number): ShiplockError {
  return new ShiplockError({
    code: "lease/held",
    blame: "gate",
    message: `${environment} is being changed by ${owner.who} from ${owner.from} since ${owner.since} (\`${owner.command}\`, last sign of life ${Math.round(heartbeatAgeMs / 1000)} s ago)`,
    remedy: "wait until it has ended, or leave out --no-wait",
  });
}

function leaseLost(environment: string, why: string): ShiplockError {
  return new ShiplockError({
    code: "lease/lost",
    blame: "person",
    message: `the right to change ${environment} is gone: ${why}`,
    remedy: `run \`shiplock status ${environment}\`; if nobody else goes on with it, \`shiplock resume ${environment}\` or \`shiplock abort ${environment}\``,
  });
}
