// What a failed connection is said to be: a slow node is not taken for a stranger, nor a stranger for a slow node.
import { dialError } from '@shoal/core/internal/control/dial-error.js';
import { NotAMemberError } from '@shoal/core/internal/control/membership-proof.js';
import t from 'tap';

const address = '/ip4/10.0.0.2/tcp/7450';

function error(name: string, message: string, more: { readonly code?: string; readonly cause?: unknown } = {}): Error {
  return Object.assign(new Error(message, { cause: more.cause }), { name }, more.code ? { code: more.code } : {});
}

const cases: readonly [what: string, thrown: unknown, code: string, message: RegExp][] = [
  [
    'the handshake was not finished in time',
    error('EncryptionFailedError', 'The operation was aborted due to timeout'),
    'NODE_UNREACHABLE',
    /did not finish the handshake in time/,
  ],
  [
    'nobody answered in time',
    new AggregateError([error('TimeoutError', 'The operation was aborted due to timeout')]),
    'NODE_UNREACHABLE',
    /no answer/,
  ],
  [
    'the system gave up',
    error('TransportError', 'connect ETIMEDOUT 10.0.0.2:7450', { code: 'ETIMEDOUT' }),
    'NODE_UNREACHABLE',
    /no answer/,
  ],
  ['nothing listens', error('Error', 'connect', { code: 'ECONNREFUSED' }), 'NODE_UNREACHABLE', /nothing listens there/],
  [
    'something else listens',
    error('EncryptionFailedError', 'unexpected message'),
    'NODE_NOT_A_MEMBER',
    /does not speak as a Shoal node/,
  ],
  [
    'it has another key',
    error('EncryptionFailedError', 'x', { cause: new NotAMemberError('it has another cluster key') }),
    'NODE_NOT_A_MEMBER',
    /it has another cluster key/,
  ],
  ['it is this node', error('DialError', 'Tried to dial self'), 'NODE_IDENTITY_IN_USE', /this node's identity/],
];

t.test('every failure has its code and its reason', async (t) => {
  for (const [what, thrown, code, message] of cases) {
    t.match(
      dialError([address], thrown, () => false),
      { code, message, details: { address } },
      what,
    );
  }
  t.match(
    dialError([address], error('DialError', 'Tried to dial self'), () => true),
    {
      code: 'NODE_UNREACHABLE',
      details: { isSelf: true },
    },
  );
});
