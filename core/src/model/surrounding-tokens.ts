import { invalidTokenizer, isObject, type JsonObject } from './tokenizer-definition.js';

/** Tokens that a tokenizer puts before and after every text. */
export class SurroundingTokens {
  constructor(
    readonly before: readonly number[],
    readonly after: readonly number[],
  ) {}

  add(ids: readonly number[]): readonly number[] {
    return this.before.length + this.after.length === 0 ? ids : [...this.before, ...ids, ...this.after];
  }
}

/**
 * What the post-processor says, corrected by `add_bos_token` and `add_eos_token` of tokenizer_config.json, which are the
 * model's last word where they are given. `namedToken`: id of `bos_token`, `eos_token`. Throws MODEL_TOKENIZER_INVALID.
 */
export function surroundingTokens(
  postProcessor: JsonObject | undefined,
  tokenizerConfig: JsonObject,
  namedToken: (name: string) => number | undefined,
): SurroundingTokens {
  const { before, after } = read(postProcessor);
  return new SurroundingTokens(
    corrected(before, tokenizerConfig.add_bos_token, namedToken('bos_token')),
    corrected(after, tokenizerConfig.add_eos_token, namedToken('eos_token')),
  );
}

function corrected(ids: readonly number[], wanted: unknown, id: number | undefined): readonly number[] {
  if (typeof wanted !== 'boolean' || id === undefined || ids.includes(id) === wanted) return ids;
  return wanted ? [id] : ids.filter((other) => other !== id);
}

function read(postProcessor: JsonObject | undefined): SurroundingTokens {
  const nothing = new SurroundingTokens([], []);
  switch (postProcessor?.type) {
    case undefined:
    // Moves offsets, not tokens.
    case 'ByteLevel':
      return nothing;
    case 'TemplateProcessing':
      return readTemplate(postProcessor);
    case 'Sequence': {
      const steps = Array.isArray(postProcessor.processors) ? (postProcessor.processors as unknown[]) : [];
      return steps.reduce<SurroundingTokens>((around, step) => {
        if (!isObject(step)) throw invalidTokenizer('the post-processor Sequence has an entry that is not an object');
        const { before, after } = read(step);
        return new SurroundingTokens([...before, ...around.before], [...around.after, ...after]);
      }, nothing);
    }
    default:
      throw invalidTokenizer(`the post-processor ${String(postProcessor?.type)} is not supported`);
  }
}

function readTemplate({ single, special_tokens: tokens }: JsonObject): SurroundingTokens {
  const before: number[] = [];
  const after: number[] = [];
  let target = before;
  for (const item of Array.isArray(single) ? (single as unknown[]) : []) {
    const token = isObject(item) && isObject(item.SpecialToken) ? item.SpecialToken.id : undefined;
    if (token === undefined) target = after;
    else target.push(...idsOf(token, tokens));
  }
  return new SurroundingTokens(before, after);
}

function idsOf(token: unknown, tokens: unknown): readonly number[] {
  const entry =
    isObject(tokens) && typeof token === 'string' && Object.hasOwn(tokens, token) ? tokens[token] : undefined;
  const ids = isObject(entry) ? entry.ids : undefined;
  if (Array.isArray(ids) && ids.every((id) => Number.isSafeInteger(id) && id >= 0)) return ids as number[];
  throw invalidTokenizer(`the post-processor names ${JSON.stringify(token)} without ids`);
}
