/** Who may ask: everybody on loopback, elsewhere those who bring a key. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { ShoalError } from '@shoal/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ApiParts } from './http-api.js';
import { pagePaths } from './page.js';
import { sendProblem } from './problems.js';

/** Whether a node is alive is no secret; what it serves is. */
const openPaths = new Set(['/healthz', '/readyz', '/health', ...pagePaths]);
const preflightSeconds = 600;
const headerNames = /^[\w-]+(, *[\w-]+)*$/;

/** Whether only those who bring a key are answered: where there are keys, and where others than this machine can ask. */
export function asksForKey({ options, context }: ApiParts, host: string): boolean {
  return options.keys.length > 0 || (context.settings.keys ?? []).length > 0 || !isLoopback(host);
}

export function addAccess(server: FastifyInstance, parts: ApiParts, host: string): void {
  const { options, context, log } = parts;
  const keys = [...options.keys, ...(context.settings.keys ?? [])].map(digest);
  const needsKey = asksForKey(parts, host);
  const origins = [...options.origins, ...(context.settings.origins ?? [])];
  const admits = (key: string) => {
    const given = digest(key);
    // All are compared, so that the time tells nothing.
    const found = keys.reduce((known, one) => timingSafeEqual(one, given) || known, false);
    return context.isClusterKey(key) || found;
  };
  const refuse = (request: FastifyRequest, reply: FastifyReply, error: ShoalError, status: number) =>
    sendProblem(reply, error, request, log, { status });

  server.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    // As Anthropic's clients call it.
    if (request.url.startsWith('/v1/messages')) reply.header('request-id', request.id);
    allowOrigin(request, reply, origins);
    // Before the key: browsers ask without one.
    if (request.method === 'OPTIONS' && reply.hasHeader('access-control-allow-origin')) {
      const { 'access-control-request-headers': asked = '' } = request.headers;
      reply.header('access-control-allow-methods', 'GET, HEAD, POST, DELETE, OPTIONS');
      // Clients have headers of their own (`x-stainless-os`); none means more here than the key, which is asked for anyway.
      if (headerNames.test(asked)) reply.header('access-control-allow-headers', asked);
      // A public page asks a node of a private network.
      if (request.headers['access-control-request-private-network'] === 'true') {
        reply.header('access-control-allow-private-network', 'true');
      }
      reply.header('access-control-max-age', preflightSeconds);
      return reply.code(204).send();
    }
    if (!needsKey) {
      // A page whose name was made to lead here (DNS rebinding) would otherwise be of the same origin.
      if (isOwnName(request.headers.host, host)) return;
      const message = `requests for the host ${JSON.stringify(request.headers.host ?? '')} are not answered without a key`;
      return refuse(request, reply, new ShoalError('API_UNAUTHORIZED', message), 403);
    }
    if (openPaths.has(request.url.split('?')[0] ?? '')) return;
    const key = keyOf(request);
    if (key !== undefined && admits(key)) return;
    reply.header('www-authenticate', 'Bearer');
    const message = key === undefined ? 'the request brings no API key' : 'the API key is not one of this node';
    return refuse(request, reply, new ShoalError('API_UNAUTHORIZED', message), 401);
  });
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** As OpenAI's clients send it, or as Anthropic's do. */
function keyOf({ headers }: FastifyRequest): string | undefined {
  const bearer = /^bearer\s+(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  const plain = headers['x-api-key'];
  return bearer ?? (typeof plain === 'string' && plain !== '' ? plain : undefined);
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** An address, or a name that always means this machine. */
function isOwnName(header: string | undefined, host: string): boolean {
  if (header === undefined) return false;
  const name = header
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '')
    .toLowerCase();
  return isIP(name) > 0 || name === 'localhost' || name.endsWith('.localhost') || name === host.toLowerCase();
}

function allowOrigin({ headers }: FastifyRequest, reply: FastifyReply, origins: readonly string[]): void {
  const { origin } = headers;
  if (origin === undefined || origins.length === 0) return;
  reply.header('vary', 'origin');
  if (!origins.includes('*') && !origins.includes(origin)) return;
  reply.header('access-control-allow-origin', origin);
  reply.header('access-control-expose-headers', 'x-request-id, request-id, x-shoal-warning, retry-after');
}
