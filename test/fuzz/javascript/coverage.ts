/** Which blocks of our code an input runs, from V8's own block coverage: nothing has to be instrumented. */
import { type Profiler, Session } from 'node:inspector';

export class Coverage {
  private readonly session = new Session();
  private readonly seen = new Set<string>();

  constructor(private readonly isOurs: (url: string) => boolean) {
    this.session.connect();
    this.session.post('Profiler.enable');
    this.session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Blocks that were ever run. */
  get blocks(): number {
    return this.seen.size;
  }

  /** Whether a block ran since the last call that had never run before; remembers it unless told not to. */
  take({ remember }: { readonly remember: boolean }): boolean {
    let isNew = false;
    for (const { url, functions } of this.counts()) {
      if (!this.isOurs(url)) continue;
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          if (count === 0) continue;
          const block = `${url}:${startOffset}-${endOffset}`;
          if (this.seen.has(block)) continue;
          isNew = true;
          if (!remember) return true;
          this.seen.add(block);
        }
      }
    }
    return isNew;
  }

  private counts(): readonly Profiler.ScriptCoverage[] {
    let counts: readonly Profiler.ScriptCoverage[] = [];
    // A session of the own thread answers before `post` returns.
    this.session.post('Profiler.takePreciseCoverage', (failure, answer) => {
      if (failure) throw failure;
      counts = answer.result;
    });
    return counts;
  }
}
