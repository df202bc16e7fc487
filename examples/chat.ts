import { createCluster } from 'shoal';

await using cluster = await createCluster();
const model = await cluster.load('shoal-tiny-chat');
const answer = model.chat([{ role: 'user', content: 'What is 12 plus 30?' }]);
for await (const { text } of answer) process.stdout.write(text);
const { usage, timings } = await answer.result;
console.log(`\n${usage.generatedTokens} tokens, ${timings.tokensPerSecond?.toFixed(0)} per second`);
