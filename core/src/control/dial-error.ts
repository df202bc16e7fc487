/** Why a node could not be reached, in words that say what to do. */
import { ShoalError } from '../spec/errors.js';
import { NotAMemberError } from './membership-proof.js';

/** libp2p's errors of layers that come when there is a connection. */
const isOfHandshake = ({ name }: Error): boolean =>
  /Encrypt|InvalidCrypto|UnexpectedEOF|UnsupportedProtocol/.test(name);

/** The library keeps of a cause its message only, in some layers. */
const isTimeout = ({ name, message }: Error): boolean =>
  name === 'TimeoutError' || /aborted due to timeout|timed out|ETIMEDOUT/i.test(message);

/** Tells strangers, this node itself and its doubles from nodes that are not there. */
export function dialError(
  addresses: readonly string[],
  thrown: unknown,
  isOwn: (address: string) => boolean,
): ShoalError {
  const where = addresses.join(', ');
  const causes = flatten(thrown);
  const fail = (code: 'NODE_UNREACHABLE' | 'NODE_NOT_A_MEMBER' | 'NODE_IDENTITY_IN_USE', text: string, more = {}) =>
    new ShoalError(code, text, { cause: thrown, details: { address: where, ...more } });
  if (causes.some(({ message }) => /dial self/i.test(message))) {
    if (addresses.every(isOwn)) return fail('NODE_UNREACHABLE', `${where} is this node itself`, { isSelf: true });
    return fail('NODE_IDENTITY_IN_USE', `the node at ${where} has this node's identity`);
  }
  const stranger = causes.find((cause) => cause instanceof NotAMemberError);
  if (stranger) return fail('NODE_NOT_A_MEMBER', `the node at ${where} is not of this cluster: ${stranger.message}`);
  // What listens there speaks, but not this protocol. Who has only not finished in time may be anybody.
  if (causes.some(isOfHandshake) && !causes.some(isTimeout)) {
    return fail('NODE_NOT_A_MEMBER', `what listens at ${where} does not speak as a Shoal node`);
  }
  return fail('NODE_UNREACHABLE', `no connection to ${where}: ${reasonOf(causes, thrown)}`);
}

function reasonOf(causes: readonly Error[], thrown: unknown): string {
  const codes = causes.map((cause) => (cause as NodeJS.ErrnoException).code);
  if (codes.includes('ECONNREFUSED')) return 'nothing listens there';
  if (codes.includes('EHOSTUNREACH') || codes.includes('ENETUNREACH')) return 'there is no way to that machine';
  if (codes.includes('ENOTFOUND') || codes.includes('EAI_AGAIN')) return 'the name is not known';
  if (causes.some(isOfHandshake)) {
    return 'it answers, but did not finish the handshake in time; it or this machine is too busy';
  }
  if (causes.some(isTimeout)) {
    return 'no answer; the machine is off, the address is wrong, or a firewall drops what is sent there';
  }
  return causes.find(({ name }) => name !== 'AggregateError')?.message ?? String(thrown);
}

function flatten(thrown: unknown): Error[] {
  if (!(thrown instanceof Error)) return [];
  const inner = thrown instanceof AggregateError ? thrown.errors.flatMap(flatten) : [];
  return [thrown, ...inner, ...flatten(thrown.cause)];
}
