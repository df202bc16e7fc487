import {
  type GenerationEvent,
  type GenerationOrder,
  type InstanceSummary,
  type Plan,
  resolveSampling,
  type SamplingDefaults,
} from '@shoal/core';
import { messages } from '@shoal/core/internal/control/messages.js';
import {
  generationFromMessage,
  generationToMessage,
  orderFromMessage,
  orderToMessage,
} from '@shoal/core/internal/node/generation-wire.js';
import {
  credentialsFromMessage,
  endpointsFromJson,
  loadOptionsFromJson,
  planFromJson,
  summaryFromMessage,
  summaryToMessage,
} from '@shoal/core/internal/node/wire.js';
import t from 'tap';

const plan: Plan = {
  modelName: 'model',
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
      members: [
        {
          nodeId: 'n',
          nodeName: 'node',
          backend: 'cpu',
          deviceId: 'cpu',
          share: 1,
          programDigest: 'p',
          weightBytes: 1,
          stateBytes: 1,
        },
      ],
    },
  ],
  reasons: ['because'],
  leftOut: [],
};

t.test('what is sent is what arrives', async (t) => {
  const orders: GenerationOrder[] = [
    {
      input: {
        kind: 'messages',
        messages: [
          { role: 'user', content: 'x' },
          { role: 'assistant', content: '', reasoning: 'Hm', toolCalls: [{ id: 'i', name: 'add', arguments: '{}' }] },
          { role: 'tool', content: '3', toolCallId: 'i', name: 'add' },
        ],
        tools: [{ name: 'add', description: 'Adds', parameters: { type: 'object' } }, { name: 'sub' }],
        templateVariables: { enable_thinking: false },
      },
      sampling: {},
      ignoreEndOfText: false,
    },
    {
      input: { kind: 'messages', messages: [{ role: 'user', content: 'Grüße 👋' }] },
      sampling: { temperature: 0.7, topK: 40, topP: 0.9, minP: 0.05, seed: 2 ** 53 - 1 },
      maximumTokens: 10,
      ignoreEndOfText: true,
    },
    {
      input: { kind: 'prompt', prompt: '' },
      sampling: { temperature: 0, seed: 0, topP: 0 },
      maximumTokens: 1,
      ignoreEndOfText: false,
      parseSpecialTokens: false,
      ignoreModelDefaults: true,
    },
    {
      input: { kind: 'tokens', tokens: [0, 1, 4_294_967_295] },
      sampling: {},
      ignoreEndOfText: false,
      parseSpecialTokens: true,
    },
    {
      input: { kind: 'prompt', prompt: 'x' },
      sampling: {
        temperature: 1,
        repetitionPenalty: 1.1,
        presencePenalty: -2,
        frequencyPenalty: 0,
        logitBias: [
          { token: 0, bias: -100 },
          { token: 7, bias: 0 },
        ],
        constraint: { kind: 'allowed-tokens', specification: '[1]' },
        logProbabilities: 0,
      },
      maximumTokens: 3,
      ignoreEndOfText: false,
      choices: 3,
      stopTexts: ['END', '👋'],
      stopTokens: [0, 5],
      queueTimeoutMilliseconds: 0,
    },
  ];
  for (const order of orders) {
    const bytes = messages.GenerateRequest.encode(orderToMessage('0'.repeat(16), order)).finish();
    t.same(orderFromMessage(messages.GenerateRequest.decode(bytes)), order);
  }
  const events: GenerationEvent[] = [
    { kind: 'accepted', promptTokens: [1, 2, 3], seed: 2 ** 53 - 1, sampling: { temperature: 0.6, topP: 0 } },
    { kind: 'token', choice: 0, index: 0, token: 0, text: '' },
    { kind: 'token', choice: 0, index: 1, token: 3, text: '', reasoning: 'Hm' },
    {
      kind: 'token',
      choice: 0,
      index: 2,
      token: 4,
      text: '',
      toolCalls: [
        { index: 0, arguments: '}' },
        { index: 1, id: 'abc', name: 'add', arguments: '' },
      ],
    },
    {
      kind: 'token',
      choice: 3,
      index: 1,
      token: 7,
      text: 'é',
      logProbabilities: {
        logProbability: -0.25,
        text: '\uFFFD',
        alternatives: [{ token: 0, text: 'a', logProbability: -0.125 }],
      },
    },
    {
      kind: 'finished',
      choice: 0,
      reason: 'stop',
      stoppedBy: 0,
      text: '',
      promptTokens: 3,
      generatedTokens: 1,
      prefillMicroseconds: 1.5,
      decodeMicroseconds: 0,
    },
    {
      kind: 'finished',
      choice: 1,
      reason: 'stop',
      stoppedBy: 'END',
      text: '',
      promptTokens: 3,
      generatedTokens: 1,
      prefillMicroseconds: 1.5,
      decodeMicroseconds: 0,
    },
    {
      kind: 'finished',
      choice: 2,
      reason: 'length',
      text: '.',
      promptTokens: 3,
      generatedTokens: 1,
      prefillMicroseconds: 1.5,
      decodeMicroseconds: 2 ** 40,
    },
  ];
  for (const event of events) {
    const bytes = messages.GenerateResponse.encode(generationToMessage(event)).finish();
    t.same(generationFromMessage(messages.GenerateResponse.decode(bytes)), event);
  }
  const summary: InstanceSummary = {
    instance: '0123456789abcdef',
    epoch: 3,
    state: 'failed',
    model: '/models/model',
    plan,
    failure: { code: 'NODE_LOST', message: 'node b left' },
  };
  const bytes = messages.InstanceSummary.encode(summaryToMessage(summary)).finish();
  t.same(summaryFromMessage(messages.InstanceSummary.decode(bytes)), summary);
});

t.test('what an order leaves out, the model says, and then the engine', async (t) => {
  const defaults: SamplingDefaults = { temperature: 0.6, topK: 20 };
  t.match(resolveSampling({ seed: 3 }), { temperature: 0, seed: 3 });
  t.same(resolveSampling({ topK: 5, seed: 3 }, defaults), { temperature: 0.6, topK: 5, seed: 3 });
  t.same(resolveSampling({ temperature: 0, seed: 0 }, defaults), { temperature: 0, topK: 20, seed: 0 });
  const seeds = [1, 2, 3, 4].map(() => resolveSampling({}).seed);
  t.ok(seeds.every((seed) => Number.isSafeInteger(seed) && seed >= 0));
  t.ok(new Set(seeds).size > 1, 'a seed that is left open is drawn');
});

t.test('what is wrong is refused with the field', async (t) => {
  const base = { sampling: { temperature: 0, seed: 1 }, maximumTokens: 1, prompt: 'x' };
  const conversation = (more: messages.Conversation.$Properties): messages.GenerateRequest.$Properties => ({
    sampling: base.sampling,
    conversation: { messages: [{ role: 'user', content: 'x' }], ...more },
  });
  const wrong: [messages.GenerateRequest.$Properties, RegExp][] = [
    [{ ...base, maximumTokens: 0 }, /maximumTokens/],
    [{ ...base, sampling: { temperature: -1 } }, /temperature/],
    [{ ...base, sampling: { temperature: Number.NaN } }, /temperature/],
    [{ ...base, sampling: { temperature: 1, topP: 2 } }, /topP/],
    [{ ...base, sampling: { temperature: 1, minP: -0.1 } }, /minP/],
    [{ ...base, sampling: { temperature: 1, seed: 0.5 } }, /seed/],
    [{ ...base, sampling: { repetitionPenalty: 0 } }, /repetitionPenalty/],
    [{ ...base, sampling: { repetitionPenalty: 1e300 } }, /repetitionPenalty/],
    [{ ...base, sampling: { presencePenalty: 2.5 } }, /presencePenalty/],
    [{ ...base, sampling: { frequencyPenalty: Number.NaN } }, /frequencyPenalty/],
    [{ ...base, sampling: { logitBias: [{ token: 1, bias: 101 }] } }, /logitBias of token 1/],
    [{ ...base, sampling: { logitBias: Array.from({ length: 1025 }, () => ({ token: 1 })) } }, /logitBias/],
    [{ ...base, sampling: { logProbabilities: 21 } }, /logProbabilities/],
    [{ ...base, sampling: { constraint: { kind: '' } } }, /constraint/],
    [{ ...base, choices: 129 }, /choices/],
    [{ ...base, stopTexts: [''] }, /stop/],
    [{ ...base, stopTokens: Array.from({ length: 1025 }, () => 1) }, /stopTokens/],
    [{ ...base, queueTimeoutMilliseconds: -1 }, /queueTimeoutMilliseconds/],
    [{ sampling: base.sampling, maximumTokens: 1, conversation: { messages: [] } }, /messages/],
    [conversation({ toolsJson: '[' }), /tools is not valid JSON/],
    [conversation({ toolsJson: '{}' }), /tools is not a list/],
    [conversation({ toolsJson: '[{"name": "a b"}]' }), /tools has one whose name/],
    [conversation({ toolsJson: '[{"name": "a", "parameters": 3}]' }), /parameters of tool a/],
    [conversation({ toolsJson: '[{"name": "a"}, {"name": "a"}]' }), /two of one name/],
    [conversation({ templateVariablesJson: '3' }), /templateVariables is not an object/],
  ];
  for (const [message, field] of wrong) {
    t.throws(() => orderFromMessage(message), { code: 'REQUEST_INVALID', message: field });
  }
});

t.test('a plan of a peer is looked at before it is used', async (t) => {
  t.same(planFromJson(JSON.stringify(plan)), plan);
  const broken: unknown[] = [
    null,
    [],
    {},
    { ...plan, stages: [] },
    { ...plan, contextLength: 0 },
    { ...plan, slotCount: 1e300 },
    { ...plan, stateStorage: 'q1' },
    { ...plan, stages: [{ ...plan.stages[0], members: [] }] },
    { ...plan, stages: [{ ...plan.stages[0], members: [{}] }] },
    { ...plan, stages: [{ ...plan.stages[0], members: [null] }] },
    { ...plan, stages: [{ ...plan.stages[0], cuts: { a: 1 } }] },
    { ...plan, stages: [null] },
  ];
  for (const one of broken) t.throws(() => planFromJson(JSON.stringify(one)), { code: 'REQUEST_INVALID' });
  t.throws(() => planFromJson('{'), { code: 'REQUEST_INVALID' });
  t.throws(() => planFromJson(undefined), { code: 'REQUEST_INVALID' });
});

t.test('credentials have their form', async (t) => {
  const good = { instance: 'a'.repeat(16), epoch: 1, secret: 'b'.repeat(64) };
  t.same(credentialsFromMessage(good), good);
  t.throws(() => credentialsFromMessage({ ...good, instance: '../../etc' }), { code: 'REQUEST_INVALID' });
  t.throws(() => credentialsFromMessage({ ...good, secret: 'short' }), { code: 'REQUEST_INVALID' });
  t.throws(() => credentialsFromMessage(undefined), { code: 'REQUEST_INVALID' });
});

t.test('lists of endpoints and load options have their form', async (t) => {
  const endpoint = { stage: 0, member: 1, nodeId: 'n', endpoint: { transport: 'tcp', host: '127.0.0.1', port: 1 } };
  t.same(endpointsFromJson(JSON.stringify([endpoint])), [endpoint]);
  for (const broken of [null, {}, [null], [{ ...endpoint, stage: 'a' }], [{ ...endpoint, endpoint: [] }]]) {
    t.throws(() => endpointsFromJson(JSON.stringify(broken)), { code: 'REQUEST_INVALID' });
  }
  const options = { plan: 'pp=2', contextLength: 64, storage: { matrix: 'q4_0', embedding: 'as-stored' } };
  t.same(loadOptionsFromJson(JSON.stringify(options)), options);
  t.same(loadOptionsFromJson(''), {});
  const wrong: [unknown, RegExp][] = [
    [[], /object/],
    [{ plan: 1 }, /plan/],
    [{ contextLength: '64' }, /contextLength/],
    [{ storage: { matrix: 'q4_0' } }, /storage/],
    [{ stateStorage: 'f8' }, /stateStorage/],
  ];
  for (const [one, field] of wrong) {
    t.throws(() => loadOptionsFromJson(JSON.stringify(one)), { code: 'REQUEST_INVALID', message: field });
  }
});
