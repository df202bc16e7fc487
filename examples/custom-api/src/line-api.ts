/**
 * Answers questions over TCP: a client sends one line of JSON, `{"model": …, "text": …, "key": …}`, and gets lines of JSON
 * back, `{"text": …}` for each piece and `{"done": true}` or `{"error": {"code": …, "message": …}}` at the end.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { type Api, type ApiContext, type NodeService, type RunningApi, ShoalError } from '@shoal/core';
import { readLine } from './lines.js';

export interface LineApiOptions {
  readonly port: number;
}

type Context = ApiContext<NodeService>;

/** Whoever has not asked by then is sent away. */
const questionMilliseconds = 10_000;
/** What runs when the API closes may end within this time. */
const drainMilliseconds = 1000;

export class LineApi implements Api<NodeService> {
  constructor(private readonly options: LineApiOptions) {}

  async start(context: Context, signal: AbortSignal): Promise<RunningApi> {
    // What was said where the node was started goes before the plugin's options.
    const { listen = '127.0.0.1', port = this.options.port } = context.settings;
    const needsKey = (context.settings.keys ?? []).length > 0 || !listen.startsWith('127.');
    const answering = new Set<Promise<void>>();
    const closing = new AbortController();
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      const answer = serve(socket, context, needsKey, closing.signal).finally(() => {
        socket.destroy();
        sockets.delete(socket);
        answering.delete(answer);
      });
      answering.add(answer);
    });
    const bound = await listenOn(server, listen, port);
    const end = async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      await Promise.race([Promise.all(answering), new Promise((resolve) => setTimeout(resolve, drainMilliseconds))]);
      closing.abort(new ShoalError('CLUSTER_CLOSED', 'the node is being closed'));
      for (const socket of sockets) socket.destroy();
      await closed;
    };
    let ended: Promise<void> | undefined;
    const close = () => {
      ended ??= end();
      return ended;
    };
    signal.addEventListener('abort', () => void close(), { once: true });
    return { addresses: [`tcp://${listen}:${bound}`], close };
  }
}

function listenOn(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const code = cause.code === 'EADDRINUSE' ? 'API_ADDRESS_IN_USE' : 'API_FAILED';
      reject(new ShoalError(code, `cannot listen on ${host} port ${port}: ${cause.message}`, { cause }));
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

/** One connection, one question. Never rejects: what is wrong the client is told. */
async function serve(socket: Socket, context: Context, needsKey: boolean, closing: AbortSignal): Promise<void> {
  const left = new AbortController();
  // A client that goes away cancels its request; an error is always followed by `close`.
  socket.on('error', () => undefined);
  socket.once('close', () => left.abort(new Error('the client closed its connection')));
  const say = (line: object) => {
    if (!socket.destroyed) socket.write(`${JSON.stringify(line)}\n`);
  };
  try {
    const asked = await readLine(socket, AbortSignal.any([left.signal, AbortSignal.timeout(questionMilliseconds)]));
    const { model, text, key } = question(asked);
    // Before anything is looked up: a stranger does not even hear which models there are.
    if (needsKey && !admits(context, key))
      throw new ShoalError('API_UNAUTHORIZED', 'the question brings no key of this node');
    const instance = await instanceOf(context.service, model);
    const order = {
      input: { kind: 'messages' as const, messages: [{ role: 'user', content: text }] },
      sampling: {},
      ignoreEndOfText: false,
    };
    const signal = AbortSignal.any([left.signal, closing]);
    for await (const event of context.service.generate(instance, order, signal)) {
      if (event.kind !== 'accepted' && event.text !== '') say({ text: event.text });
    }
    say({ done: true });
  } catch (thrown) {
    const { code, message } = ShoalError.from(thrown);
    say({ error: { code, message } });
  }
  await new Promise<void>((resolve) => {
    if (socket.destroyed) resolve();
    else socket.end(resolve);
  });
}

function question(line: string): { readonly model: string; readonly text: string; readonly key: string } {
  let value: { model?: unknown; text?: unknown; key?: unknown };
  try {
    value = JSON.parse(line) as typeof value;
  } catch {
    throw new ShoalError('REQUEST_INVALID', 'a question is one line of JSON');
  }
  const { model, text, key = '' } = value ?? {};
  if (typeof model === 'string' && typeof text === 'string' && typeof key === 'string') return { model, text, key };
  throw new ShoalError('REQUEST_INVALID', 'a question has a model and a text');
}

function admits({ settings, isClusterKey }: Context, key: string): boolean {
  // The cluster's key is compared in constant time; who has many users compares theirs so, too.
  return isClusterKey(key) || (settings.keys ?? []).includes(key);
}

async function instanceOf(service: NodeService, model: string): Promise<string> {
  const instances = (await service.instances()).filter(({ state }) => state === 'ready');
  const found = instances.find(({ plan, instance }) => plan.modelName === model || instance === model);
  if (found) return found.instance;
  const loaded = instances.map(({ plan }) => plan.modelName).join(', ');
  throw new ShoalError('INSTANCE_NOT_FOUND', `${model} is not loaded (loaded: ${loaded || 'nothing'})`);
}
