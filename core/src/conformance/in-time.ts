import { strict as assert } from 'node:assert';

/** Rejects when the work takes longer; the work itself goes on. */
export async function inTime<T>(work: Promise<T>, what: string, milliseconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new assert.AssertionError({ message: `${what} took too long` })), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
