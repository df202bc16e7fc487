/** The worker's end of the pipe to its host: Node's and Bun's process channel, or Electron's parent port. */

export interface HostPort {
  send(message: unknown): void;
  onMessage(receive: (message: unknown) => void): void;
  /** Called when the host is gone. */
  onClose(closed: () => void): void;
  /** Resolves when what was sent has left this process. */
  flushed(): Promise<void>;
}

interface ElectronParentPort {
  postMessage(message: unknown): void;
  on(event: 'message', receive: (event: { data: unknown }) => void): void;
}

export function hostPort(): HostPort {
  const electron = (process as unknown as { parentPort?: ElectronParentPort }).parentPort;
  if (electron) {
    return {
      send: (message) => electron.postMessage(message),
      onMessage: (receive) => electron.on('message', ({ data }) => receive(data)),
      // Electron ends its utility processes together with itself.
      onClose: () => undefined,
      flushed: () => new Promise((resolve) => setTimeout(resolve, 20)),
    };
  }
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
    flushed: () => Promise.race([last, new Promise<void>((resolve) => setTimeout(resolve, 200))]),
  };
}
