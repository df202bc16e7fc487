import type { EngineEvent } from '@shoal/core';
import { engineEventProblem } from '@shoal/core/internal/worker/engine-events.js';
import t from 'tap';

const events: readonly EngineEvent[] = [
  { kind: 'load-progress', loadedBytes: 0, totalBytes: 4096 },
  { kind: 'token', requestId: 1, choice: 0, token: 42, index: 0 },
  {
    kind: 'request-finished',
    requestId: 1,
    choice: 0,
    reason: 'stop',
    promptTokens: 2,
    generatedTokens: 3,
    prefillMicroseconds: 4,
    decodeMicroseconds: 5,
  },
  { kind: 'request-failed', requestId: 1, code: 'REQUEST_TOO_LONG', message: 'too long' },
  { kind: 'member-failed', code: 'ENGINE_LOAD_FAILED', message: 'no memory' },
];

t.test('an event is understood with all that it must have, and with more', async (t) => {
  for (const event of events) {
    t.equal(engineEventProblem(event), undefined, event.kind);
    t.equal(engineEventProblem({ ...event, addedLater: true }), undefined, `${event.kind} with more`);
  }
});

t.test('each field that is missing, or of another type, is named', async (t) => {
  for (const event of events) {
    for (const name of Object.keys(event).filter((key) => key !== 'kind')) {
      const { [name as 'kind']: _left, ...rest } = event;
      t.equal(engineEventProblem({ ...rest, kind: event.kind }), `a \`${event.kind}\` event without \`${name}\``);
      const wrong = engineEventProblem({ ...event, [name]: null });
      t.equal(wrong, `a \`${event.kind}\` event whose \`${name}\` is null`);
    }
  }
});

t.test('numbers that cannot be what they stand for, and what is no event', async (t) => {
  const token = { kind: 'token', requestId: 1, choice: 0, token: 42, index: 0 };
  for (const choice of [-1, 0.5, '0', Number.NaN]) {
    t.match(engineEventProblem({ ...token, choice }), /whose `choice` is/, String(choice));
  }
  t.match(engineEventProblem({ ...events[2], reason: 'tired' }), /whose `reason` is "tired"/);
  for (const other of [undefined, null, 'token', 7]) t.match(engineEventProblem(other), /not an object/);
  t.equal(engineEventProblem({}), 'an event of the unknown kind undefined');
  t.equal(engineEventProblem({ kind: 'constructor' }), 'an event of the unknown kind "constructor"');
});
