// Models by name: those of the home, of the package, and those that Hugging Face's libraries have fetched.
import { copyFileSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { LibraryModel } from 'shoal';
import t from 'tap';
import { shoal } from '../support/command.js';
import { repositoryRoot } from '../support/repository.js';

const shipped = path.join(repositoryRoot, 'models', 'shoal-tiny-chat');
const windows = process.platform === 'win32' && 'links need a right of their own there';

t.test("models in Hugging Face's cache", { skip: windows }, async (t) => {
  const folder = t.testdir({});
  const cache = path.join(folder, 'hub');
  const repository = path.join(cache, 'models--tiny-lab--talker');
  const [blobs, snapshot, refs] = ['blobs', 'snapshots/abc123', 'refs'].map((name) => path.join(repository, name));
  for (const one of [blobs, snapshot, refs]) mkdirSync(String(one), { recursive: true });
  writeFileSync(path.join(String(refs), 'main'), 'abc123');
  for (const [index, name] of readdirSync(shipped).entries()) {
    copyFileSync(path.join(shipped, name), path.join(String(blobs), `${index}`));
    symlinkSync(`../../blobs/${index}`, path.join(String(snapshot), name));
  }
  // What was fetched for other programs, or in part.
  mkdirSync(path.join(cache, 'models--tiny-lab--only-gguf', 'refs'), { recursive: true });
  const environment = { HF_HUB_CACHE: cache, HF_HOME: '', SHOAL_HOME: path.join(folder, 'home'), SHOAL_LOG: '' };

  const { output } = await shoal(['models', '--json'], environment);
  const models = JSON.parse(output) as LibraryModel[];
  t.same(models.map(({ name }) => name).sort(), ['shoal-tiny-chat', 'tiny-lab/talker']);
  t.match(
    models.find(({ name }) => name === 'tiny-lab/talker'),
    { directory: snapshot, architecture: /Llama/ },
  );
  t.same((await shoal(['models', '--names'], environment)).output, 'shoal-tiny-chat\ntiny-lab/talker\n');

  const question = 'What is 12 plus 30?';
  const split = ['--local-nodes', '2', '--plan', 'pp=2', '--json'];
  const run = await shoal(['run', 'tiny-lab/talker', question, ...split], environment);
  t.equal(run.code, 0, run.errors);
  t.match(JSON.parse(run.output), { model: 'talker', text: '12 + 30 = 42.' });

  const none = await shoal(['explain', 'tiny-lab/none'], environment);
  t.match(none.errors, /MODEL_NOT_FOUND[\s\S]*shoal models[\s\S]*hf download/);
});
