import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Home } from '@shoal/core/internal/node/home.js';
import t from 'tap';

const keyFiles = (directory: string) => readdirSync(directory).filter((name) => name !== 'run');

t.test('processes that start at once share one key', async (t) => {
  const directory = t.testdir({});
  const homes = await Promise.all(Array.from({ length: 16 }, () => Home.open(directory)));
  const keys = await Promise.all(homes.map((home) => home.clusterKey()));
  t.equal(new Set(keys.map((key) => Buffer.from(key).toString('hex'))).size, 1);
  const identities = await Promise.all(
    homes.map((home, index) => home.identity(() => Promise.resolve(`identity ${index}`))),
  );
  t.equal(new Set(identities).size, 1);
  t.same(keyFiles(directory).sort(), ['cluster.key', 'identity.key'], 'nothing else is left');
  if (process.platform !== 'win32') t.equal(statSync(join(directory, 'cluster.key')).mode & 0o777, 0o600);
});

t.test('what a killed process began to write is no key', async (t) => {
  const directory = t.testdir({ 'cluster.key.0123456789ab.tmp': 'abcd' });
  const home = await Home.open(directory);
  const key = Buffer.from(await home.clusterKey()).toString('hex');
  t.equal(readFileSync(join(directory, 'cluster.key'), 'utf8').trim(), key);
  t.equal(Buffer.from(await home.clusterKey()).toString('hex'), key);
});

t.test('a key file that is no key is named, not replaced', async (t) => {
  const directory = t.testdir({ 'cluster.key': '', 'identity.key': '' });
  const home = await Home.open(directory);
  await t.rejects(home.clusterKey(), { code: 'ARGUMENT_INVALID', message: /cluster\.key is empty; delete it/ });
  await t.rejects(
    home.identity(async () => 'x'),
    { code: 'ARGUMENT_INVALID', message: /identity\.key is empty/ },
  );
  writeFileSync(join(directory, 'cluster.key'), 'not hexadecimal');
  await t.rejects(home.clusterKey(), { code: 'ARGUMENT_INVALID', message: /is not a cluster key/ });
});

t.test('a home that cannot be made says why', async (t) => {
  const directory = t.testdir({ file: 'in the way' });
  await t.rejects(Home.open(join(directory, 'file')), {
    code: 'NODE_HOME_UNUSABLE',
    message: /a file stands in its place/,
    details: { home: join(directory, 'file') },
  });
});
