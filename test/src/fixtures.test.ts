// The programs that the native tests run are those that the strategies write today.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import { repositoryRoot } from './support/repository.js';

t.test('the native tests run current programs', async (t) => {
  const script = join(repositoryRoot, 'test', 'fixtures', 'make_programs.mjs');
  const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  t.equal(status, 0, stderr);
});
