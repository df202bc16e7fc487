/** A description of everything that is served, from the schemas by which requests are checked. */
import type { FastifyInstance, RouteOptions } from 'fastify';
import type { TSchema } from 'typebox';
import { asksForKey } from './access.js';
import { eventStreamType } from './event-stream.js';
import type { ApiParts } from './http-api.js';
import { dialectOf } from './problems.js';

declare module 'fastify' {
  interface FastifySchema {
    /** One line for the description of the route. */
    summary?: string;
    /** What it answers with; described only: answers are not cut to it. */
    answer?: TSchema;
    /** Its status where that is not 200. */
    answerStatus?: number;
    /** Type of what is not JSON: of the whole answer, or of the stream that may be asked for instead. */
    answerType?: string;
    /** What it says where it cannot, if not in the manner of its interface. */
    errorAnswer?: TSchema;
    /** Not a part of the interface. */
    isHidden?: boolean;
  }
}

type Described = Pick<
  NonNullable<RouteOptions['schema']>,
  'summary' | 'answer' | 'answerStatus' | 'answerType' | 'errorAnswer' | 'body' | 'params' | 'querystring'
> & { readonly method: string; readonly url: string };

/** Before the routes that it is to describe. */
export function addOpenApi(server: FastifyInstance, parts: ApiParts, host: string): void {
  const routes: Described[] = [];
  server.addHook('onRoute', ({ method, url, schema = {} }: RouteOptions) => {
    if (schema.isHidden) return;
    for (const one of [method].flat()) {
      if (one !== 'HEAD' && one !== 'OPTIONS') routes.push({ ...schema, method: one.toLowerCase(), url });
    }
  });
  server.get('/openapi.json', { schema: { summary: 'This description.' } }, () =>
    document(routes, parts.context.softwareVersion, asksForKey(parts, host)),
  );
}

function document(routes: readonly Described[], version: string, needsKey: boolean): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const { method, url, summary, body, params, querystring } = route;
    // `:name` and `*` are the framework's way to write parameters.
    const path = url.replaceAll(/:(\w+)/g, '{$1}').replace('*', '{name}');
    paths[path] ??= {};
    paths[path][method] = {
      ...(summary === undefined ? {} : { summary }),
      operationId: `${method}${path.replaceAll(/[^A-Za-z0-9]+(\w?)/g, (_match, next: string) => next.toUpperCase())}`,
      ...parametersOf(path, params, querystring),
      ...(body === undefined
        ? {}
        : { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
      responses: responsesOf(route),
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

function responsesOf({ url, answer, answerStatus, answerType, errorAnswer }: Described): object {
  const status = answerStatus ?? (answer === undefined ? '2XX' : 200);
  const content = {
    ...(answer === undefined ? {} : { 'application/json': { schema: answer } }),
    // A schema of events would be one of each, as an object with its name and its text.
    ...(answerType === undefined
      ? {}
      : { [answerType]: answerType === eventStreamType ? {} : { schema: { type: 'string' } } }),
  };
  const error = {
    description: 'An error, in the manner of the interface that was asked.',
    content: { 'application/json': { schema: errorAnswer ?? dialectOf(url).schema } },
  };
  return {
    [status]: {
      description: 'The answer.',
      ...(Object.keys(content).length === 0 ? {} : { content }),
    },
    '4XX': error,
    '5XX': error,
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
