/** Errors as HTTP says them: a status for everybody, and a body in the manner of the interface that was asked. */
import { type ErrorCode, type PluginContext, ShoalError } from '@shoal/core';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { TSchema } from 'typebox';
import { anthropicError } from './anthropic/answers.js';
import { ollamaError } from './ollama/answers.js';
import { openAiError } from './openai/answers.js';

/** An error on its way to a client. */
export interface Problem {
  readonly status: number;
  readonly code: ErrorCode;
  readonly message: string;
  /** The field of the request that is wrong. */
  readonly parameter?: string;
  /** What OpenAI's interface calls it, where that is not said by `code`. */
  readonly openAiCode?: string;
  readonly retryAfterSeconds?: number;
}

/** Status of each code that is not a failure of this side (500). */
const statuses: Partial<Record<ErrorCode, number>> = {
  REQUEST_INVALID: 400,
  ARGUMENT_INVALID: 400,
  REQUEST_TOO_LONG: 400,
  REQUEST_NO_TOKEN_ALLOWED: 400,
  MODEL_TEMPLATE_INVALID: 400,
  API_UNAUTHORIZED: 401,
  INSTANCE_NOT_FOUND: 404,
  MODEL_NOT_FOUND: 404,
  NODE_NOT_FOUND: 404,
  PLAN_DOES_NOT_FIT: 409,
  PLAN_SHAPE_IMPOSSIBLE: 409,
  PLAN_NO_DEVICES: 409,
  NODE_NOT_DRAINED: 409,
  // Nodes hold other files, or other versions of the software, under one name.
  MODEL_MISMATCH: 409,
  PROGRAM_DIGEST_MISMATCH: 409,
  MODEL_ARCHITECTURE_UNSUPPORTED: 422,
  MODEL_STORAGE_UNSUPPORTED: 422,
  MODEL_CONFIG_INVALID: 422,
  MODEL_CHECKPOINT_INVALID: 422,
  MODEL_TENSOR_MISSING: 422,
  MODEL_TENSOR_SHAPE: 422,
  MODEL_TOKENIZER_INVALID: 422,
  PROGRAM_STORAGE_BLOCK: 422,
  PROGRAM_CUT_INVALID: 422,
  PROGRAM_OPERATION_UNSUPPORTED: 422,
  REQUEST_QUEUE_FULL: 429,
  ABORTED: 499,
  REQUEST_QUEUE_TIMEOUT: 503,
  INSTANCE_FAILED: 503,
  INSTANCE_PAUSED: 503,
  INSTANCE_MOVED: 503,
  NODE_LOST: 503,
  ENGINE_WORKER_EXITED: 503,
  TRANSPORT_PEER_LOST: 503,
  TRANSPORT_UNAVAILABLE: 503,
  TRANSPORT_UNREACHABLE: 503,
  TRANSPORT_CLOSED: 503,
  BACKEND_DEVICE_UNAVAILABLE: 503,
  BACKEND_LIBRARY_MISSING: 503,
  BACKEND_OUT_OF_MEMORY: 503,
  ENGINE_UNAVAILABLE: 503,
  CLUSTER_CLOSED: 503,
  TIMEOUT: 504,
  TRANSPORT_TIMEOUT: 504,
};

const retryAfterSeconds = 1;

/** A field of a request that cannot be met, by its name. */
export class FieldError extends ShoalError {
  constructor(
    readonly parameter: string,
    message: string,
    /** Where its interface answers with another status than 400, or has a name for it. */
    readonly more: { readonly status?: number; readonly code?: string } = {},
  ) {
    super('REQUEST_INVALID', message, { details: { parameter } });
  }
}

export function problemOf(thrown: unknown): Problem {
  const fastify = thrown as Partial<FastifyError>;
  if (!ShoalError.is(thrown) && typeof fastify.statusCode === 'number' && fastify.statusCode < 500) {
    return { ...ofFramework(fastify as FastifyError), code: 'REQUEST_INVALID' };
  }
  const error = ShoalError.from(thrown);
  const own = thrown instanceof FieldError ? thrown.more : {};
  const status = own.status ?? statuses[error.code] ?? 500;
  const { parameter } = error.details;
  return {
    status,
    code: error.code,
    message: error.message,
    ...(typeof parameter === 'string' ? { parameter } : {}),
    ...(own.code === undefined ? {} : { openAiCode: own.code }),
    ...(status === 429 || status === 503 ? { retryAfterSeconds } : {}),
  };
}

/** What the framework refuses by itself: bodies that are too large, no JSON, or not as the schema says. */
function ofFramework({ statusCode = 400, message, validation }: FastifyError): Omit<Problem, 'code'> {
  const [first] = validation ?? [];
  if (!first) return { status: statusCode, message };
  const { keyword, instancePath, params, message: said = 'is wrong' } = first;
  const path = instancePath.slice(1).replaceAll('/', '.');
  const within = (name: unknown) => (path === '' ? String(name) : `${path}.${String(name)}`);
  if (keyword === 'additionalProperties') {
    const parameter = within(params.additionalProperty);
    return { status: 400, parameter, message: `Unrecognized request argument supplied: ${parameter}` };
  }
  if (keyword === 'required') {
    const parameter = within(params.missingProperty);
    return { status: 400, parameter, message: `Missing required parameter: '${parameter}'.` };
  }
  const allowed = Array.isArray(params.allowedValues) ? ` (${params.allowedValues.join(', ')})` : '';
  return { status: 400, parameter: path, message: `Invalid value for '${path || 'the body'}': ${said}${allowed}.` };
}

export interface Dialect {
  /** The body in which the clients of an interface look for an error. */
  body(problem: Problem): object;
  /** Of that body. */
  readonly schema: TSchema;
}

export const openAiDialect: Dialect = {
  schema: openAiError,
  body: ({ status, code, message, parameter, openAiCode: own }) => ({
    error: { message, type: openAiType(status), param: parameter ?? null, code: own ?? openAiCode(code) },
  }),
};

export const anthropicDialect: Dialect = {
  schema: anthropicError,
  body: ({ status, message, parameter }) => ({
    type: 'error',
    error: {
      type: anthropicType(status),
      message: parameter === undefined || message.includes(parameter) ? message : `${parameter}: ${message}`,
    },
  }),
};

function anthropicType(status: number): string {
  switch (status) {
    case 401:
      return 'authentication_error';
    case 403:
      return 'permission_error';
    case 404:
      return 'not_found_error';
    case 413:
      return 'request_too_large';
    case 429:
      return 'rate_limit_error';
    case 503:
      return 'overloaded_error';
    case 504:
      return 'timeout_error';
    default:
      return status < 500 ? 'invalid_request_error' : 'api_error';
  }
}

export const ollamaDialect: Dialect = { schema: ollamaError, body: ({ message }) => ({ error: message }) };

/** Whose interface a path belongs to. */
export function dialectOf(path: string): Dialect {
  if (path.startsWith('/v1/messages')) return anthropicDialect;
  return path.startsWith('/api/') ? ollamaDialect : openAiDialect;
}

function openAiType(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}

/** Where OpenAI has a name of its own for it, clients look for that. */
function openAiCode(code: ErrorCode): string | null {
  switch (code) {
    case 'REQUEST_INVALID':
      return null;
    case 'REQUEST_TOO_LONG':
      return 'context_length_exceeded';
    case 'INSTANCE_NOT_FOUND':
      return 'model_not_found';
    case 'API_UNAUTHORIZED':
      return 'invalid_api_key';
    case 'REQUEST_QUEUE_FULL':
      return 'rate_limit_exceeded';
    default:
      return code;
  }
}

/** Answers with an error; what is this side's fault goes to the log, too. */
export function sendProblem(
  reply: FastifyReply,
  thrown: unknown,
  request: FastifyRequest,
  log: PluginContext['log'],
  { status }: { readonly status?: number } = {},
): FastifyReply {
  const problem = { ...problemOf(thrown), ...(status === undefined ? {} : { status }) };
  if (problem.status >= 500) {
    const { code, message } = problem;
    log('warn', `${request.method} ${request.url.split('?')[0]}: ${message}`, { requestId: request.id, code });
  }
  if (problem.retryAfterSeconds !== undefined) reply.header('retry-after', problem.retryAfterSeconds);
  return reply.code(problem.status).send(dialectOf(request.url).body(problem));
}
