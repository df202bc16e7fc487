/** Tries multicast on every network: what is sent there comes back to the sender, as to everybody, unless it is blocked. */
import { randomBytes } from 'node:crypto';
import { isOnNetwork, type MulticastInterface } from './interfaces.js';
import { decodePacket, encodeQuestion } from './messages.js';
import { openMulticastSocket } from './multicast-socket.js';

export interface ProbeResult {
  readonly network: MulticastInterface;
  /** Why nothing came back; undefined when it did. */
  readonly problem: string | undefined;
  /** Other machines that were heard on this network. */
  readonly others: ReadonlySet<string>;
}

/** To which every responder answers, of whatever service: the names of all services. */
const everybody = '_services._dns-sd._udp.local';
const attempts = 5;
const attemptMilliseconds = 400;

export function probeMulticast(networks: readonly MulticastInterface[], port: number): Promise<ProbeResult[]> {
  const own = new Set(networks.map(({ address }) => address));
  return Promise.all(networks.map((network) => probe(network, port, own)));
}

async function probe(network: MulticastInterface, port: number, own: ReadonlySet<string>): Promise<ProbeResult> {
  const name = `_shoal-probe-${randomBytes(8).toString('hex')}._udp.local`;
  const others = new Set<string>();
  let problem: string | undefined = 'what is sent does not come back';
  try {
    const socket = await openMulticastSocket({
      network,
      port,
      onMessage: (bytes, { address }) => {
        if (decodePacket(bytes)?.questions?.some((question) => question.name === name)) problem = undefined;
        else if (!own.has(address) && isOnNetwork(address, network)) others.add(address);
      },
      onError: ({ message }) => {
        problem = message;
      },
    });
    try {
      for (let attempt = 0; attempt < attempts && (problem !== undefined || attempt === 0); attempt += 1) {
        const refused = (await socket.send(encodeQuestion(name))) ?? (await socket.send(encodeQuestion(everybody)));
        if (refused !== undefined && problem !== undefined) problem = refused;
        await new Promise((resolve) => setTimeout(resolve, attemptMilliseconds));
        // What arrived while this process did not run is read before anything is made of its absence.
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      socket.close();
    }
  } catch (thrown) {
    problem = thrown instanceof Error ? thrown.message : String(thrown);
  }
  return { network, problem, others };
}
