/**
 * Gives memory back to the system when a node has nothing to do. What a start or a busy hour has thrown away stays with the
 * process until V8 has a reason to look for it, and an idle node gives it none: some 40 MB of 145.
 */
const lookMilliseconds = 15_000;
/** Of the time between two looks: a collection stops everything for some tens of milliseconds. */
const idleShare = 0.1;
/** Garbage and empty pages, beyond what the last collection left, that are worth it. */
const worthwhileBytes = 16 * 1024 * 1024;

export interface HeapLook {
  /** Of the event loop, since the look before. */
  readonly busyShare: number;
  /** Held by the heap and in no use, or in use when it was last looked through and perhaps no more. */
  readonly heldBytes: number;
}

/** Decides when to collect, by what was held after the last time. Pure. */
export class CollectionRule {
  private leftBytes = 0;

  isDue({ busyShare, heldBytes }: HeapLook): boolean {
    return busyShare < idleShare && heldBytes > this.leftBytes + worthwhileBytes;
  }

  collected(heldBytes: number): void {
    this.leftBytes = heldBytes;
  }
}

/** Looks now and then until the signal aborts. Bun, which has another engine, is left alone. */
export function keepHeapSmall(signal: AbortSignal): void {
  if ('bun' in process.versions || signal.aborted) return;
  const rule = new CollectionRule();
  let before = performance.eventLoopUtilization();
  const look = async () => {
    const now = performance.eventLoopUtilization();
    const busyShare = performance.eventLoopUtilization(now, before).utilization;
    before = now;
    if (!rule.isDue({ busyShare, heldBytes: process.memoryUsage().heapTotal })) return;
    await collectGarbage();
    rule.collected(process.memoryUsage().heapTotal);
  };
  // It is an economy: a node does without.
  const timer = setInterval(() => void look().catch(() => clearInterval(timer)), lookMilliseconds);
  timer.unref();
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}

/** Through the interface of the engine's debugger, which needs no flag; nobody can connect from outside. */
export async function collectGarbage(): Promise<void> {
  const { Session } = await import('node:inspector/promises');
  const session = new Session();
  session.connect();
  try {
    await session.post('HeapProfiler.collectGarbage');
  } finally {
    session.disconnect();
  }
}
