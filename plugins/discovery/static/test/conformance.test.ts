import { discoveryConformance } from '@shoal/core/conformance';
import plugin from '@shoal/discovery-static';
import t from 'tap';

const options = { peers: ['/ip4/127.0.0.1/tcp/7070', '/dns4/anna.local/tcp/7070/p2p/12D3KooWExample'] };
const open = () => plugin.create(options, { log: () => undefined });
for (const { name, run } of discoveryConformance({ open, announces: false })) t.test(name, run);
