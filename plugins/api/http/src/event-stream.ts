/** A response that goes on for as long as an answer is made: server-sent events. */
import { once } from 'node:events';
import type { FastifyReply } from 'fastify';

export const eventStreamType = 'text/event-stream';

/** Proxies and clients give up on what is silent for too long; a long prompt takes a while. */
const keepAliveMilliseconds = 10_000;

/** Aborts when the client goes away before it has its answer. */
export function clientSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  const { raw } = reply;
  raw.once('close', () => {
    if (!raw.writableFinished) controller.abort(new Error('the client closed its connection'));
  });
  return controller.signal;
}

export class EventStream {
  private readonly keepAlive: NodeJS.Timeout;

  /** Sends the head; from now on errors are events, too. */
  constructor(
    private readonly reply: FastifyReply,
    contentType = `${eventStreamType}; charset=utf-8`,
    private readonly keepAliveText = ': keep-alive\n\n',
  ) {
    const { raw } = reply;
    const headers = reply.getHeaders() as Record<string, string>;
    reply.hijack();
    raw.writeHead(200, {
      ...headers,
      'content-type': contentType,
      'cache-control': 'no-cache',
      // nginx would collect what should come at once.
      'x-accel-buffering': 'no',
    });
    raw.flushHeaders();
    // A token is a small packet, and must not wait for another one.
    raw.socket?.setNoDelay(true);
    this.keepAlive = setInterval(() => {
      if (this.keepAliveText !== '') raw.write(this.keepAliveText);
    }, keepAliveMilliseconds);
    this.keepAlive.unref();
    raw.once('close', () => clearInterval(this.keepAlive));
  }

  /** Resolves when the client can take more: one that does not read slows its own answer down, and nothing piles up. */
  async write(text: string): Promise<void> {
    const { raw } = this.reply;
    if (raw.destroyed || raw.write(text)) return;
    await Promise.race([once(raw, 'drain'), once(raw, 'close')]).catch(() => undefined);
  }

  /** One event with JSON; `name` for interfaces whose events have names. */
  send(data: object, name?: string): Promise<void> {
    const head = name === undefined ? '' : `event: ${name}\n`;
    return this.write(`${head}data: ${JSON.stringify(data)}\n\n`);
  }

  end(text = ''): void {
    clearInterval(this.keepAlive);
    this.reply.raw.end(text);
  }
}
