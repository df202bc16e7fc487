/** The server: where it listens, who is let in, and how it ends. */
import { isIP } from 'node:net';
import {
  type Api,
  type ApiContext,
  type NodeService,
  type PluginContext,
  type RunningApi,
  ShoalError,
} from '@shoal/core';
import type { FastifyInstance } from 'fastify';
import { addAccess } from './access.js';
import { addAnthropic } from './anthropic/messages.js';
import { addCluster } from './cluster/routes.js';
import { addHealth } from './health.js';
import { ModelDirectory } from './model-directory.js';
import { addOllama } from './ollama/routes.js';
import { addOpenApi } from './open-api.js';
import { addOpenAi } from './openai/routes.js';
import type { HttpApiOptions } from './options.js';
import { addPage } from './page.js';
import { sendProblem } from './problems.js';
import { RequestMetrics } from './request-metrics.js';
import { Requests } from './requests.js';

/** Ports that are tried after the one that is taken. */
const portsTried = 64;
/** What runs when the API closes may end within this time. */
const drainMilliseconds = 5000;
const headersMilliseconds = 15_000;
/** How often it is looked for connections whose time is over; the framework's half a minute would be added to each limit. */
const checkMilliseconds = 5000;
/** Clients keep connections for their next request. */
const keepAliveMilliseconds = 75_000;
const mostConnections = 4096;

type Log = PluginContext['log'];

/** What the parts of the API share. */
export interface ApiParts {
  readonly context: ApiContext<NodeService>;
  readonly options: HttpApiOptions;
  readonly log: Log;
  readonly models: ModelDirectory;
  readonly requests: Requests;
  readonly metrics: RequestMetrics;
  /** Aborts when the API closes. */
  readonly closing: AbortSignal;
}

export class HttpApi implements Api<NodeService> {
  constructor(
    private readonly options: HttpApiOptions,
    private readonly log: Log,
  ) {}

  async start(context: ApiContext<NodeService>, signal: AbortSignal): Promise<RunningApi> {
    const { options, log } = this;
    const place = listenPlace(options, context.settings.listen, context.settings.port);
    const closing = new AbortController();
    const metrics = new RequestMetrics(context.service);
    const models = new ModelDirectory(context.service, closing.signal);
    const requests = new Requests(context.service, models, metrics, options);
    const parts: ApiParts = { context, options, log, models, requests, metrics, closing: closing.signal };
    // Loaded here: a node without an API does not pay for it.
    const { default: fastify } = await import('fastify');
    const bodyMilliseconds = options.bodySeconds * 1000;
    const server = fastify({
      bodyLimit: options.maximumBodyBytes,
      requestTimeout: bodyMilliseconds,
      keepAliveTimeout: keepAliveMilliseconds,
      connectionTimeout: 0,
      http: {
        headersTimeout: Math.min(headersMilliseconds, bodyMilliseconds),
        connectionsCheckingInterval: Math.min(checkMilliseconds, bodyMilliseconds),
      },
      forceCloseConnections: 'idle',
      return503OnClosing: true,
      // What a client calls its request is not trusted to be unlike another's.
      requestIdHeader: false,
      genReqId: () => `req_${crypto.randomUUID().replaceAll('-', '')}`,
      // What the router itself refuses: a path that is no text, or too long.
      frameworkErrors: (error, request, reply) => {
        sendProblem(reply, error, request, log, { status: 400 });
      },
      exposeHeadRoutes: true,
      routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true },
      ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: false } },
    });
    server.server.maxConnections = mostConnections;
    // Only JSON: a form of a web page elsewhere must not be able to ask.
    server.removeContentTypeParser('text/plain');
    acceptBodies(server);
    server.setErrorHandler((error, request, reply) => sendProblem(reply, error, request, log));
    server.setNotFoundHandler((request, reply) => {
      const path = request.url.split('?')[0] ?? '';
      // Where Ollama fetches and keeps models.
      const instead = path.startsWith('/api/')
        ? ': models are loaded by `shoal node --model MODEL`, the page at /, or POST /cluster/instances'
        : '';
      const message = `there is no ${request.method} ${path} here${instead}`;
      sendProblem(reply, new ShoalError('REQUEST_INVALID', message), request, log, { status: 404 });
    });
    addAccess(server, parts, place.host);
    addOpenApi(server, parts, place.host);
    addHealth(server, parts);
    addOpenAi(server, parts);
    addAnthropic(server, parts);
    addOllama(server, parts);
    addCluster(server, parts);
    await addPage(server);
    const { port } = await this.listen(server, place);
    const host = isIP(place.host) === 6 ? `[${place.host}]` : place.host;
    let ended: Promise<void> | undefined;
    const close = () => {
      ended ??= end(server, requests, closing);
      return ended;
    };
    signal.addEventListener('abort', () => void close().catch(() => undefined), { once: true });
    return { addresses: [`http://${host}:${port}`], close };
  }

  private async listen(server: FastifyInstance, place: Place): Promise<{ port: number }> {
    const last = this.options.nextFreePort && place.port > 0 ? Math.min(65_535, place.port + portsTried) : place.port;
    for (let port = place.port; ; port += 1) {
      try {
        await server.listen({ host: place.host, port });
        const address = server.server.address();
        if (typeof address === 'object' && address !== null) return { port: address.port };
        throw new ShoalError('API_FAILED', `the server does not say where it listens (${String(address)})`);
      } catch (thrown) {
        const { code, message } = thrown as NodeJS.ErrnoException;
        if (code === 'EADDRINUSE' && port < last) continue;
        await server.close();
        throw listenError(place.host, port, code, message, thrown);
      }
    }
  }
}

/**
 * Some clients name a type of content for requests without any: OpenAI's of PyPI when it deletes. And `curl -d` says that it
 * sends a form, as everybody does who tries Ollama's examples: that is taken for JSON where no web page can have sent it,
 * for browsers name the page.
 */
function acceptBodies(server: FastifyInstance): void {
  const parse = server.getDefaultJsonParser('error', 'error');
  server.removeContentTypeParser('application/json');
  server.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else void parse(request, body, done);
  });
  const form = 'application/x-www-form-urlencoded';
  server.addContentTypeParser<string>(form, { parseAs: 'string' }, (request, body, done) => {
    const { origin, referer, 'sec-fetch-site': site } = request.headers;
    if (origin === undefined && referer === undefined && site === undefined) void parse(request, body, done);
    else done(Object.assign(new Error('Web pages send application/json, not forms.'), { statusCode: 415 }));
  });
}

interface Place {
  readonly host: string;
  readonly port: number;
}

/** What was said when the node was started goes before the plugin's options. */
export function listenPlace(options: HttpApiOptions, listen = options.listen, port?: number): Place {
  const [, bracketed, plain, given] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(listen) ?? [];
  const host = isIP(listen) > 0 ? listen : (bracketed ?? plain);
  const ownPort = isIP(listen) > 0 || given === undefined ? undefined : Number(given);
  if (host === undefined || (ownPort !== undefined && ownPort > 65_535)) {
    throw new ShoalError('ARGUMENT_INVALID', `"${listen}" is not an address to listen on, such as 0.0.0.0:8080`);
  }
  return { host, port: port ?? ownPort ?? options.port };
}

/** Runs last requests to their end, then cuts what is left. */
async function end(server: FastifyInstance, requests: Requests, closing: AbortController): Promise<void> {
  const closed = server.close();
  closed.catch(() => undefined);
  await requests.drained(drainMilliseconds);
  closing.abort(new ShoalError('CLUSTER_CLOSED', 'the node is being closed'));
  server.server.closeAllConnections();
  await closed;
}

function listenError(host: string, port: number, code: string | undefined, message: string, cause: unknown) {
  const details = { host, port };
  if (code === 'EADDRINUSE') {
    const said = `another program listens on ${host} port ${port}`;
    return new ShoalError('API_ADDRESS_IN_USE', said, { details, cause });
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return new ShoalError('ARGUMENT_INVALID', `${host} is not an address of this machine`, { details, cause });
  }
  if (code === 'EACCES') {
    const said = `this user may not listen on ${host} port ${port}; ports from 1024 are for everybody`;
    return new ShoalError('API_FAILED', said, { details, cause });
  }
  if (ShoalError.is(cause)) return cause;
  return new ShoalError('API_FAILED', `cannot listen on ${host} port ${port}: ${message}`, { details, cause });
}
