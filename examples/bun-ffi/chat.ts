// Asks the model in a folder one question through the C interface of the engine: bun chat.ts FOLDER QUESTION
import { ChatTemplate, readGenerationConfig, TextTokenizer } from '@shoal/core';
import { wholeModelOptions } from './member-options.js';
import { Device, Member } from './shoal-library.js';

const [folder, question] = process.argv.slice(2);
if (!folder || !question) throw new Error('usage: bun chat.ts FOLDER QUESTION');

const tokenizer = await TextTokenizer.load(folder);
const template = await ChatTemplate.load(folder, tokenizer.specialTokens);
const text = template?.render([{ role: 'user', content: question }]) ?? question;
const { stopTokens } = await readGenerationConfig(folder, tokenizer.endToken);
const prompt = tokenizer.encode(text, { addSpecialTokens: template === undefined });

using device = new Device({ device: 'cpu', threads: 1 });
using member = await Member.load(device, await wholeModelOptions(folder, 512), (loaded, total) =>
  process.stderr.write(`${loaded} of ${total} bytes\n`),
);
const detokenizer = tokenizer.stream();
const request = {
  id: 1,
  maximumTokens: 64,
  stopTokens,
  sampling: { temperature: 0, seed: 0 },
};
for await (const token of member.generate(prompt, request)) process.stdout.write(detokenizer.push(token));
process.stdout.write(`${detokenizer.flush()}\n`);
process.stderr.write(`${member.statistics().steps} steps\n`);
