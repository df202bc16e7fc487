// Models that are broken in one place each, met as a user meets them: a coded error, and the node goes on.
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { answer, longAnswer, question, startLocalNodes } from './support/local.js';

const source = new URL('../../../models/shoal-tiny-chat', import.meta.url);

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

const edit = (file: string, change: (text: string) => string) => (folder: string) =>
  writeFileSync(join(folder, file), change(readFileSync(join(folder, file), 'utf8')));
const editJson = (file: string, change: (document: Record<string, unknown>) => void) =>
  edit(file, (text) => {
    const document = JSON.parse(text) as Record<string, unknown>;
    change(document);
    return JSON.stringify(document);
  });

/** Changes a tensor's entry, or its name, in the header of the weights. */
const editTensor = (name: string, change: (entry: Entry) => void, newName = name) => {
  return (folder: string) => {
    const file = join(folder, 'model.safetensors');
    const bytes = readFileSync(file);
    const end = 8 + Number(bytes.readBigUInt64LE());
    const header = JSON.parse(bytes.toString('utf8', 8, end)) as Record<string, Entry>;
    const { [name]: entry, ...others } = header;
    if (!entry) throw new Error(`the model has no tensor '${name}'`);
    change(entry);
    const text = Buffer.from(JSON.stringify({ ...others, [newName]: entry }));
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(BigInt(text.length));
    writeFileSync(file, Buffer.concat([prefix, text, bytes.subarray(end)]));
  };
};

const tensor = 'model.layers.3.self_attn.k_proj.weight';
const flatten = (entry: Entry) => {
  entry.shape = [entry.shape.reduce((product, size) => product * size, 1)];
};
const turnToIntegers = (entry: Entry) => {
  entry.dtype = 'I16';
};
const keep = () => undefined;

/** What refuses to load: the change, the code, and what the message names. */
const broken: Readonly<Record<string, readonly [change: (folder: string) => void, code: string, message: RegExp]>> = {
  'a missing tensor': [editTensor(tensor, keep, 'renamed'), 'MODEL_TENSOR_MISSING', /layers\.3\.self_attn\.k_proj/],
  'a tensor of another shape': [editTensor(tensor, flatten), 'MODEL_TENSOR_SHAPE', /layers\.3\.self_attn\.k_proj/],
  'a tensor of whole numbers': [
    editTensor(tensor, turnToIntegers),
    'MODEL_STORAGE_UNSUPPORTED',
    /layers\.3\.self_attn\.k_proj.*I16/,
  ],
  'an unknown architecture': [
    editJson('config.json', (config) => {
      config.architectures = ['LamaForCausalLM'];
      config.model_type = 'lama';
    }),
    'MODEL_ARCHITECTURE_UNSUPPORTED',
    /LamaForCausalLM/,
  ],
  'sizes that do not fit the weights': [
    editJson('config.json', (config) => {
      config.hidden_size = 384;
    }),
    'MODEL_TENSOR_SHAPE',
    /tensor/,
  ],
  'absurd sizes': [
    editJson('config.json', (config) => {
      config.num_hidden_layers = 2 ** 40;
    }),
    'MODEL_CONFIG_INVALID',
    /absurd-sizes: config\.json: 'num_hidden_layers' is 1099511627776, expected at most 16384/,
  ],
  'a configuration cut short': [edit('config.json', (text) => text.slice(0, 100)), 'MODEL_CONFIG_INVALID', /JSON/],
};

t.test('a node meets broken models', async (t) => {
  await using cluster = await startLocalNodes(1);
  const copy = (name: string, change: (folder: string) => void): string => {
    const folder = join(t.testdirName, name.replaceAll(' ', '-'));
    cpSync(source, folder, { recursive: true });
    change(folder);
    return folder;
  };
  t.testdir({});
  const intact = await cluster.load('shoal-tiny-chat');

  for (const [name, [change, code, message]] of Object.entries(broken)) {
    await t.test(`${name} fails the load by its code`, async (t) => {
      await t.rejects(cluster.load(copy(name, change)), { code, message });
      t.equal((await cluster.instances()).length, 1, 'nothing of it is left');
      t.equal((await intact.chat(question).result).text, answer);
    });
  }

  await t.test('a tokenizer cut short fails texts only', async (t) => {
    const cut = edit('tokenizer.json', (text) => text.slice(0, 1000));
    await using model = await cluster.load(copy('a broken tokenizer', cut));
    await t.rejects(model.chat(question).result, { code: 'MODEL_TOKENIZER_INVALID', message: /tokenizer\.json/ });
    t.ok((await model.generate([5, 6], { maximumTokens: 2 }).result).tokens.length > 0);
  });

  const setTemplate = (template: string) =>
    editJson('tokenizer_config.json', (config) => {
      config.chat_template = template;
    });
  await t.test('a template that is broken fails conversations only', async (t) => {
    await using model = await cluster.load(copy('a broken template', setTemplate('{% for message in %}')));
    await t.rejects(model.chat(question).result, { code: 'MODEL_TEMPLATE_INVALID', message: /cannot be parsed/ });
    t.ok((await model.generate('12', { maximumTokens: 2 }).result).tokens.length > 0);
  });

  await t.test('a template without end keeps neither running answers nor the next request waiting', async (t) => {
    const loops = '{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}';
    await using model = await cluster.load(copy('an endless template', setTemplate(loops)));
    const running = model.generate('12 plus 30', longAnswer);
    await running[Symbol.asyncIterator]().next();
    await t.rejects(model.chat(question).result, { code: 'MODEL_TEMPLATE_INVALID', message: /steps/ });
    const next = await model.generate('12 plus 30', { ...longAnswer, maximumTokens: 4 }).result;
    t.same(next.tokens, (await running.result).tokens.slice(0, 4), 'both come from a head that lives');
  });

  const { nodeId } = cluster.processes[0] ?? {};
  t.ok((await cluster.nodes()).some((node) => node.nodeId === nodeId));
  t.equal((await intact.chat(question).result).text, answer, 'the node has served all along');
});
