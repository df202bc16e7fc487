/** Values that may be unknown, and readers that always come back. */
import type { Measured } from '../spec/backend.js';

/** A fact that is no number, or why it is not known. */
export type Known<Value> = { readonly value: Value } | { readonly unknown: string };

/** A number as the operating system gives it. */
export function reported(value: number): Measured {
  return { value, source: 'operating-system' };
}

export function unknown(reason: string): { readonly unknown: string } {
  return { unknown: reason };
}

/** The value, where it is known. */
export function knownValue<Value>(known: { readonly value: Value } | { readonly unknown: string }): Value | undefined {
  return 'unknown' in known ? undefined : known.value;
}

/**
 * What `read` finds, or what `failed` makes of the reason why it found nothing: that it threw, or that it took too long.
 * Sensors hang now and then, and a file of theirs cannot be given up; it can only be left alone.
 */
export async function readWithin<Value>(
  deadlineMilliseconds: number,
  read: () => Promise<Value>,
  failed: (reason: string) => Value,
): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<Value>((resolve) => {
    timer = setTimeout(
      () => resolve(failed(`the system did not answer within ${deadlineMilliseconds} ms`)),
      deadlineMilliseconds,
    );
    // A reader that nobody waits for any more must not keep a process alive.
    timer.unref();
  });
  try {
    return await Promise.race([read(), deadline]);
  } catch (thrown) {
    return failed(`reading it failed: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  } finally {
    clearTimeout(timer);
  }
}
