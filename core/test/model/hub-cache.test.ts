// The cache of Hugging Face's libraries as a library of models.
import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeModel, hubNames, hubSnapshot, resolveModelDirectory } from '@shoal/core';
import t, { type Test } from 'tap';

const checkpoint = fileURLToPath(new URL('../../../../test/fixtures/checkpoints/llama-grouped-query', import.meta.url));
const revision = '0e9e39f249a16976918f6564b8830bc894c89659';

/** A cache as `hf download owner/name` leaves it: a snapshot of links to blobs. */
function cacheOf(t: Test, repository: string): string {
  const cache = join(t.testdir({}), 'hub');
  const folder = join(cache, repository);
  const snapshot = join(folder, 'snapshots', revision);
  for (const path of [snapshot, join(folder, 'refs')]) mkdirSync(path, { recursive: true });
  writeFileSync(join(folder, 'refs', 'main'), revision);
  cpSync(checkpoint, join(folder, 'blobs'), { recursive: true });
  for (const name of readdirSync(checkpoint)) {
    symlinkSync(relative(snapshot, join(folder, 'blobs', name)), join(snapshot, name));
  }
  writeFileSync(join(cache, 'version.txt'), '1');
  return cache;
}

const windows = process.platform === 'win32' && 'links need a right of their own there';

t.test('a model is found and named by its owner and name', { skip: windows }, async (t) => {
  const cache = cacheOf(t, 'models--tiny-lab--Grouped-1.0');
  const snapshot = join(cache, 'models--tiny-lab--Grouped-1.0', 'snapshots', revision);
  t.same(await hubNames(cache), ['tiny-lab/Grouped-1.0']);
  t.equal(await resolveModelDirectory('tiny-lab/Grouped-1.0', { libraries: [cache] }), snapshot);
  const { name, digest } = await describeModel(snapshot);
  t.equal(name, 'Grouped-1.0', 'not the number of its revision');
  t.equal(digest, (await describeModel(checkpoint)).digest);
});

t.test('a model without owner, as old ones are', { skip: windows }, async (t) => {
  const cache = cacheOf(t, 'models--grouped');
  t.same(await hubNames(cache), ['grouped']);
  t.match(await resolveModelDirectory('grouped', { libraries: [cache] }), revision);
});

t.test('what a cache says leads out of nowhere', { skip: windows }, async (t) => {
  const cache = cacheOf(t, 'models--tiny-lab--model');
  for (const text of ['../../../..', '/etc', '', '..', 'a/b']) {
    writeFileSync(join(cache, 'models--tiny-lab--model', 'refs', 'main'), text);
    t.equal(await hubSnapshot(cache, 'tiny-lab/model'), undefined, text);
  }
  t.equal(await hubSnapshot(cache, 'tiny-lab/none'), undefined);
  t.same(await hubNames(join(cache, 'nowhere')), []);
});
