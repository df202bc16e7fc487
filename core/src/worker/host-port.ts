/**
 * The worker's end of the pipe to its host: the process channel that Node, Bun and Electron (as Node) have in common.
 */

export interface HostPort {
  send(message: unknown): void;
  onMessage(receive: (message: unknown) => void): void;
  /** Called when the host is gone. */
  onClose(closed: () => void): void;
  /** Resolves when what was sent has left this process. */
  flushed(): Promise<void>;
}

const flushDeadlineMilliseconds = 200;

export function hostPort(): HostPort {
  if (!process.send) {
    process.stderr.write('this is a worker of `shoal node`; it is not started by hand\n');
    process.exit(2);
  }
  let last: Promise<void> = Promise.resolve();
  return {
    send(message) {
      last = new Promise((resolve) => {
        // A failing send means that the host is gone, which `disconnect` reports.
        if (!process.connected) resolve();
        else process.send?.(message, undefined, undefined, () => resolve());
      });
    },
    onMessage: (receive) => void process.on('message', receive),
    onClose: (closed) => void process.on('disconnect', closed),
    flushed: () => Promise.race([last, new Promise<void>((resolve) => setTimeout(resolve, flushDeadlineMilliseconds))]),
  };
}
