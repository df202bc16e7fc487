/** A description of everything that is served, from the schemas by which requests are checked. */
import type { FastifyInstance, RouteOptions } from 'fastify';
import type { ApiParts } from './http-api.js';

declare module 'fastify' {
  interface FastifySchema {
    /** One line for the description of the route. */
    summary?: string;
  }
}

interface Described {
  readonly method: string;
  readonly url: string;
  readonly summary: string | undefined;
  readonly body: unknown;
  readonly params: unknown;
  readonly query: unknown;
}

const errorResponse = { description: 'An error, in the manner of the interface that was asked.' };

/** Before the routes that it is to describe. */
export function addOpenApi(server: FastifyInstance, { context, options }: ApiParts): void {
  const routes: Described[] = [];
  server.addHook('onRoute', ({ method, url, schema }: RouteOptions) => {
    const { summary, body, params, querystring: query } = (schema ?? {}) as Described & { querystring?: unknown };
    for (const one of [method].flat()) {
      if (one === 'HEAD' || one === 'OPTIONS') continue;
      routes.push({ method: one.toLowerCase(), url, summary, body, params, query });
    }
  });
  const needsKey = options.keys.length > 0 || (context.settings.keys ?? []).length > 0;
  server.get('/openapi.json', () => document(routes, context.softwareVersion, needsKey));
}

function document(routes: readonly Described[], version: string, needsKey: boolean): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const { method, url, summary, body, params, query } of routes) {
    // `:name` and `*` are the framework's way to write parameters.
    const path = url.replaceAll(/:(\w+)/g, '{$1}').replace('*', '{name}');
    paths[path] ??= {};
    paths[path][method] = {
      ...(summary === undefined ? {} : { summary }),
      operationId: `${method}${path.replaceAll(/[^A-Za-z0-9]+(\w?)/g, (_match, next: string) => next.toUpperCase())}`,
      ...parametersOf(path, params, query),
      ...(body === undefined
        ? {}
        : { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
      responses: { '2XX': { description: 'The answer.' }, '4XX': errorResponse, '5XX': errorResponse },
    };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Shoal', version, description: 'A cluster of machines as one engine for language models.' },
    ...(needsKey ? { security: [{ key: [] }] } : {}),
    components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
    paths,
  };
}

type Properties = Readonly<Record<string, unknown>>;

function parametersOf(path: string, params: unknown, query: unknown): object {
  const propertiesOf = (schema: unknown) => (schema as { properties?: Properties } | undefined)?.properties ?? {};
  const ofPath = propertiesOf(params);
  const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => {
    return { name, in: 'path', required: true, schema: ofPath[name] ?? { type: 'string' } };
  });
  const asked = Object.entries(propertiesOf(query)).map(([name, schema]) => ({ name, in: 'query', schema }));
  const parameters = [...named, ...asked];
  return parameters.length === 0 ? {} : { parameters };
}
