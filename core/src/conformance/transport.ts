/** What every transport keeps, whatever it runs over. */
import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import type { ConformanceCase } from './case.js';
import { endingCases } from './transport-endings.js';
import { addressOf, listen, newCredentials, type TransportUnderTest } from './transport-harness.js';
import { messageCases } from './transport-messages.js';

/**
 * The suite of a transport. Everything runs over real channels, which are called through their C tables as an engine
 * calls them; members are in this process, and one that is killed in a process of its own.
 */
export function transportConformance(under: TransportUnderTest): ConformanceCase[] {
  return [...endpointCases(under), ...messageCases(under), ...endingCases(under)];
}

function endpointCases(under: TransportUnderTest): ConformanceCase[] {
  const { host } = under;
  return [
    {
      name: 'availability is a value, with a reason where it is not there',
      run: async () => {
        const availability = await host.availability();
        if (!availability.available) assert.ok(availability.reason.length > 0, 'unavailable without a reason');
        assert.ok(host.name.length > 0 && Number.isFinite(host.preference), 'it needs a name and a preference');
        assert.ok(['process', 'machine', 'network'].includes(host.reach), `'${host.reach}' is no reach`);
      },
    },
    {
      name: 'an endpoint is JSON that says what peers need and nothing secret, on loopback',
      run: async () => {
        const credentials = newCredentials();
        const listeners = await Promise.all([0, 1].map((index) => listen(under, index, credentials)));
        try {
          for (const { endpoint } of listeners) {
            const text = JSON.stringify(endpoint);
            assert.deepEqual(JSON.parse(text), endpoint, 'it does not survive JSON');
            assert.equal(endpoint.transport, host.name);
            assert.equal(typeof endpoint.host, 'string');
            assert.ok(!text.includes(credentials.secret), 'it holds the secret of the load');
            for (const address of addressesIn(text)) assert.match(address, /^(127\.|::1$)/, `${address} was bound`);
          }
          assert.notDeepEqual(listeners[0]?.endpoint, listeners[1]?.endpoint, 'two members have one endpoint');
        } finally {
          await Promise.all(listeners.map((listener) => listener.close()));
        }
      },
    },
    {
      name: 'two loads listen at the same time, also for the same member',
      run: async () => {
        const listeners = await Promise.all([listen(under, 0, newCredentials()), listen(under, 0, newCredentials())]);
        await Promise.all(listeners.map((listener) => listener.close()));
        await Promise.all(listeners.map((listener) => listener.close()));
      },
    },
    {
      name: 'an address that cannot be bound is refused with a code',
      run: async () => {
        const options = { credentials: newCredentials(), self: addressOf(0), bindAddress: 'not an address' };
        // A transport without addresses, such as one of memory, may do without it.
        const outcome = await under.worker.listen(options).then(
          (listener) => listener.close(),
          (thrown: { readonly code?: string }) => thrown.code,
        );
        if (outcome !== undefined) assert.match(outcome, /^(ARGUMENT_INVALID|TRANSPORT_\w+)$/);
      },
    },
  ];
}

/** IP addresses in a text, wherever they stand. */
function addressesIn(text: string): string[] {
  const candidates = text.match(/\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\]|(?<=")[0-9a-f]*:[0-9a-f:]+(?=")/gi) ?? [];
  return candidates.map((one) => one.replace(/^\[|\]$/g, '')).filter((one) => isIP(one) !== 0);
}
