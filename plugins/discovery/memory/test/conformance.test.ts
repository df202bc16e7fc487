import { discoveryConformance } from '@shoal/core/conformance';
import plugin from '@shoal/discovery-memory';
import t from 'tap';

const open = () => plugin.create({ room: 'conformance' }, { log: () => undefined });
for (const { name, run } of discoveryConformance({ open, announces: true })) t.test(name, run);
