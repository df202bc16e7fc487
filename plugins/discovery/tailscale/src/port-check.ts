/** Whether anything listens: opens a TCP connection and closes it, without a byte. */
import { connect } from 'node:net';

const deadlineMilliseconds = 3000;

export function isListening(host: string, port: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (isOpen: boolean) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      socket.destroy();
      resolve(isOpen);
    };
    const abort = () => end(false);
    const timer = setTimeout(abort, deadlineMilliseconds);
    socket.on('connect', () => end(true));
    socket.on('error', abort);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
  });
}
