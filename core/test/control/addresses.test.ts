import { parseAddress } from '@shoal/core/internal/control/addresses.js';
import t from 'tap';

t.test('addresses as people write them', async (t) => {
  const cases: [string, string][] = [
    ['192.0.2.10', '/ip4/192.0.2.10/tcp/4001'],
    ['192.0.2.10:7450', '/ip4/192.0.2.10/tcp/7450'],
    ['2001:db8::1', '/ip6/2001:db8::1/tcp/4001'],
    ['[2001:db8::1]:7450', '/ip6/2001:db8::1/tcp/7450'],
    ['den.local', '/dns/den.local/tcp/4001'],
    [' den:80 ', '/dns/den/tcp/80'],
    ['/ip4/192.0.2.10/tcp/0', '/ip4/192.0.2.10/tcp/0'],
  ];
  for (const [text, address] of cases) t.equal(parseAddress(text), address);
});

t.test('what is no address is refused with what it was', async (t) => {
  for (const text of ['', '300.1.1.1', '192.0.2.10:70000', '192.0.2.10:x', 'a b', '[den]:1', '-x', 'a/b']) {
    t.throws(() => parseAddress(text), { code: 'ARGUMENT_INVALID', details: { address: text } }, `"${text}"`);
  }
});
