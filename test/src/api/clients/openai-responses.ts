// OpenAI's responses with OpenAI's own client. Run by clients.test.ts, under a Node that the client takes.
import t from 'tap';
import { answer, apiNode, modelName, question, until } from '../../support/api-cluster.js';
import { importClient, thrownBy } from '../../support/clients.js';
import { weatherParameters as parameters, toolModel, writeToolModel } from '../../support/tool-model.js';

const input = question[0]?.content ?? '';
const tools = [
  { type: 'function', name: 'weather', description: 'Says it.', parameters, strict: true },
  { type: 'function', name: 'now', parameters: null, strict: null },
];
const named = { tools, tool_choice: { type: 'function', name: 'weather' } };
/** Goes on to its length. */
const endless = { input, ignore_eos: true, max_output_tokens: 480 };

t.test('openai of npm', async (t) => {
  const node = await apiNode();
  t.teardown(() => node.close());
  const loaded = await node.cluster.load(modelName);
  await node.cluster.load(writeToolModel(t.testdir({})), { contextLength: 512 });
  const openai = await importClient('openai');
  const client = new openai.OpenAI({ baseURL: `${node.url}/v1`, apiKey: 'any', maxRetries: 0 });
  const model = modelName;
  const isFree = async () => (await loaded.statistics())[0]?.statistics.residentSlots === 0;

  const whole = await client.responses.create({ model, input });
  t.equal(whole.output_text, answer);
  const heard: string[] = [];
  const stream = client.responses.stream({ model, input: question });
  stream.on('response.output_text.delta', ({ delta }: { delta: string }) => heard.push(delta));
  const final = await stream.finalResponse();
  t.equal(final.output_text, answer);
  t.equal(heard.join(''), answer);

  const called = await client.responses.stream({ model: toolModel, input, ...named }).finalResponse();
  const [call] = called.output;
  t.match(call, { type: 'function_call', name: 'weather' });
  const result = { type: 'function_call_output', call_id: call.call_id, output: 'sunny' };
  const after = await client.responses.create({
    model: toolModel,
    previous_response_id: called.id,
    input: [result],
    tools,
    max_output_tokens: 8,
  });
  t.match(after.status, /completed|incomplete/);
  const items = [];
  for await (const one of client.responses.inputItems.list(after.id)) items.push(one.type);
  t.same(items, ['function_call_output', 'function_call', 'message']);

  t.equal((await client.responses.retrieve(whole.id)).output_text, answer);
  await client.responses.delete(whole.id);
  t.ok((await thrownBy(client.responses.retrieve(whole.id))) instanceof openai.NotFoundError);
  t.match(await client.responses.inputTokens.count({ model, input }), { input_tokens: 14 });
  t.ok((await thrownBy(client.responses.create({ model: 'none', input }))) instanceof openai.NotFoundError);
  const wrong = await thrownBy(client.responses.create({ model, input, tools: [{ type: 'web_search' }] }));
  t.ok(wrong instanceof openai.BadRequestError);
  t.match(wrong, { param: 'tools[0].type' });

  const leaving = client.responses.stream({ model, ...endless });
  leaving.on('response.output_text.delta', () => leaving.abort());
  t.ok((await thrownBy(leaving.finalResponse())) instanceof openai.APIUserAbortError);
  await until(isFree, 'a free slot');
  const background = await client.responses.create({ model, ...endless, background: true });
  t.match(await client.responses.cancel(background.id), { status: 'cancelled' });
  await until(isFree, 'a free slot');
});
