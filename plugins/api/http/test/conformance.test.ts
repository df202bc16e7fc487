import plugin, { type HttpApiOptions } from '@shoal/api-http';
import { type ApiQuestion, apiConformance } from '@shoal/core/conformance';
import t from 'tap';

const options: HttpApiOptions = {
  listen: '127.0.0.1',
  port: 0,
  nextFreePort: false,
  keys: [],
  origins: [],
  maximumBodyBytes: 65_536,
  maximumRequests: 64,
  bodySeconds: 20,
  answerSeconds: 60,
  storedResponses: 0,
  storedResponseBytes: 0,
};

async function ask({ address, model, text, key, signal }: ApiQuestion): Promise<string> {
  const response = await fetch(`${address}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: text }] }),
    signal,
  });
  const said = (await response.json()) as { choices: { message: { content: string } }[]; error?: { message: string } };
  if (said.error) throw new Error(said.error.message);
  return said.choices[0]?.message.content ?? '';
}

const suite = apiConformance({ open: () => plugin.create(options, { log: () => undefined }), ask });
for (const { name, run } of suite) t.test(name, run);
