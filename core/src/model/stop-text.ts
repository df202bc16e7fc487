/**
 * Ends a text at the first of several stop strings. Text that might be the beginning of one is held back until it is
 * known not to be.
 */
export class StopText {
  private held = '';
  private readonly stops: readonly string[];

  constructor(stops: readonly string[]) {
    this.stops = stops.filter((stop) => stop !== '');
  }

  /** Adds text; returns what is certain, and the stop string that was met, if any (nothing comes after that). */
  push(text: string): { readonly text: string; readonly stop?: string } {
    if (this.stops.length === 0) return { text };
    const whole = this.held + text;
    const found = this.stops.flatMap((stop) => {
      const index = whole.indexOf(stop);
      return index < 0 ? [] : [{ stop, index }];
    });
    const first = found.sort((one, other) => one.index - other.index)[0];
    if (first) {
      this.held = '';
      return { text: whole.slice(0, first.index), stop: first.stop };
    }
    const kept = Math.max(...this.stops.map((stop) => overlap(whole, stop)));
    this.held = whole.slice(whole.length - kept);
    return { text: whole.slice(0, whole.length - kept) };
  }

  /** The rest, when the text has ended by itself. */
  flush(): string {
    const rest = this.held;
    this.held = '';
    return rest;
  }
}

/** Length of the longest end of `text` that `stop` begins with. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length -= 1) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}
