// OpenAI's responses: what is asked by hand, and by OpenAI's own client of Python (clients.test.ts has the other).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import t from 'tap';
import { answer, apiNode, modelName, question, until } from '../support/api-cluster.js';
import { clientPython } from '../support/clients.js';
import { repositoryRoot } from '../support/repository.js';
import { weatherParameters as parameters, toolModel, writeToolModel } from '../support/tool-model.js';

const input = question[0]?.content ?? '';
const tools = [
  { type: 'function', name: 'weather', description: 'Says it.', parameters, strict: true },
  { type: 'function', name: 'now', parameters: null, strict: null },
];
const named = { tools, tool_choice: { type: 'function', name: 'weather' } };
/** Goes on to its length. */
const endless = { input, ignore_eos: true, max_output_tokens: 480 };

interface Event {
  readonly type: string;
  readonly sequence_number: number;
  // biome-ignore lint/suspicious/noExplicitAny: as it came
  readonly [field: string]: any;
}

function caller(url: string) {
  const request = async (method: string, path: string, body?: object, signal?: AbortSignal) => {
    const head = body === undefined ? {} : { 'content-type': 'application/json' };
    const content = body === undefined ? {} : { body: JSON.stringify(body) };
    const all = { method, headers: head, ...content, ...(signal ? { signal } : {}) };
    return fetch(`${url}/v1/responses${path}`, all);
  };
  // biome-ignore lint/suspicious/noExplicitAny: as it came
  const json = async (method: string, path: string, body?: object): Promise<any> =>
    (await request(method, path, body)).json();
  /** Events of a stream, each under its own name. */
  const events = async (response: Response): Promise<Event[]> => {
    const blocks = (await response.text()).split('\n\n').filter((block) => block.startsWith('event: '));
    return blocks.map((block) => {
      const [, name, data = ''] = /^event: (\S+)\ndata: (.*)$/s.exec(block) ?? [];
      const event = JSON.parse(data) as Event;
      if (event.type !== name) throw new Error(`${event.type} came as ${name}`);
      return event;
    });
  };
  return { request, json, events };
}

t.test('the interface itself', async (t) => {
  const node = await apiNode({ storedResponses: 3 });
  t.teardown(() => node.close());
  const loaded = await node.cluster.load(modelName);
  await node.cluster.load(writeToolModel(t.testdir({})), { contextLength: 512 });
  const { request, json, events } = caller(node.url);
  const isFree = async () => (await loaded.statistics())[0]?.statistics.residentSlots === 0;
  const model = modelName;

  await t.test('events in their order', async (t) => {
    const stream = await events(await request('POST', '', { model, input, stream: true, metadata: { a: 'b' } }));
    t.same(
      stream.map(({ sequence_number: number }) => number),
      stream.map((_, index) => index),
    );
    const types = stream.map(({ type }) => type);
    const ofText = types.filter((type) => type === 'response.output_text.delta');
    t.ok(ofText.length > 3, 'in pieces');
    t.same(
      types.filter((type, index) => type !== types[index - 1]),
      [
        'response.created',
        'response.in_progress',
        'response.output_item.added',
        'response.content_part.added',
        'response.output_text.delta',
        'response.output_text.done',
        'response.content_part.done',
        'response.output_item.done',
        'response.completed',
      ],
    );
    const deltas = stream.filter(({ type }) => type === 'response.output_text.delta');
    t.equal(deltas.map(({ delta }) => delta).join(''), answer);
    t.match(stream[0], { response: { status: 'in_progress', output: [], usage: null, metadata: { a: 'b' } } });
    t.match(stream[2], { output_index: 0, item: { type: 'message', status: 'in_progress', content: [] } });
    const response = stream.at(-1)?.response;
    t.match(response, {
      object: 'response',
      status: 'completed',
      model,
      error: null,
      incomplete_details: null,
      output: [{ type: 'message', role: 'assistant', status: 'completed', content: [{ text: answer }] }],
      usage: { input_tokens: 14, output_tokens: 12, total_tokens: 26, output_tokens_details: { reasoning_tokens: 0 } },
    });
    t.same(await json('GET', `/${response.id}`), response, 'it is kept as it was told');
  });

  await t.test('calls come in parts', async (t) => {
    const asked = { model: toolModel, input, ...named, stream: true };
    const stream = await events(await request('POST', '', asked));
    const types = stream.map(({ type }) => type);
    t.same(
      types.filter((type, index) => type !== types[index - 1]),
      [
        'response.created',
        'response.in_progress',
        'response.output_item.added',
        'response.function_call_arguments.delta',
        'response.function_call_arguments.done',
        'response.output_item.done',
        'response.completed',
      ],
    );
    const parts = stream.filter(({ type }) => type === 'response.function_call_arguments.delta');
    const done = stream.find(({ type }) => type === 'response.function_call_arguments.done');
    t.equal(parts.map(({ delta }) => delta).join(''), done?.arguments);
    const given = JSON.parse(done?.arguments);
    t.ok(['Oslo', 'Rome'].includes(given.city) && given.days >= 1 && given.days <= 3);
    const call = stream.at(-1)?.response.output[0];
    t.match(call, { type: 'function_call', name: 'weather', call_id: /^\w{9}$/, status: 'completed' });
    t.equal(call.id, done?.item_id);

    const output = {
      type: 'function_call_output',
      call_id: call.call_id,
      output: [{ type: 'input_text', text: 'sun' }],
    };
    const id = stream.at(-1)?.response.id;
    const after = { model: toolModel, previous_response_id: id, input: [output], tools, max_output_tokens: 8 };
    const back = await json('POST', '', after);
    t.match(back, { previous_response_id: id, status: /completed|incomplete/ });
    const spelled = [{ role: 'user', content: input }, call, output];
    const count = async (body: object) =>
      (await json('POST', '/input_tokens', { model: toolModel, tools, ...body })).input_tokens;
    t.equal(await count({ input: spelled }), back.usage.input_tokens, 'the same conversation, item by item');
    t.ok((await count({ input: spelled })) > (await count({ input })));
    const listed = await json('GET', `/${back.id}/input_items?order=asc&limit=2`);
    t.match(listed, { object: 'list', has_more: true, data: [{ role: 'user' }, { type: 'function_call' }] });
    const rest = await json('GET', `/${back.id}/input_items?order=asc&after=${listed.last_id}`);
    t.match(rest, { has_more: false, data: [{ type: 'function_call_output' }] });
    const { id: item } = listed.data[0];
    t.equal(await count({ input: [{ type: 'item_reference', id: item }] }), await count({ input }));
  });

  await t.test('lengths, schemas and instructions', async (t) => {
    const cut = await json('POST', '', { model, input, max_output_tokens: 3 });
    t.match(cut, {
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      output: [{ status: 'incomplete', content: [{ text: '12 +' }] }],
      usage: { output_tokens: 3 },
    });
    const stream = await events(await request('POST', '', { model, input, max_output_tokens: 3, stream: true }));
    t.equal(stream.at(-1)?.type, 'response.incomplete');
    const schema = { type: 'object', properties: { sum: { type: 'integer', maximum: 99 } }, required: ['sum'] };
    const format = {
      type: 'json_schema',
      name: 'sum',
      strict: true,
      schema: { ...schema, additionalProperties: false },
    };
    const fitting = await json('POST', '', { model, input, text: { format } });
    t.ok(Number.isInteger(JSON.parse(fitting.output[0].content[0].text).sum));
    t.match(fitting.text.format, { type: 'json_schema', name: 'sum' });
    const instructed = await json('POST', '', { model, input, instructions: 'Be brief.' });
    t.ok(instructed.usage.input_tokens > 14);
    const next = await json('POST', '', { model, previous_response_id: instructed.id, input });
    t.equal(next.instructions, null, 'instructions are not carried over');
    const include = ['message.output_text.logprobs'];
    const explained = await json('POST', '', { model, input, include, top_logprobs: 2 });
    const { logprobs } = explained.output[0].content[0];
    t.equal(logprobs.map(({ token }: { token: string }) => token).join(''), answer);
    t.equal(logprobs[0].top_logprobs.length, 2);
  });

  await t.test('what is kept, and for how long', async (t) => {
    const first = await json('POST', '', { model, input, store: false });
    t.match(await json('GET', `/${first.id}`), { error: { message: /not found/, type: 'invalid_request_error' } });
    const kept = await json('POST', '', { model, input });
    t.equal((await json('GET', `/${kept.id}`)).id, kept.id);
    t.match(await json('POST', `/${kept.id}/cancel`), { error: { message: /synchronous/ } });
    t.match(await json('GET', `/${kept.id}?stream=true`), { error: { param: 'stream' } });
    t.same(await json('DELETE', `/${kept.id}`), { id: kept.id, object: 'response', deleted: true });
    t.equal((await request('GET', `/${kept.id}`)).status, 404);
    t.equal((await request('DELETE', `/${kept.id}`)).status, 404);
    t.match(await json('POST', '', { model, input, previous_response_id: kept.id }), {
      error: { code: 'previous_response_not_found', param: 'previous_response_id' },
    });
    const ids = [];
    for (let number = 0; number < 4; number += 1) ids.push((await json('POST', '', { model, input })).id);
    t.equal((await request('GET', `/${ids[0]}`)).status, 404, 'the oldest of four is forgotten');
    t.equal((await request('GET', `/${ids[1]}`)).status, 200);
  });

  await t.test('in the background', async (t) => {
    const begun = await json('POST', '', { model, ...endless, background: true });
    t.match(begun, { status: 'in_progress', background: true });
    t.match(await json('POST', '', { model, input, previous_response_id: begun.id }), {
      error: { message: /has not ended/ },
    });
    t.match(await json('POST', `/${begun.id}/cancel`), { id: begun.id, status: 'cancelled' });
    await until(isFree, 'a free slot');
    const streamed = await events(await request('POST', '', { model, input, background: true, stream: true }));
    const id = streamed[0]?.response.id;
    const again = await events(await request('GET', `/${id}?stream=true&starting_after=1`));
    t.same(again, streamed.slice(2), 'the events are there again');
    const whole = await json('POST', '', { model, input, background: true });
    await until(async () => (await json('GET', `/${whole.id}`)).status === 'completed', 'the end');
    const deleted = await json('POST', '', { model, ...endless, background: true });
    t.match(await json('DELETE', `/${deleted.id}`), { deleted: true });
    await until(isFree, 'a free slot');
    t.match(await json('POST', '', { model, input, background: true, store: false }), {
      error: { param: 'background' },
    });
  });

  await t.test('who goes away frees the slot', async () => {
    const controller = new AbortController();
    const response = await request('POST', '', { model, ...endless, stream: true }, controller.signal);
    const reader = response.body?.getReader();
    await reader?.read();
    controller.abort();
    await reader?.read().catch(() => undefined);
    await until(isFree, 'a free slot');
  });

  await t.test('what cannot be done is an error of its field', async (t) => {
    const message = (content: unknown) => ({ input: [{ role: 'user', content }] });
    const refused: readonly (readonly [object, string])[] = [
      [{}, 'input'],
      [{ input: [{ content: 'no type' }] }, 'input[0].type'],
      [{ input: [{ type: 'message', role: 'user' }] }, 'input[0].content'],
      [{ input: [{ role: 'pirate', content: 'a' }] }, 'input[0].role'],
      [{ input: [{ type: 'function_call_output', output: 'a' }] }, 'input[0].call_id'],
      [{ input: [{ type: 'web_search_call', id: 'a' }] }, 'input[0].type'],
      [{ input: [{ type: 'item_reference', id: 'none' }] }, 'input[0].id'],
      [message([{ type: 'input_image', image_url: 'data:' }]), 'input[0].content[0]'],
      [{ input, tools: [{ type: 'web_search' }] }, 'tools[0].type'],
      [{ input, tools: [{ type: 'function' }] }, 'tools[0].name'],
      [{ input, tool_choice: 'required' }, 'tool_choice'],
      [{ input, tools, tool_choice: { type: 'function', name: 'none' } }, 'tool_choice'],
      [{ input, tools, tool_choice: { type: 'file_search' } }, 'tool_choice.type'],
      [{ input, conversation: 'conv_1' }, 'conversation'],
      [{ input, prompt: { id: 'pmpt_1' } }, 'prompt'],
      [{ input, invented: 1 }, 'invented'],
      [{ input, temperature: 3 }, 'temperature'],
      [{ input, n: 2 }, 'n'],
    ];
    for (const [body, parameter] of refused) {
      const { error } = await json('POST', '', { model: toolModel, ...body });
      t.equal(error?.param, parameter, JSON.stringify(body));
      t.equal(error?.type, 'invalid_request_error');
    }
    const some = { reasoning: { summary: 'auto' }, truncation: 'auto', include: ['reasoning.encrypted_content'] };
    const response = await request('POST', '', { model, input, ...some, max_tool_calls: 3, service_tier: 'flex' });
    const warnings = response.headers.get('x-shoal-warning') ?? '';
    for (const name of ['reasoning.summary', 'truncation', 'reasoning.encrypted', 'max_tool_calls', 'service_tier']) {
      t.match(warnings, name);
    }
    await response.text();
    const allowed = { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'now' }] };
    const called = await json('POST', '', {
      model: toolModel,
      input,
      tools,
      tool_choice: allowed,
      max_output_tokens: 60,
    });
    t.match(called.output[0], { type: 'function_call', name: 'now' });
    const none = await json('POST', '', { model: toolModel, input, tools, tool_choice: 'none', max_output_tokens: 4 });
    t.match(none.output, [{ type: 'message' }]);
  });
});

const python = clientPython();
const missingPython = 'test/clients/.venv was not made: pip install -r test/clients/requirements.txt in it';

t.test('openai of PyPI', { skip: python ? false : missingPython }, async (t) => {
  const node = await apiNode();
  t.teardown(() => node.close());
  const loaded = await node.cluster.load(modelName);
  await node.cluster.load(writeToolModel(t.testdir({})), { contextLength: 512 });
  const script = join(repositoryRoot, 'test', 'clients', 'openai_responses.py');
  const child = spawn(python ?? '', [script, `${node.url}/v1`, modelName, toolModel]);
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number];
  t.equal(code, 0, `${errors}${output}`);
  t.match(JSON.parse(output || '{}'), {
    text: answer,
    streamed: answer,
    call: 'weather',
    city: /Oslo|Rome/,
    after: /completed|incomplete/,
    retrieved: answer,
    deleted: 'NotFoundError',
    missing: 'NotFoundError',
    wrong: ['BadRequestError', 'temperature'],
    incomplete: 'max_output_tokens',
    left: true,
    cancelled: 'cancelled',
  });
  await until(async () => (await loaded.statistics())[0]?.statistics.residentSlots === 0, 'a free slot');
});
