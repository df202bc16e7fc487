import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parsePluginManifest, pluginManifestSchema, readPluginManifest } from '@shoal/core';
import t from 'tap';

const repository = new URL('../../../../', import.meta.url);

t.test('enabled entries come in order, with where they stand', async (t) => {
  const text = `{
  "$schema": "./plugins.schema.json",
  "plugins": [
    { "module": "@shoal/transport-tcp", "options": { "kind": "tcp" } },
    { "module": "./own.js", "export": "second", "enabled": false },
    { "module": "./own.js", "export": "third", "isolation": "none" }
  ]
}`;
  const { plugins, file } = parsePluginManifest(text, '/home/plugins.json');
  t.equal(file, '/home/plugins.json');
  t.same(
    plugins.map(({ reference }) => reference),
    [
      { module: '@shoal/transport-tcp', options: { kind: 'tcp' } },
      { module: './own.js', export: 'third', isolation: 'none' },
    ],
  );
  t.equal(plugins[1]?.label, '/home/plugins.json:6 /plugins/2 (./own.js)');
});

t.test('messages name file, line, column and path', async (t) => {
  const cases = [
    [
      '{ "plugins": [ { "modul": "x" } ] }',
      [/p\.json:1:18: \/plugins\/0\/modul: unknown key "modul"/, /\/plugins\/0: the key "module" is missing/],
    ],
    ['{ "plugins": {} }', [/p\.json:1:3: \/plugins: must be array/]],
    [
      '{ "plugins": [\n { "module": "x", "isolation": "thread" } ] }',
      [/p\.json:2:19: .*isolation: must be one of "process", "none"/],
    ],
    ['{ "plugins": [ { "module": "" } ] }', [/module: must NOT have fewer than 1 characters/]],
    ['{ "plugins": [\n]', [/p\.json:2:2: "," or "}" was expected/]],
    ['[]', [/p\.json:1:1: must be object/]],
  ] as const;
  for (const [text, messages] of cases) {
    for (const message of messages) {
      t.throws(() => parsePluginManifest(text, 'p.json'), { code: 'PLUGIN_MANIFEST_INVALID', message }, text);
    }
  }
});

t.test('a missing file is named', async (t) => {
  const file = join(t.testdir({}), 'plugins.json');
  await t.rejects(readPluginManifest(file), {
    code: 'PLUGIN_MANIFEST_INVALID',
    message: `${file}: there is no such file.`,
  });
});

t.test('the list that ships is valid', async (t) => {
  const { plugins } = await readPluginManifest(new URL('plugins.json', repository).pathname);
  t.ok(plugins.some(({ reference }) => reference.module === '@shoal/backend-cpu'));
});

t.test('the schema file is the schema that is checked', async (t) => {
  const text = readFileSync(new URL('core/plugins.schema.json', repository), 'utf8');
  const { $schema, title, ...schema } = JSON.parse(text);
  t.match($schema, /draft-07/);
  t.equal(title, 'plugins.json of Shoal');
  t.same(schema, JSON.parse(JSON.stringify(pluginManifestSchema)));
});
