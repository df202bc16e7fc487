import { discoveryConformance } from '@shoal/core/conformance';
import plugin from '@shoal/discovery-dht';
import t from 'tap';

const open = () => plugin.create({ bootstrap: [], announceSeconds: 0.4 }, { log: () => undefined });
const suite = discoveryConformance({ open, announces: true, deadlineMilliseconds: 60_000 });
for (const { name, run } of suite) t.test(name, run);
