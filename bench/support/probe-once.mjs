// One end of a probed link, on a host of its own: `answer ADDRESS`, or `ask ADDRESS PORT MILLISECONDS ROUNDS`.
import { probe } from '../../core/dist/links/probe.js';
import { probeKey } from '../../core/dist/links/probe-protocol.js';
import { ProbeResponder } from '../../core/dist/links/probe-responder.js';

const [action, address, ...numbers] = process.argv.slice(2);
const key = probeKey(Buffer.alloc(32, 7));
const nodeId = 'answering';

if (action === 'answer') {
  const responder = new ProbeResponder({ key, nodeId });
  await responder.listenOn([address]);
  console.log(JSON.stringify(responder.endpoints[0]));
  // Until it is ended from outside.
  setInterval(() => undefined, 1e6);
} else {
  const [port, deadlineMilliseconds, rounds] = numbers.map(Number);
  const found = [];
  for (let turn = 0; turn < rounds; turn += 1) {
    const started = performance.now();
    const request = {
      key,
      nodeId,
      endpoint: { address, port },
      roundTrips: 3,
      withBandwidth: true,
      deadlineMilliseconds,
    };
    try {
      const { bandwidth } = await probe(request);
      found.push({
        ...('reason' in bandwidth
          ? { failure: bandwidth.reason }
          : { megabitsPerSecond: (bandwidth.bytesPerSecond * 8) / 1e6, isLowerBound: bandwidth.isLowerBound }),
        milliseconds: performance.now() - started,
      });
    } catch (thrown) {
      found.push({ failure: thrown.message });
    }
  }
  console.log(JSON.stringify(found));
  process.exit();
}
