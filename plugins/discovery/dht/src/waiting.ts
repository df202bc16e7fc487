import { setMaxListeners } from 'node:events';

/** Resolves after the time, or when the signal aborts. Does not keep the process alive. */
export function rest(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    timer.unref();
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
}

/** Runs with a signal that aborts with the given one, and after the time. Nothing stays registered with the given one. */
export async function withDeadline<Result>(
  milliseconds: number,
  signal: AbortSignal,
  work: (deadline: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  // Each message of a query listens.
  setMaxListeners(0, controller.signal);
  const abort = () => controller.abort(signal.reason);
  const timer = setTimeout(() => controller.abort(new Error(`no end after ${milliseconds} ms`)), milliseconds);
  timer.unref();
  signal.addEventListener('abort', abort);
  if (signal.aborted) abort();
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}
