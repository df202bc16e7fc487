// Peers that cannot be reached: a node starts, says so, and works alone.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attach } from 'shoal';
import t from 'tap';
import { HostNode, shoal } from './support/command.js';
import { NamespaceHosts } from './support/namespaces.js';

const reason = NamespaceHosts.unavailableReason();

t.test(
  'peers that nobody reaches keep a node waiting for a bounded time only',
  { skip: reason ?? false },
  async (t) => {
    const root = mkdtempSync(join(tmpdir(), 'shoal-alone-'));
    t.teardown(() => rmSync(root, { recursive: true, force: true }));
    await using network = NamespaceHosts.create(1);
    const [host] = network.hosts;
    if (!host) throw new Error('a host was asked for');
    // Whatever is sent there goes to a card that does not exist, on a bridge without a way out: no answer, no error.
    host.neverAnswers('192.0.2.1');
    const cases = {
      'a port where nobody listens': `${host.address}:9`,
      'an address that swallows everything': '192.0.2.1:4001',
    };
    for (const [name, peer] of Object.entries(cases)) {
      await t.test(name, async (t) => {
        const home = join(root, name.replaceAll(' ', '-').slice(0, 12));
        mkdirSync(home, { mode: 0o700 });
        const before = performance.now();
        await using node = await HostNode.start(host, home, ['--name', 'alone', '--peer', peer]);
        // It waits 6 s for the peers that it is told; the system would wait two minutes.
        t.ok(performance.now() - before < 90_000, 'started');
        t.match(node.errors(), /warn .*no connection to .*(nothing listens there|no answer)/, 'and says so');
        await using cluster = await attach({ home });
        const unreachable = (await cluster.nodes()).filter(({ state }) => state === 'unreachable');
        t.match(unreachable, [{ addresses: [/\/ip4\//], code: 'NODE_UNREACHABLE', message: /no connection to/ }]);
        const listed = await shoal(['nodes', '--home', home]);
        t.match(listed.output, /unreachable .*no connection to/);
        await using model = await cluster.load('shoal-tiny-chat');
        t.equal((await model.chat([{ role: 'user', content: 'What is 12 plus 30?' }]).result).text, '12 + 30 = 42.');
      });
    }
  },
);
