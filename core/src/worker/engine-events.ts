/**
 * Whether what an engine says can be understood. Engines are plugins with native parts, which may have been built from
 * other sources than this code: an event that nobody recognizes must end the request that waits for it, not leave it
 * waiting.
 */
import { type EngineEvent } from '../spec/engine.js';

type Check = (value: unknown) => boolean;

/** A check for each field that an event always has; the compiler asks for one when a field is added. */
type Checks<Event> = {
  readonly [Field in keyof Event as Field extends 'kind'
    ? never
    : undefined extends Event[Field]
      ? never
      : Field]: Check;
};

const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isText: Check = (value) => typeof value === 'string';

const checks: { readonly [Kind in EngineEvent['kind']]: Checks<Extract<EngineEvent, { kind: Kind }>> } = {
  'load-progress': { loadedBytes: isCount, totalBytes: isCount },
  token: { requestId: isCount, choice: isCount, token: isCount, index: isCount },
  'request-finished': {
    requestId: isCount,
    choice: isCount,
    reason: (value) => value === 'stop' || value === 'length' || value === 'cancelled',
    promptTokens: isCount,
    generatedTokens: isCount,
    prefillMicroseconds: Number.isFinite,
    decodeMicroseconds: Number.isFinite,
  },
  'request-failed': { requestId: isCount, code: isText, message: isText },
  'member-failed': { code: isText, message: isText },
};

const checkLists = new Map<unknown, readonly (readonly [string, Check])[]>(
  Object.entries(checks).map(([kind, fields]) => [kind, Object.entries(fields) as [string, Check][]]),
);

/** What keeps an event from being understood; undefined when nothing does. */
export function engineEventProblem(event: unknown): string | undefined {
  if (typeof event !== 'object' || event === null) return `an event that is not an object (${String(event)})`;
  const { kind } = event as { kind?: unknown };
  const fields = checkLists.get(kind);
  if (!fields) return `an event of the unknown kind ${JSON.stringify(kind) ?? 'undefined'}`;
  for (const [name, isValid] of fields) {
    const value = (event as Record<string, unknown>)[name];
    if (isValid(value)) continue;
    const what = value === undefined ? `without \`${name}\`` : `whose \`${name}\` is ${JSON.stringify(value)}`;
    return `a \`${String(kind)}\` event ${what}`;
  }
  return undefined;
}
