// What docs/plugins.md and the examples' pages show is compiled, and where it can stand alone, run.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Discovery, loadPlugins, type PluginModule, parsePluginManifest, type ScriptChannel } from '@shoal/core';
import { discoveryConformance } from '@shoal/core/conformance';
import t from 'tap';
import ts from 'typescript';
import { repositoryRoot } from './support/repository.js';

const pages = [
  'docs/plugins.md',
  ...['backend', 'transport', 'api'].map((name) => `examples/custom-${name}/README.md`),
];

function blocksOf(page: string, language: string): { readonly text: string; readonly line: number }[] {
  const text = readFileSync(join(repositoryRoot, page), 'utf8');
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter(([, found]) => found === language)
    .map((match) => ({ text: match[2] ?? '', line: text.slice(0, match.index).split('\n').length + 1 }));
}

/** Inside the repository, so that packages are found. */
const folder = join(repositoryRoot, 'build', 'plugin-guide');

function writeBlocks(): Map<string, string> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const files = new Map<string, string>();
  for (const page of pages) {
    for (const [index, { text, line }] of blocksOf(page, 'ts').entries()) {
      const file = join(folder, `${page.replaceAll(/\W/g, '-')}-${index}.ts`);
      writeFileSync(file, text);
      files.set(file, `${page}:${line}`);
    }
  }
  return files;
}

t.test('code blocks', async (t) => {
  const files = writeBlocks();
  t.ok(files.size >= 10, `${files.size} blocks were found`);
  const { config } = ts.readConfigFile(join(repositoryRoot, 'tsconfig.base.json'), ts.sys.readFile) as {
    config: object;
  };
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [...files.keys()] }, ts.sys, repositoryRoot);
  const program = ts.createProgram([...files.keys()], {
    ...options,
    composite: false,
    declaration: false,
    declarationMap: false,
    rootDir: folder,
    outDir: folder,
  });
  const problems = ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const line = file ? file.getLineAndCharacterOfPosition(start).line : 0;
    const where = file ? (files.get(join(file.fileName)) ?? relative(repositoryRoot, file.fileName)) : 'everywhere';
    return `${where} (+${line}): ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
  t.same(problems, [], 'they compile, as strictly as the rest');
  program.emit();

  const exportsOf = async (text: string): Promise<Record<string, unknown>> => {
    const file = [...files.keys()].find((one) => readFileSync(one, 'utf8').includes(text));
    t.ok(file, text);
    return (await import(pathToFileURL(String(file).replace(/\.ts$/, '.js')).href)) as Record<string, unknown>;
  };

  await t.test('the discovery keeps its contract', async (t) => {
    const { lighthouse } = await exportsOf('const lighthouse');
    const suite = discoveryConformance({ open: () => lighthouse as Discovery, announces: false });
    for (const { name, run } of suite) await t.test(name, run);
  });

  await t.test('the channel echoes', async (t) => {
    const { Echo } = (await exportsOf('class Echo')) as { Echo: new (peer: object) => ScriptChannel };
    const echo = new Echo({ stage: 0, member: 1 });
    const heard: unknown[] = [];
    echo.open({ message: (tag, bytes) => heard.push(tag, ...bytes), end: ({ code }) => heard.push(code) });
    await echo.send(3n, Uint8Array.of(7));
    echo.abort(new Error('enough'));
    t.same(heard, [3n, 7, 'TRANSPORT_ABORTED']);
  });

  await t.test('the kind of one’s own loads', async (t) => {
    const { default: plugin } = (await exportsOf('registerPluginKind(')) as { default: PluginModule };
    const plugins = await loadPlugins([{ ...plugin, isolation: 'none' }], { resolveFrom: [] });
    t.match(plugins.all, [{ kind: 'weather', name: 'window' }]);
  });
});

t.test('lists of plugins are valid, whole or by the line', async (t) => {
  const blocks = [...pages, 'README.md'].flatMap((page) => blocksOf(page, 'json').map((block) => ({ ...block, page })));
  t.ok(blocks.length >= 3);
  for (const { text, page, line } of blocks) {
    const whole = text.includes('"plugins"') ? text : `{ "plugins": [ ${text} ] }`;
    t.ok(parsePluginManifest(whole, page).plugins.length > 0, `${page}:${line}`);
  }
});
