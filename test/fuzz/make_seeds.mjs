// Writes the seeds of the fuzz targets, `corpus/<target>/*`: small valid inputs from which mutation starts.
// The layouts are those that the targets and the wire formats document; run it after changing one of them.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeFrame } from '../../core/dist/control/frame-codec.js';

const corpus = fileURLToPath(new URL('corpus', import.meta.url));

const bytes = (...parts) => Buffer.concat(parts.map((part) => (Array.isArray(part) ? Buffer.from(part) : part)));
const u16 = (value) => [value & 255, value >> 8];
const u32 = (...values) => Buffer.from(Uint32Array.from(values).buffer);
const u64 = (value) => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
const f32 = (...values) => Buffer.from(Float32Array.from(values).buffer);
const f64 = (...values) => Buffer.from(Float64Array.from(values).buffer);
const json = (value) => Buffer.from(JSON.stringify(value));

function write(target, seeds) {
  const folder = join(corpus, target);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, seed] of Object.entries(seeds)) writeFileSync(join(folder, name), seed);
}

// Checkpoints: `u16` bytes of index, the index, `u16` bytes of the first file, the file, the second file.

function weightFile(tensors) {
  let offset = 0;
  const header = { __metadata__: { format: 'pt' } };
  for (const [name, [dtype, shape, length]] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + length] };
    offset += length;
  }
  const text = json(header);
  return bytes(u64(text.length), text, Buffer.alloc(offset, 1));
}

function checkpoint(index, first, second = Buffer.alloc(0)) {
  return bytes(u16(index.length), index, u16(first.length), first, second);
}

const none = Buffer.alloc(0);
const first = weightFile({ a: ['F32', [2, 3], 24], b: ['BF16', [4], 8] });
const second = weightFile({ c: ['F16', [2], 4], d: ['I64', [0], 0], e: ['F8_E4M3', [3], 3] });
const indexOf = (map) => json({ metadata: { total_size: 36 }, weight_map: map });
const checkpoints = {
  single: checkpoint(none, first),
  two: checkpoint(none, first, second),
  indexed: checkpoint(indexOf({ a: 'one.safetensors', c: 'two.safetensors' }), first, second),
  outside: checkpoint(indexOf({ a: '../one.safetensors' }), first),
  truncated: checkpoint(none, first.subarray(0, first.length - 5)),
  scalar: checkpoint(none, weightFile({ s: ['F32', [], 4] })),
  absurd: checkpoint(none, bytes(u64(100_000_001), Buffer.from('{}'))),
};
// Both languages read them.
write('safetensors', checkpoints);
write('checkpoint', checkpoints);

// Frames: see crates/frame/src/header.rs and step.rs.

const kinds = { hello: 1, heartbeat: 2, step: 3, activation: 4, collective: 5, token: 6, control: 7, goodbye: 9 };

function frame(kind, payload = none, { flags = 0, stage = 1, member = 0, epoch = 2, sequence = 0, tag = 0 } = {}) {
  return bytes(
    Buffer.from('SHFR'),
    [1, kinds[kind]],
    u16(flags),
    u64(5),
    u32(epoch, sequence),
    u64(1),
    u16(stage),
    u16(member),
    u32(payload.length),
    u64(tag),
    payload,
  );
}

/** `sequences`: [slot, start, token count, output rows, sampling id]; `operations`: [kind, slot, a, b]. */
function descriptor({ epoch = 3, step = 1, sequences = [], tokens = [], operations = [] }) {
  const rows = sequences.map(([slot, start, count, outputs, id]) => bytes(u32(slot, start, count, outputs), u64(id)));
  return bytes(
    u32(1, epoch),
    u64(step),
    u32(operations.length, sequences.length, tokens.length),
    ...operations.map((operation) => u32(...operation)),
    ...rows,
    u32(...tokens),
  );
}

const prompt = descriptor({ sequences: [[0, 0, 3, 1, 1]], tokens: [1, 2, 3] });
const batch = descriptor({
  sequences: [
    [0, 3, 1, 1, 1],
    [1, 0, 2, 0, 2],
  ],
  tokens: [4, 5, 6],
  operations: [
    [1, 1, 0, 0],
    [2, 0, 3, 0],
    [3, 0, 1, 2],
  ],
});
write('frames', {
  prompt: bytes(frame('step', prompt)),
  batch: bytes(frame('step', batch)),
  free: descriptor({ operations: [[1, 0, 0, 0]] }),
  ...Object.fromEntries(Object.keys(kinds).map((kind) => [kind, frame(kind)])),
});

// A channel: a byte that chooses who speaks (0: a stranger), then what is said.

const abort = frame('goodbye', bytes(u16(1), u16(0), Buffer.from('the member was closed')), { flags: 1, sequence: 7 });
write('channel', {
  stranger: bytes([0], frame('hello', Buffer.alloc(64, 7), { stage: 0, member: 1 })),
  'stranger-answer': bytes([0], frame('hello', Buffer.alloc(32, 7)), frame('hello', Buffer.alloc(32, 9))),
  messages: bytes(
    [1],
    frame('heartbeat'),
    frame('token', Buffer.alloc(12, 1)),
    frame('activation', Buffer.alloc(48, 2), { tag: 1 }),
    frame('collective', Buffer.alloc(80, 3), { sequence: 4, tag: 2 }),
  ),
  stale: bytes([1], frame('token', Buffer.alloc(4), { epoch: 1 }), frame('token', Buffer.alloc(4))),
  stalled: bytes([1], frame('heartbeat', none, { flags: 1 })),
  goodbye: bytes([1], frame('control', Buffer.alloc(9)), frame('goodbye')),
  abort: bytes([1], abort),
  strange: bytes([1], frame('token', none, { stage: 7 })),
});

// A member: which one, then messages; see targets/member.rs.

const messageKinds = { step: 0, registration: 1, hidden: 2, logits: 3, collective: 4, token: 5 };
const message = (peer, kind, step, payload) =>
  bytes([(messageKinds[kind] << 2) | peer, step], u16(payload.length), payload);
// crates/engine/src/sampling/registration.rs.
const numberNames = ['temperature', 'topK', 'topP', 'minP', 'repetition', 'presence', 'frequency', 'logProbabilities'];
const registration = (id, options, { log = [], biases = [], constraint } = {}) =>
  bytes(
    u32(2),
    u64(id),
    u32(
      id - 1,
      0,
      numberNames.reduce((bits, name, bit) => bits | (name in options ? 1 << bit : 0), 0),
    ),
    f64(...numberNames.map((name) => options[name] ?? 0)),
    u64(9),
    u32(3, log.length, ...log, biases.length),
    ...biases.map(([token, bias]) => bytes(u32(token), f32(bias))),
    ...(constraint ?? ['', '']).map((text) => bytes(u32(text.length), Buffer.from(text))),
  );
const greedy = { temperature: 0 };
const penalized = registration(
  1,
  { temperature: 0.7, topK: 4, topP: 0.9, minP: 0.05, repetition: 1.1, presence: -2, frequency: 0.5 },
  { log: [1, 2, 3], biases: [[7, -100]] },
);
const explained = registration(1, { temperature: 1, topK: 2, logProbabilities: 2 });
const constrained = registration(1, greedy, { constraint: ['allowed-tokens', '[4,40]'] });
const hidden = f32(...Array.from({ length: 24 }, (_, index) => Math.sin(index)));
/** The other member's largest logits, which is what the sampler asks for; crates/engine/src/sampling/shard.rs. */
const logits = (...rest) => bytes(u32(32, 32), u32(40), f32(1.5), ...rest);
const candidates = (...tokens) => tokens.map((token, index) => bytes(u32(token), f32(1 - index)));
/** A prompt's step as the sampler goes through it. */
const sampled = (registered, other) =>
  bytes(
    [1],
    message(0, 'registration', 1, registered),
    message(0, 'step', 1, prompt),
    message(0, 'hidden', 1, hidden),
    message(1, 'collective', 1, hidden),
    message(1, 'collective', 1, hidden),
    message(1, 'logits', 1, other),
  );
write('member', {
  sampler: bytes(
    sampled(registration(1, greedy), logits()),
    message(0, 'step', 2, descriptor({ step: 2, operations: [[1, 0, 0, 0]] })),
  ),
  'sampler-penalized': sampled(penalized, logits(...candidates(41, 42, 43))),
  'sampler-explained': sampled(explained, logits(...candidates(41), f32(1.5, 3), ...candidates(40, 41))),
  'sampler-constrained': sampled(constrained, logits()),
  shard: bytes(
    [2],
    message(0, 'registration', 1, registration(1, { temperature: 0.7, topK: 4 })),
    message(0, 'step', 1, prompt),
    message(0, 'hidden', 1, hidden),
    message(1, 'collective', 1, hidden),
    message(1, 'collective', 1, hidden),
  ),
  head: bytes([0], message(0, 'token', 1, u32(7)), message(0, 'token', 2, u32(5))),
  'head-explained': bytes([0], message(0, 'token', 1, bytes(u32(7), f32(-1), u32(1, 7), f32(-1)))),
  'head-nothing-allowed': bytes([0], message(0, 'token', 1, u32(0xffffffff))),
  'head-unknown': bytes([0], message(0, 'token', 1, u32(64))),
  'head-short': bytes([0], message(0, 'token', 1, u32())),
});

// Programs: one layer with communication, one with every operation, and one whose sizes are absurd.

const tensor = (name) => ({ kind: 'tensor', name });
const weight = (shape, role = 'matrix', source = tensor('w')) => ({ shape, role, storage: 'f32', source });
const value = (width, rows = 'tokens') => ({ width, rows });
const layered = {
  programVersion: 1,
  family: 'llama',
  layers: [0, 1],
  member: 1,
  memberCount: 2,
  input: { kind: 'hidden', value: 'x', width: 8 },
  output: { kind: 'logits', value: 'l', vocabularyRange: [6, 12], vocabularySize: 12 },
  values: {
    x: value(8),
    q: value(4),
    k: value(4),
    v: value(4),
    r: value(4),
    a: value(4),
    o: value(8),
    f: value(8),
    s: value(8, 'outputs'),
    l: value(6, 'outputs'),
  },
  boundaryValues: ['x', 'o', 'l'],
  weights: {
    q: weight([4, 8], 'matrix', { kind: 'slice', axis: 0, range: [0, 4], input: tensor('w') }),
    o: weight([8, 4], 'matrix', { kind: 'transpose', input: tensor('w') }),
    g: weight([6, 8], 'matrix', { kind: 'concat', axis: 0, inputs: [tensor('a'), tensor('b')] }),
    d: weight([8, 6]),
  },
  states: { s: { kind: 'key-value', layer: 0, keyWidth: 4, valueWidth: 4, window: 3 } },
  segments: [
    {
      operations: [
        { op: 'linear', input: 'x', weight: 'q', output: 'q' },
        { op: 'linear', input: 'x', weight: 'q', output: 'k' },
        { op: 'linear', input: 'x', weight: 'q', output: 'v' },
        {
          op: 'rotary',
          input: 'q',
          headSize: 4,
          rotatedSize: 2,
          style: 'interleaved',
          inverseFrequencies: [0.5],
          magnitude: 1,
          output: 'r',
        },
        {
          op: 'attention',
          query: 'r',
          key: 'k',
          value: 'v',
          state: 's',
          headSize: 4,
          scale: 0.5,
          window: 3,
          output: 'a',
        },
        { op: 'linear', input: 'a', weight: 'o', output: 'o' },
      ],
      communication: { kind: 'all-reduce-sum', value: 'o' },
    },
    {
      operations: [
        { op: 'gated-feed-forward', input: 'o', gate: 'g', up: 'g', down: 'd', activation: 'silu', output: 'f' },
        { op: 'select-outputs', input: 'f', output: 's' },
        { op: 'linear', input: 's', weight: 'g', output: 'l' },
      ],
    },
  ],
};

const chain = [
  [{ op: 'rms-norm', weight: 'n', epsilon: 1e-5 }, 8],
  [{ op: 'layer-norm', weight: 'n', bias: 'n', epsilon: 1e-5 }, 8],
  [{ op: 'l2-norm', epsilon: 1e-6, groupSize: 4 }, 8],
  [{ op: 'multiply-vector', weight: 'n' }, 8],
  [{ op: 'add-vector', weight: 'n' }, 8],
  [{ op: 'scale', factor: 2, offset: 1 }, 8],
  [{ op: 'clamp', minimum: -1, maximum: 1 }, 8],
  [{ op: 'elementwise', function: 'gelu' }, 8],
  [{ op: 'softmax', groupSize: 2 }, 8],
  [{ op: 'slice', from: 0, to: 1, groupSize: 2 }, 4],
  [{ op: 'repeat', times: 4, groupSize: 2 }, 16],
  [{ op: 'sum-groups', groupSize: 2 }, 8],
];
const every = {
  programVersion: 1,
  family: 'llama',
  layers: [0, 1],
  member: 0,
  memberCount: 1,
  input: { kind: 'tokens' },
  output: { kind: 'hidden', value: 'end' },
  values: {
    v0: value(8),
    ...Object.fromEntries(chain.map(([, width], index) => [`v${index + 1}`, value(width)])),
    z: value(8),
    sum: value(8),
    product: value(8),
    groups: value(8),
    two: value(2),
    end: value(16),
  },
  boundaryValues: ['end'],
  weights: { e: weight([10, 8], 'embedding'), n: weight([8], 'vector'), t: weight([2, 8]) },
  states: {},
  segments: [
    {
      operations: [
        { op: 'embedding', weight: 'e', output: 'v0' },
        ...chain.map(([operation], index) => ({ ...operation, input: `v${index}`, output: `v${index + 1}` })),
        { op: 'zeros', width: 8, output: 'z' },
        { op: 'add', left: 'v12', right: 'z', output: 'sum' },
        { op: 'multiply', left: 'sum', right: 'z', output: 'product' },
        { op: 'linear', input: 'sum', weight: 't', output: 'two' },
        { op: 'multiply-groups', input: 'product', factors: 'two', groupSize: 4, output: 'groups' },
        { op: 'concat', inputs: ['sum', 'groups'], groupSizes: [4, 4], output: 'end' },
      ],
    },
  ],
};
const options = { slotCount: 2, contextLength: 16, stateStorage: 'f16', maximumStepTokens: 4 };
write('program', {
  layered: bytes(json(layered), [0], json(options)),
  every: json(every),
  absurd: json({ ...every, weights: { ...every.weights, e: weight([4294967296, 8], 'embedding') } }),
  gather: json({
    ...every,
    segments: [
      {
        operations: [{ op: 'embedding', weight: 'e', output: 'v0' }],
        communication: { kind: 'all-gather', value: 'v0', output: 'end', widths: [8] },
      },
    ],
    values: { v0: value(8), end: value(8) },
    boundaryValues: ['v0', 'end'],
  }),
});

// plugins.json

const manifest = {
  $schema: './core/plugins.schema.json',
  plugins: [
    { module: '@shoal/discovery-static', options: { peers: ['192.0.2.1:4001'] } },
    { module: './local.js', export: 'plugin', enabled: false, isolation: 'none' },
  ],
};
write('plugin-manifest', {
  full: Buffer.from(JSON.stringify(manifest, undefined, 2)),
  empty: json({ plugins: [] }),
  mark: bytes([0xef, 0xbb, 0xbf], json(manifest)),
  twice: Buffer.from('{"plugins":[],"plugins":[{"module":"a"}]}'),
  escapes: Buffer.from(
    '{"plugins":[{"module":"\\u0041\\n\\ud83d\\ude00","options":{"n":[-1.5e+3,true,null,{"":[]}]}}]}',
  ),
  wrong: json({ plugins: [{ modul: 'a' }, { module: '', isolation: 'thread' }] }),
  open: Buffer.from('{"plugins":[{"module":"a"}'),
});

// The control plane: a byte that chooses (0 to 2: a document; 3 and how the stream is cut), then the document or frames.

const plan = {
  modelName: 'm',
  modelDigest: 'd',
  strategy: 'llama',
  strategyVersion: '1',
  storage: { matrix: 'as-stored', embedding: 'q8_0' },
  stateStorage: 'f32',
  contextLength: 64,
  slotCount: 2,
  stages: [
    {
      layers: [0, 2],
      cuts: { 'kv-heads': [[0, 1]] },
      members: [{ nodeId: 'n', nodeName: 'n', backend: 'cpu', deviceId: 'cpu', share: 1, programDigest: 'p' }],
    },
  ],
};
const endpoints = [{ stage: 0, member: 0, nodeId: 'n', endpoint: { transport: 'tcp', host: '127.0.0.1', port: 1 } }];
const credentials = { instance: '0123456789abcdef', epoch: 1, secret: '0'.repeat(64) };
const conversation = { messages: [{ role: 'user', content: 'x' }] };
const sampling = { temperature: 1, topK: 3, topP: 0.5 };
const frames = [
  { call: 1, request: { describe: { model: 'm' } } },
  { call: 2, request: { prepare: { credentials, self: { stage: 1 }, planJson: JSON.stringify(plan) } } },
  { call: 3, request: { load: { instance: credentials.instance, endpointsJson: JSON.stringify(endpoints) } } },
  { call: 4, request: { report: { instance: { instance: credentials.instance, state: 2, planJson: '{}' } } } },
  { call: 5, request: { generate: { instance: credentials.instance, conversation, sampling, maximumTokens: 3 } } },
  { call: 6, request: { generate: { instance: credentials.instance, tokens: { tokens: [1, 2] } } } },
  { call: 7, response: { generate: { token: { index: 1, token: 2, text: 'x' } } } },
  { call: 8, failure: { code: 'INTERNAL', message: 'x', detailsJson: '{"a":1}' } },
  { call: 9, cancel: {} },
];
const loadOptions = { plan: 'pp=2', contextLength: 64, storage: { matrix: 'q4_0', embedding: 'f16' } };
write('control', {
  plan: bytes([0], json(plan)),
  endpoints: bytes([1], json(endpoints)),
  'load-options': bytes([2], json(loadOptions)),
  stream: bytes([255], ...frames.map((one) => encodeFrame(one))),
  'cut-small': bytes([7], ...frames.slice(3, 6).map((one) => encodeFrame(one))),
  ...Object.fromEntries(frames.map((one) => [`frame-${one.call}`, bytes([255], encodeFrame(one))])),
  'too-large': bytes([255], u32(0xffffffff), Buffer.alloc(8)),
});

// A model's text side: `u16` bytes of tokenizer.json, `u16` bytes of tokenizer_config.json, a text.

const textSide = (tokenizer, config, text) => {
  const [definition, configuration] = [json(tokenizer), json(config)];
  return bytes(u16(definition.length), definition, u16(configuration.length), configuration, Buffer.from(text));
};
const added = (id, content) => ({ id, content, special: true, single_word: false, lstrip: false, rstrip: false });
const letters = Object.fromEntries([...'Ġabcdehlo'].map((letter, id) => [letter, id]));
const byteLevel = {
  added_tokens: [added(300, '<s>'), added(301, '</s>')],
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
  post_processor: {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [],
    special_tokens: { '<s>': { id: '<s>', ids: [300], tokens: ['<s>'] } },
  },
  decoder: { type: 'ByteLevel' },
  model: { type: 'BPE', vocab: { ...letters, he: 256, ll: 257 }, merges: ['h e', 'l l'] },
};
const spelled = Object.fromEntries(['<unk>', '<s>', '<0x0A>', ...'▁abn'].map((token, id) => [token, id]));
const fallback = {
  added_tokens: [added(0, '<unk>'), added(1, '<s>')],
  normalizer: {
    type: 'Sequence',
    normalizers: [
      { type: 'Prepend', prepend: '▁' },
      { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
    ],
  },
  decoder: { type: 'Sequence', decoders: [{ type: 'ByteFallback' }, { type: 'Fuse' }] },
  model: { type: 'BPE', unk_token: '<unk>', byte_fallback: true, vocab: { ...spelled, an: 9 }, merges: ['a n'] },
};
const chatTemplate =
  "{{ bos_token }}{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] | trim }}" +
  "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";
write('model-text', {
  'byte-level': textSide(byteLevel, { bos_token: '<s>', eos_token: { content: '</s>' } }, 'hello'),
  'byte-fallback': textSide(fallback, { bos_token: '<s>', chat_template: chatTemplate }, 'an\n ban'),
  templates: textSide(byteLevel, { chat_template: [{ name: 'default', template: chatTemplate }] }, 'x'),
  refuses: textSide(byteLevel, { chat_template: "{{ raise_exception('no') }}" }, 'x'),
});
