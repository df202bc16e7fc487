// Every field that an interface documents either works, or is said to have no effect, or is refused: none is passed over
// in silence. What the server's own description knows must be in the tables, too.
import t from 'tap';
import { apiNode, modelName, question } from '../support/api-cluster.js';
import { toolModel, writeToolModel } from '../support/tool-model.js';

/** What comes of a field with a value. */
type Row =
  | { readonly works: unknown; readonly with?: object }
  | { readonly warns: unknown; readonly with?: object }
  | { readonly refused: unknown; readonly with?: object };

interface Table {
  readonly body: object;
  readonly fields: Readonly<Record<string, Row>>;
}

const model = toolModel;
const text = question[0]?.content ?? '';
const tool = { type: 'function', function: { name: 'now', parameters: { type: 'object' } } };
const schema = { type: 'object', properties: { a: { type: 'boolean' } }, required: ['a'], additionalProperties: false };

/** Of OpenAI's two older interfaces. */
const sampling: Table['fields'] = {
  temperature: { works: 0.5 },
  top_p: { works: 0.9 },
  n: { works: 2 },
  stop: { works: ['x'] },
  seed: { works: 3 },
  presence_penalty: { works: 0.1 },
  frequency_penalty: { works: 0.1 },
  logit_bias: { works: { 5: 1 } },
  max_tokens: { works: 2 },
  stream: { works: true },
  stream_options: { works: { include_usage: true }, with: { stream: true } },
  'stream_options.include_obfuscation': { warns: { include_obfuscation: true }, with: { stream: true } },
  top_k: { works: 5 },
  min_p: { works: 0.1 },
  repetition_penalty: { works: 1.1 },
  ignore_eos: { works: true },
  user: { works: 'me' },
};

const tables: Readonly<Record<string, Table>> = {
  '/v1/chat/completions': {
    body: { model, messages: question, max_tokens: 2 },
    fields: {
      ...sampling,
      model: { refused: '' },
      messages: { refused: [] },
      'messages.0.function_call': { refused: undefined, with: { messages: [{ ...question[0], function_call: {} }] } },
      'messages.0.audio': { refused: undefined, with: { messages: [{ ...question[0], audio: {} }] } },
      max_completion_tokens: { works: 2 },
      logprobs: { works: true },
      top_logprobs: { works: 2, with: { logprobs: true } },
      response_format: { works: { type: 'json_object' } },
      tools: { works: [tool] },
      tool_choice: { works: 'required', with: { tools: [tool] } },
      parallel_tool_calls: { works: false, with: { tools: [tool] } },
      reasoning_effort: { works: 'low' },
      chat_template_kwargs: { works: { a: 1 } },
      modalities: { refused: ['audio'] },
      metadata: { warns: { a: 'b' } },
      store: { warns: true },
      service_tier: { warns: 'flex' },
      safety_identifier: { works: 'me' },
      prompt_cache_key: { works: 'me' },
      prompt_cache_retention: { warns: '24h' },
      prompt_cache_options: { refused: {} },
      prediction: { warns: { type: 'content', content: 'a' } },
      verbosity: { warns: 'low' },
      moderation: { refused: {} },
      audio: { refused: { voice: 'a' }, with: {} },
      web_search_options: { refused: {} },
      functions: { refused: [{ name: 'a' }] },
      function_call: { refused: 'auto' },
    },
  },
  '/v1/completions': {
    body: { model, prompt: text, max_tokens: 2 },
    fields: {
      ...sampling,
      model: { refused: '' },
      prompt: { works: [1, 2, 3] },
      logprobs: { works: 1 },
      echo: { works: true },
      best_of: { refused: 3 },
      suffix: { refused: 'a' },
    },
  },
  '/v1/responses': {
    body: { model, input: text, max_output_tokens: 2 },
    fields: {
      ...Object.fromEntries(Object.entries(sampling).filter(([name]) => !/^(n|max_tokens|stream_options)$/.test(name))),
      n: { refused: 2 },
      max_tokens: { refused: 2 },
      model: { refused: '' },
      input: { works: question },
      instructions: { works: 'Be brief.' },
      previous_response_id: { refused: 'resp_none' },
      conversation: { refused: 'conv_1' },
      tools: { works: [{ type: 'function', name: 'now', parameters: null, strict: null }] },
      'tools[0].invented': { refused: undefined, with: { tools: [{ type: 'function', name: 'now', invented: 1 }] } },
      defer_loading: { warns: undefined, with: { tools: [{ type: 'function', name: 'now', defer_loading: true }] } },
      tool_choice: { works: 'none' },
      parallel_tool_calls: { works: false },
      reasoning: { works: { effort: 'low' } },
      'reasoning.summary': { warns: undefined, with: { reasoning: { summary: 'auto' } } },
      'reasoning.context': { warns: undefined, with: { reasoning: { context: 'all_turns' } } },
      'reasoning.mode': { warns: undefined, with: { reasoning: { mode: 'pro' } } },
      text: { works: { format: { type: 'json_schema', name: 'a', schema } } },
      'text.verbosity': { warns: undefined, with: { text: { verbosity: 'low' } } },
      truncation: { warns: 'auto' },
      chat_template_kwargs: { works: { a: 1 } },
      max_output_tokens: { works: 3 },
      top_logprobs: { warns: 3 },
      include: { warns: ['reasoning.encrypted_content'] },
      metadata: { works: { a: 'b' } },
      store: { works: false },
      background: { works: true },
      stream_options: { works: { include_obfuscation: false }, with: { stream: true } },
      max_tool_calls: { warns: 3 },
      prompt: { refused: { id: 'pmpt' } },
      context_management: { refused: [] },
      moderation: { refused: {} },
      access_programs: { warns: {} },
      background_options: { refused: {} },
      image: { warns: {} },
      prompt_cache_key: { works: 'me' },
      prompt_cache_options: { warns: {} },
      prompt_cache_retention: { warns: '24h' },
      safety_identifier: { works: 'me' },
      service_tier: { warns: 'priority' },
    },
  },
  '/v1/embeddings': {
    body: { model, input: text },
    fields: {
      model: { refused: model },
      input: { refused: '' },
      dimensions: { refused: 0 },
      encoding_format: { refused: 'zip' },
      user: { refused: 3 },
    },
  },
  '/v1/messages': {
    body: { model, messages: question, max_tokens: 2 },
    fields: {
      model: { refused: '' },
      messages: { refused: [] },
      max_tokens: { refused: 0 },
      system: { works: 'Be brief.' },
      tools: { works: [{ name: 'now', input_schema: { type: 'object' } }] },
      'tools.0.type': { refused: undefined, with: { tools: [{ name: 'a', type: 'web_search_20250305' }] } },
      defer_loading: { warns: undefined, with: { tools: [{ name: 'a', defer_loading: true }] } },
      tool_choice: { works: { type: 'none' } },
      thinking: { works: { type: 'disabled' } },
      'thinking.budget_tokens': { warns: undefined, with: { thinking: { type: 'enabled', budget_tokens: 1024 } } },
      'thinking.display': { warns: undefined, with: { thinking: { type: 'adaptive', display: 'omitted' } } },
      output_config: { works: { format: { type: 'json_schema', schema } } },
      temperature: { works: 0.5 },
      top_p: { works: 0.9 },
      top_k: { works: 5 },
      stop_sequences: { works: ['x'] },
      stream: { works: true },
      metadata: { warns: { user_id: 'a' } },
      service_tier: { warns: 'standard_only' },
      container: { warns: 'a' },
      cache_control: { warns: { type: 'ephemeral' } },
      mcp_servers: { refused: [{}] },
      context_management: { refused: {} },
      inference_geo: { refused: 'eu' },
    },
  },
  '/api/chat': {
    body: { model, messages: question, stream: false, options: { num_predict: 2 } },
    fields: {
      model: { refused: '' },
      messages: { refused: [{ role: 'pirate' }] },
      'messages.0.images': { refused: undefined, with: { messages: [{ ...question[0], images: ['a'] }] } },
      stream: { works: true },
      format: { works: schema },
      options: { works: { num_predict: 1, temperature: 0.1, top_k: 3, top_p: 0.5, min_p: 0.1, seed: 1, stop: ['x'] } },
      'options.num_ctx': { warns: undefined, with: { options: { num_ctx: 64, num_predict: 1 } } },
      'options.mirostat': { warns: undefined, with: { options: { mirostat: 1, num_predict: 1 } } },
      think: { works: false },
      keep_alive: { warns: '5m' },
      logprobs: { refused: true },
      top_logprobs: { refused: 2, with: { logprobs: true } },
      tools: { works: [tool] },
      'tools.0.type': { refused: undefined, with: { tools: [{ ...tool, type: 'other' }] } },
      invented: { warns: 1 },
    },
  },
  '/api/generate': {
    body: { model, prompt: text, stream: false, options: { num_predict: 2 } },
    fields: {
      model: { refused: '' },
      prompt: { works: 'Hello' },
      system: { works: 'Be brief.' },
      raw: { works: true },
      suffix: { refused: 'a' },
      template: { refused: 'a' },
      context: { warns: [1, 2] },
      images: { refused: ['a'] },
      stream: { works: true },
      format: { works: 'json' },
      options: { works: { num_predict: 1 } },
      think: { works: false },
      keep_alive: { warns: 0 },
      logprobs: { refused: true },
      top_logprobs: { refused: 2, with: { logprobs: true } },
      invented: { warns: 1 },
    },
  },
};

t.test('no field is passed over in silence', async (t) => {
  const node = await apiNode();
  t.teardown(() => node.close());
  await node.cluster.load(writeToolModel(t.testdir({})), { contextLength: 512 });
  t.not(model, modelName);
  const post = (path: string, body: object) =>
    fetch(node.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });

  for (const [path, { body, fields }] of Object.entries(tables)) {
    await t.test(path, async (t) => {
      for (const [name, row] of Object.entries(fields)) {
        const value = 'works' in row ? row.works : 'warns' in row ? row.warns : row.refused;
        // Names with dots are shown by the body that is given with them, or by the value of their first part.
        const own = value === undefined ? {} : { [name.split('.')[0] ?? name]: value };
        const response = await post(path, { ...body, ...row.with, ...own });
        const said = await response.text();
        const warnings = response.headers.get('x-shoal-warning') ?? '';
        const last = name.split('.').at(-1) ?? name;
        if ('refused' in row) {
          t.equal(
            response.status,
            name === 'previous_response_id' ? 400 : response.status === 404 ? 404 : 400,
            `${name}: ${said}`,
          );
          t.ok(said.includes(last), `${name} is named: ${said}`);
          continue;
        }
        t.equal(response.status, 200, `${name}: ${said.slice(0, 300)}`);
        if ('warns' in row) t.match(warnings, last, `${name} is said`);
        else t.notOk(warnings.includes(`'${name}'`), `${name} works: ${warnings}`);
      }
    });
  }

  await t.test('what the description knows is in the tables', async (t) => {
    const document = (await (await fetch(`${node.url}/openapi.json`)).json()) as {
      paths: Record<
        string,
        { post?: { requestBody?: { content: Record<string, { schema: { properties?: object } }> } } }
      >;
    };
    for (const [path, { fields }] of Object.entries(tables)) {
      const described = document.paths[path]?.post?.requestBody?.content['application/json']?.schema.properties ?? {};
      t.ok(Object.keys(described).length > 0, `${path} is described`);
      for (const name of Object.keys(described)) t.ok(name in fields, `${path} ${name}`);
    }
    const [empty, wrong] = [await post('/v1/chat/completions', []), await post('/v1/responses', {})];
    t.same([empty.status, wrong.status], [400, 400]);
    const bare = await fetch(`${node.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    });
    t.equal(bare.status, 400, 'a body that is not there');
  });
});
