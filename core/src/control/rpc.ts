/**
 * Calls over one byte channel, in both directions at once. A call has one request and any number of responses; either
 * side can give up (cancel, deadline), and every open call ends when the channel does.
 */
import { ShoalError } from '../spec/errors.js';
import { AsyncQueue } from './async-queue.js';
import { type ByteChannel, channelEndedError } from './byte-channel.js';
import { encodeFrame, FrameDecoder } from './frame-codec.js';
import {
  type ControlMethod,
  errorFromFailure,
  failureFromError,
  messages,
  type RequestOf,
  type ResponseOf,
} from './messages.js';

/** Most calls that a peer may have open at once. */
const maximumOpenCalls = 1024;
/** A peer that leaves this much unread is cut off instead of filling this node's memory. */
const maximumQueuedBytes = 64 * 1024 * 1024;

export interface CallContext {
  readonly connection: RpcConnection;
  /** Aborts when the caller cancels, its deadline passes, or the channel ends. */
  readonly signal: AbortSignal;
}

type Answer<Method extends ControlMethod> =
  | Promise<ResponseOf<Method>>
  | ResponseOf<Method>
  | AsyncIterable<ResponseOf<Method>>;

/** What a side answers. Methods left out are refused. An async iterable answers with a stream. */
export type ControlHandlers = {
  readonly [Method in ControlMethod]?: (request: RequestOf<Method>, context: CallContext) => Answer<Method>;
};

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** The call fails with TIMEOUT after this; 0: no deadline. Unary calls have one of 10 s unless told. */
  readonly deadlineMilliseconds?: number | undefined;
}

const defaultDeadlineMilliseconds = 10_000;

export class RpcConnection {
  readonly remote: string;
  /** Resolves with the reason when the channel has ended; never rejects. */
  readonly closed: Promise<ShoalError>;
  /** When something last came, by `performance.now()`. */
  lastHeardAt = performance.now();
  /** Set by the handshake: who is at the other end. */
  peer: messages.Hello.$Properties | undefined;

  private readonly decoder = new FrameDecoder();
  private readonly outgoing = new Map<number, AsyncQueue<messages.Response.$Properties>>();
  private readonly incoming = new Map<number, AbortController>();
  private nextCall = 1;
  private endReason: ShoalError | undefined;
  private resolveClosed: (reason: ShoalError) => void = () => undefined;

  /**
   * Handlers may be replaced, for example once the handshake has shown who the peer is. Given as a promise, calls that
   * come earlier wait for it.
   */
  constructor(
    private readonly channel: ByteChannel,
    private handlers: ControlHandlers | Promise<ControlHandlers>,
  ) {
    this.remote = channel.remote;
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve;
    });
    channel.start({
      bytes: (chunk) => this.receive(chunk),
      closed: (error) => this.end(channelEndedError(this.peer?.nodeName || this.remote, error)),
    });
  }

  get isClosed(): boolean {
    return this.endReason !== undefined;
  }

  serve(handlers: ControlHandlers): void {
    this.handlers = handlers;
  }

  /** One request, one response. */
  async call<Method extends ControlMethod>(
    method: Method,
    request: RequestOf<Method>,
    options: CallOptions = {},
  ): Promise<ResponseOf<Method>> {
    const deadline = options.deadlineMilliseconds ?? defaultDeadlineMilliseconds;
    for await (const response of this.stream(method, request, { ...options, deadlineMilliseconds: deadline })) {
      return response;
    }
    throw new ShoalError('TRANSPORT_PROTOCOL', `${this.remote} completed \`${method}\` without a response`);
  }

  /** One request, any number of responses. Leaving the loop cancels the call at the other end. */
  async *stream<Method extends ControlMethod>(
    method: Method,
    request: RequestOf<Method>,
    options: CallOptions = {},
  ): AsyncGenerator<ResponseOf<Method>, void, undefined> {
    options.signal?.throwIfAborted();
    if (this.endReason) throw this.endReason;
    const call = this.nextCall;
    this.nextCall = call === 0xffff_ffff ? 1 : call + 1;
    const queue = new AsyncQueue<messages.Response.$Properties>();
    this.outgoing.set(call, queue);
    const deadline = options.deadlineMilliseconds ?? 0;
    const timer =
      deadline > 0
        ? setTimeout(() => {
            const who = this.peer?.nodeName || this.remote;
            const message = `${who} did not answer \`${method}\` within ${deadline} ms`;
            queue.fail(new ShoalError('TIMEOUT', message, { details: { node: who, method, deadline } }));
          }, deadline)
        : undefined;
    const onAbort = () => queue.fail(abortError(options.signal));
    options.signal?.addEventListener('abort', onAbort, { once: true });
    let completed = false;
    try {
      this.send({ call, request: { deadlineMilliseconds: deadline, [method]: request } });
      for await (const response of queue) {
        const value = response[method] as ResponseOf<Method> | null | undefined;
        if (!value) {
          throw new ShoalError('TRANSPORT_PROTOCOL', `${this.remote} answered \`${method}\` with another message`);
        }
        yield value;
      }
      completed = true;
    } finally {
      if (timer !== undefined) clearTimeout(timer);
      options.signal?.removeEventListener('abort', onAbort);
      this.outgoing.delete(call);
      if (!completed && !queue.isEndedByPeer && !this.isClosed) this.send({ call, cancel: {} });
    }
  }

  /** Sends what is queued, then ends the channel. Open calls fail with `reason`. */
  close(reason = new ShoalError('CLUSTER_CLOSED', 'the connection was closed on this side')): void {
    if (this.endReason) return;
    this.channel.close();
    this.end(reason);
  }

  abort(reason: ShoalError): void {
    if (this.endReason) return;
    this.channel.abort(reason);
    this.end(reason);
  }

  private end(reason: ShoalError): void {
    if (this.endReason) return;
    this.endReason = reason;
    for (const queue of this.outgoing.values()) queue.fail(reason);
    for (const controller of this.incoming.values()) controller.abort(reason);
    this.outgoing.clear();
    this.incoming.clear();
    this.resolveClosed(reason);
  }

  /** Frames that are sent together cost one packet. */
  private send(...frames: readonly messages.Frame.$Properties[]): void {
    if (this.isClosed) return;
    const [first, ...rest] = frames.map(encodeFrame);
    if (first) this.channel.send(rest.length === 0 ? first : Buffer.concat([first, ...rest]));
    if (this.channel.queuedByteCount > maximumQueuedBytes) {
      this.abort(new ShoalError('NODE_UNREACHABLE', `${this.remote} does not read what it is sent`));
    }
  }

  private receive(chunk: Uint8Array): void {
    if (this.isClosed) return;
    this.lastHeardAt = performance.now();
    try {
      for (const frame of this.decoder.push(chunk)) this.dispatch(frame);
    } catch (thrown) {
      this.abort(ShoalError.from(thrown, 'TRANSPORT_PROTOCOL'));
    }
  }

  private dispatch(frame: messages.Frame): void {
    const { call, request, response, complete, failure, cancel } = frame;
    if (request) this.answer(call, request);
    else if (response) {
      if (this.outgoing.get(call)?.push(response) === false) this.send({ call, cancel: {} });
    } else if (complete) this.outgoing.get(call)?.complete();
    else if (failure) this.outgoing.get(call)?.fail(errorFromFailure(failure), { byPeer: true });
    else if (cancel) this.incoming.get(call)?.abort(new ShoalError('ABORTED', `${this.remote} cancelled the call`));
    // Other bodies are of a newer version: dropped, as unknown fields are.
  }

  private answer(call: number, request: messages.Request.$Properties): void {
    if (this.incoming.has(call) || this.incoming.size >= maximumOpenCalls) {
      const message = this.incoming.has(call) ? `call ${call} is open already` : 'too many open calls';
      this.send({ call, failure: failureFromError(new ShoalError('REQUEST_QUEUE_FULL', message)) });
      return;
    }
    const controller = new AbortController();
    this.incoming.set(call, controller);
    const deadline = request.deadlineMilliseconds ?? 0;
    const timer =
      deadline > 0
        ? setTimeout(() => controller.abort(new ShoalError('TIMEOUT', 'the caller has stopped waiting')), deadline)
        : undefined;
    void this.run(call, request, controller.signal)
      .catch((thrown: unknown) => {
        if (!this.isClosed) this.send({ call, failure: failureFromError(thrown) });
      })
      .finally(() => {
        if (timer !== undefined) clearTimeout(timer);
        this.incoming.delete(call);
      });
  }

  private async run(call: number, request: messages.Request.$Properties, signal: AbortSignal): Promise<void> {
    const method = request.method as ControlMethod | undefined;
    const handlers = await this.handlers;
    const handler = method && (handlers[method] as AnyHandler | undefined);
    if (!method || !handler) {
      throw new ShoalError('REQUEST_INVALID', `\`${method ?? 'an unknown method'}\` is not answered here`);
    }
    const answer = handler(request[method], { connection: this, signal });
    if (isAsyncIterable(answer)) {
      for await (const response of answer) {
        signal.throwIfAborted();
        this.send({ call, response: { [method]: response } });
        await this.channel.drained();
      }
      this.send({ call, complete: {} });
    } else {
      this.send({ call, response: { [method]: await answer } }, { call, complete: {} });
    }
  }
}

type AnyHandler = (request: unknown, context: CallContext) => unknown;

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

/** The reason of an aborted signal as our error; foreign reasons become ABORTED. */
export function abortError(signal: AbortSignal | undefined): ShoalError {
  const reason: unknown = signal?.reason;
  if (ShoalError.is(reason)) return reason;
  if (reason instanceof Error && reason.name === 'TimeoutError') {
    return new ShoalError('TIMEOUT', reason.message, { cause: reason });
  }
  return new ShoalError('ABORTED', 'the caller cancelled the operation', { cause: reason });
}
