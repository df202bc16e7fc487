/** Who asks a node in its own process gets errors with codes, as those do who ask over a connection. */
import { ShoalError } from '../spec/errors.js';
import type { NodeService } from './service.js';

/** The service, whose promises reject with nothing but `ShoalError`s: an aborted signal, for one, throws what it likes. */
export function withCodedErrors(service: NodeService): NodeService {
  const entries = Object.entries(service).map(([name, member]: [string, unknown]) => {
    if (typeof member !== 'function') return [name, member] as const;
    const coded = (...args: unknown[]): unknown => {
      const result: unknown = member.apply(service, args);
      return result instanceof Promise ? result.catch(rethrow) : result;
    };
    return [name, coded] as const;
  });
  return Object.fromEntries(entries) as unknown as NodeService;
}

function rethrow(thrown: unknown): never {
  throw ShoalError.from(thrown);
}
