/** The rules for requests, wherever they come from. What depends on the model, its head checks. */
import type { SamplingRequest } from '../worker/sampling.js';
import type { GenerationInput, GenerationOrder } from '../worker/worker-protocol.js';
import { checkConversation } from './conversation-wire.js';
import { invalid } from './wire.js';

const mostChoices = 128;
const mostStopTexts = 64;
const longestStopText = 1024;
const mostStopTokens = 1024;
const mostBiases = 1024;
const mostAlternatives = 20;
const longestKind = 64;
const longestSpecificationBytes = 1 << 20;
const longestQueueTimeoutMilliseconds = 2 ** 40;

/** Throws REQUEST_INVALID naming the field. */
export function checkOrder(order: GenerationOrder): void {
  checkInput(order.input);
  checkSampling(order.sampling);
  checkCount('maximumTokens', order.maximumTokens, 2 ** 32 - 1);
  checkCount('choices', order.choices, mostChoices);
  checkNumber('queueTimeoutMilliseconds', order.queueTimeoutMilliseconds, 0, longestQueueTimeoutMilliseconds);
  const { stopTexts = [], stopTokens = [] } = order;
  if (stopTexts.length > mostStopTexts) throw invalid(`stop has more than ${mostStopTexts} texts`);
  if (!stopTexts.every((text) => typeof text === 'string' && text.length > 0 && text.length <= longestStopText)) {
    throw invalid(`stop has a text that is empty or longer than ${longestStopText} characters`);
  }
  if (stopTokens.length > mostStopTokens) throw invalid(`stopTokens has more than ${mostStopTokens} entries`);
  if (!stopTokens.every(isTokenId)) throw invalid('stopTokens has an entry that is not a token id');
}

function checkInput(input: GenerationInput): void {
  if (input.kind === 'messages') checkConversation(input);
  if (input.kind === 'tokens' && !input.tokens.every(isTokenId)) {
    throw invalid('tokens has an entry that is not a token id');
  }
}

function checkSampling(sampling: SamplingRequest): void {
  checkNumber('temperature', sampling.temperature, 0, Number.MAX_VALUE);
  checkCount('topK', sampling.topK, 2 ** 32 - 1);
  checkNumber('topP', sampling.topP, 0, 1);
  checkNumber('minP', sampling.minP, 0, 1);
  checkNumber('presencePenalty', sampling.presencePenalty, -2, 2);
  checkNumber('frequencyPenalty', sampling.frequencyPenalty, -2, 2);
  const { repetitionPenalty, seed, logitBias = [], logProbabilities, constraint } = sampling;
  // The engine counts in single precision.
  if (repetitionPenalty !== undefined && !(Math.fround(repetitionPenalty) > 0 && isSingle(repetitionPenalty))) {
    throw invalid('repetitionPenalty is not a number above 0');
  }
  if (seed !== undefined && !(Number.isSafeInteger(seed) && seed >= 0)) {
    throw invalid('seed is not an integer from 0 to 2^53 - 1');
  }
  if (logitBias.length > mostBiases) throw invalid(`logitBias names more than ${mostBiases} tokens`);
  for (const { token, bias } of logitBias) {
    if (!isTokenId(token)) throw invalid('logitBias names something that is not a token id');
    checkNumber(`logitBias of token ${token}`, bias, -100, 100);
  }
  checkNumber('logProbabilities', logProbabilities, 0, mostAlternatives);
  if (logProbabilities !== undefined && !Number.isInteger(logProbabilities)) {
    throw invalid('logProbabilities is not an integer');
  }
  if (constraint !== undefined) {
    const { kind, specification } = constraint;
    if (typeof kind !== 'string' || kind === '' || kind.length > longestKind) throw invalid('constraint has no kind');
    if (typeof specification !== 'string' || Buffer.byteLength(specification) > longestSpecificationBytes) {
      throw invalid(`the specification of the constraint is not a text of up to ${longestSpecificationBytes} bytes`);
    }
  }
}

const isTokenId = (value: number) => Number.isSafeInteger(value) && value >= 0 && value < 2 ** 32;

const isSingle = (value: number) => Number.isFinite(Math.fround(value));

function checkNumber(name: string, value: number | undefined, from: number, to: number): void {
  if (value === undefined || (typeof value === 'number' && value >= from && value <= to)) return;
  const range = to === Number.MAX_VALUE ? `a number from ${from}` : `between ${from} and ${to}`;
  throw invalid(`${name} is not ${range}`);
}

function checkCount(name: string, value: number | undefined, most: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 1 && value <= most)) return;
  throw invalid(`${name} is not an integer from 1 to ${most}`);
}
