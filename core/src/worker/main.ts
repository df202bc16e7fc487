/**
 * Entry of a worker process. It lives for one shard: it ends when it is told to, when its pipe to the host closes, and
 * when the work fails in a way that nothing can be said about.
 */
import { ShoalError } from '../spec/errors.js';
import { hostPort } from './host-port.js';
import { HostWatch } from './host-watch.js';
import type { HostCall, HostMessage, WorkerMessage } from './worker-protocol.js';
import { WorkerSession } from './worker-session.js';

/** How long a member may take to say goodbye before the process ends regardless. */
const closeGraceMilliseconds = 1000;

const port = hostPort();

const session = new WorkerSession((event) => send({ kind: 'event', event }));

function send(message: WorkerMessage): void {
  port.send(message);
}

async function answer({ call, method, request }: HostCall): Promise<void> {
  try {
    send({ kind: 'answer', call, response: await session.call(method, request) });
  } catch (thrown) {
    const { code, message, details } = ShoalError.from(thrown);
    send({ kind: 'failure', call, error: { code, message, details } });
  }
  if (method === 'close') end(0);
}

let ending = false;

function end(exitCode: number): void {
  if (ending) return;
  ending = true;
  setTimeout(() => process.exit(exitCode), closeGraceMilliseconds).unref();
  void session
    .close()
    .catch(() => undefined)
    .then(() => port.flushed())
    .finally(() => process.exit(exitCode));
}

const hostWatch = new HostWatch((stalled) => session.setHostStalled(stalled));

port.onMessage((received) => {
  const message = received as HostMessage;
  hostWatch.heard();
  if (message.kind === 'call') void answer(message);
});
// The host died or let go: nobody needs this shard any more.
port.onClose(() => end(0));

function fail(what: string, thrown: unknown): void {
  process.stderr.write(`${what}: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}\n`);
  process.exit(1);
}

process.on('uncaughtException', (thrown) => fail('uncaught exception', thrown));
process.on('unhandledRejection', (thrown) => fail('unhandled rejection', thrown));
// A terminal's Ctrl-C reaches the whole process group; the host decides when its workers end.
process.on('SIGINT', () => undefined);
process.on('SIGHUP', () => undefined);

send({ kind: 'started' });
