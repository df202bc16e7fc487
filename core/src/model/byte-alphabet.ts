/**
 * The alphabet in which byte-level tokenizers write bytes: printable Latin-1 stands for itself, the other bytes are the
 * characters from U+0100 on.
 */
const characterOfByte: readonly string[] = makeAlphabet();

/** By UTF-16 code unit. */
const byteOfCharacter: ReadonlyMap<number, number> = new Map(
  characterOfByte.map((character, byte) => [character.charCodeAt(0), byte]),
);

const utf8 = new TextEncoder();

function makeAlphabet(): string[] {
  const characters: string[] = [];
  let next = 0x100;
  for (let byte = 0; byte < 256; byte += 1) {
    const isPrintable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    characters.push(String.fromCharCode(isPrintable ? byte : next));
    if (!isPrintable) next += 1;
  }
  return characters;
}

/** The bytes of a text, written in the alphabet. */
export function byteLevelText(text: string): string {
  let written = '';
  for (const byte of utf8.encode(text)) written += characterOfByte[byte] as string;
  return written;
}

/** The bytes that a token stands for; those of its own characters when it is not written in the alphabet. */
export function byteLevelBytes(token: string): Uint8Array {
  const bytes = new Uint8Array(token.length);
  for (let index = 0; index < token.length; index += 1) {
    const byte = byteOfCharacter.get(token.charCodeAt(index));
    if (byte === undefined) return utf8.encode(token);
    bytes[index] = byte;
  }
  return bytes;
}
