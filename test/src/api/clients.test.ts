// Other people's clients, each under a Node that it takes: some ask for a newer one than Shoal does.
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { clientRuntime } from '../support/clients.js';

const programs = [
  ['openai', 'openai'],
  ['openai-responses', 'openai'],
  ['openai-structured', 'openai'],
  ['ai-sdk', 'ai'],
] as const;

for (const [program, client] of programs) {
  const { name, command, missing } = clientRuntime(client);
  const script = fileURLToPath(new URL(`clients/${program}.js`, import.meta.url));
  if (command) t.spawn(command, [script], { name: `${program} under ${name}` });
  else t.test(program, { skip: missing ?? 'nothing runs it' }, async () => {});
}
