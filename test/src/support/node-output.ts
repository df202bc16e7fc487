// What the nodes of a test file say, printed where the file fails: the cause of a failure is in there, and a race that shows
// once in a hundred runs shows nothing the second time.

/** Benchmarks use these nodes, too, and are no tests: tap, once loaded, would print its own and end them after 30 s. */
const isTest = process.argv[1]?.endsWith('.test.js') ?? false;
const t = isTest ? (await import('tap')).default : undefined;

const printedCharacters = 20_000;

const kept: { readonly name: string; readonly text: () => string }[] = [];

/** Prints this, or the end of it, when a test of this file has failed or takes too long. */
export function printOnFailure(name: string, text: () => string): void {
  kept.push({ name, text });
}

function print(): void {
  for (const { name, text } of kept.splice(0)) {
    const said = text();
    const end = said.length > printedCharacters ? `…${said.slice(-printedCharacters)}` : said;
    process.stderr.write(`--- what ${name} has said:\n${end.trimEnd()}\n`);
  }
}

t?.on('timeout', print);
process.on('exit', (code) => {
  if (code !== 0 || t?.passing() === false) print();
});
