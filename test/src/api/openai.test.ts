// OpenAI's own client of Python (clients.test.ts has the other) against the shipped model.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import t from 'tap';
import { answer, apiNode, modelName } from '../support/api-cluster.js';
import { clientPython } from '../support/clients.js';
import { repositoryRoot } from '../support/repository.js';

const python = clientPython();
const missingPython = 'test/clients/.venv was not made: pip install -r test/clients/requirements.txt in it';

t.test('openai of PyPI', { skip: python ? false : missingPython }, async (t) => {
  const node = await apiNode();
  t.teardown(() => node.close());
  await node.cluster.load(modelName);
  const child = spawn(python ?? '', [
    join(repositoryRoot, 'test', 'clients', 'openai_client.py'),
    `${node.url}/v1`,
    modelName,
  ]);
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
  t.same(JSON.parse(output), {
    text: answer,
    streamed: answer,
    finish: 'stop',
    missing: 'NotFoundError',
    wrong: ['BadRequestError', 'temperature'],
    models: [modelName],
  });
});
