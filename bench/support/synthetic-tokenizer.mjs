// A byte-level tokenizer with as many entries as wanted, whose tokens look like those of published models: every byte, then
// words of several lengths with and without a space before them, capitals, digits, and runs of punctuation.

/** As byte-level tokenizers spell bytes: printable ones stand for themselves. */
function byteAlphabet() {
  const isPrintable = (byte) => (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isPrintable(byte) ? byte : next++));
}

function* texts() {
  const onsets = [
    'b',
    'br',
    'c',
    'ch',
    'd',
    'f',
    'g',
    'h',
    'k',
    'l',
    'm',
    'n',
    'p',
    'qu',
    'r',
    's',
    'st',
    't',
    'v',
    'w',
  ];
  const vowels = ['a', 'e', 'i', 'o', 'u', 'ea', 'ou'];
  const codas = ['', 'n', 'r', 's', 't', 'ng', 'ck'];
  const syllables = onsets.flatMap((onset) => vowels.flatMap((vowel) => codas.map((coda) => onset + vowel + coda)));
  for (let number = 0; number < 1000; number += 1) yield String(number);
  const marks = ['"', ',', ':', '{', '}', '[', ']', '.', '(', ')', '-', '/', '\\', '=', '*', '#', '_', '\n', '\t'];
  for (const left of marks)
    for (const right of ['', ...marks]) for (const end of ['', ' ', '"']) yield left + right + end;
  const capital = (word) => word[0].toUpperCase() + word.slice(1);
  for (const word of syllables) yield* [word, ` ${word}`, capital(word), ` ${capital(word)}`, `"${word}`, `${word}",`];
  for (let index = 0; ; index += 1) {
    const first = syllables[(index * 7919) % syllables.length];
    const word =
      first + syllables[Math.floor(index / syllables.length) % syllables.length] + (index % 3 === 0 ? 's' : '');
    yield* [` ${word}`, word, ` ${capital(word)}`];
  }
}

/** `{ tokenizer, configuration }`: the contents of tokenizer.json and tokenizer_config.json. */
export function syntheticTokenizer(count) {
  const alphabet = byteAlphabet();
  const end = '<|end|>';
  const vocab = new Map(alphabet.map((character, byte) => [character, byte]));
  for (const text of texts()) {
    if (vocab.size === count - 1) break;
    const spelled = [...Buffer.from(text)].map((byte) => alphabet[byte]).join('');
    if (!vocab.has(spelled)) vocab.set(spelled, vocab.size);
  }
  const added = {
    id: count - 1,
    content: end,
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  };
  return {
    tokenizer: {
      version: '1.0',
      added_tokens: [added],
      normalizer: null,
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      post_processor: null,
      decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      model: { type: 'BPE', vocab: Object.fromEntries(vocab), merges: [], unk_token: null },
    },
    configuration: { tokenizer_class: 'PreTrainedTokenizerFast', eos_token: end },
  };
}
