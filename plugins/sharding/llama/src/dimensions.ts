import {
  configFlag,
  configNumber,
  configSize,
  type ElementwiseFunction,
  type ModelConfig,
  type RotaryParameters,
  rotaryParameters,
  ShoalError,
  supportedRotaryTypes,
} from '@shoal/core';

/** What the strategy needs of config.json, checked. */
export interface LlamaDimensions {
  readonly layerCount: number;
  readonly hiddenWidth: number;
  readonly vocabularySize: number;
  readonly queryHeads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
  readonly rotatedSize: number;
  readonly feedForwardWidth: number;
  readonly activation: ElementwiseFunction;
  readonly normEpsilon: number;
  readonly tiedEmbeddings: boolean;
  readonly attentionBias: boolean;
  readonly feedForwardBias: boolean;
  readonly maximumPositions: number;
  readonly rotary: RotaryParameters;
  /** Positions that a layer sees; absent: all. */
  readonly window?: number;
}

/** `hidden_act` of config.json. */
const activations: Readonly<Record<string, ElementwiseFunction>> = {
  silu: 'silu',
  swish: 'silu',
  gelu: 'gelu',
  gelu_new: 'gelu-tanh',
  gelu_pytorch_tanh: 'gelu-tanh',
  relu: 'relu',
};

const activationOf = ({ hidden_act: name = 'silu' }: ModelConfig): ElementwiseFunction | undefined =>
  typeof name === 'string' && Object.hasOwn(activations, name) ? activations[name] : undefined;

export const architectures: readonly string[] = ['LlamaForCausalLM', 'MistralForCausalLM'];

/** Who quantized the weights; `shoal quantize` leaves them as blocks that any expression can read. */
function quantizationMethod({ quantization_config: written }: ModelConfig): string | undefined {
  if (written === undefined || written === null) return undefined;
  const method = typeof written === 'object' && 'quant_method' in written ? written.quant_method : undefined;
  return typeof method === 'string' ? method : 'an unnamed method';
}

/** Why the strategy does not cover a configuration, or undefined. */
export function unsupportedReason(config: ModelConfig): string | undefined {
  const named = config.architectures ?? [];
  if (!named.some((name) => architectures.includes(name))) {
    return `architecture ${named.join(', ') || '(none)'} is not one of ${architectures.join(', ')}`;
  }
  const quantization = quantizationMethod(config);
  if (quantization !== undefined && quantization !== 'shoal')
    return `weights quantized by ${quantization} are not supported; use a checkpoint in F32, F16 or BF16`;
  if (activationOf(config) === undefined) return `activation ${JSON.stringify(config.hidden_act)} is not supported`;
  const { type } = rotaryParameters(config);
  if (!supportedRotaryTypes.includes(type)) return `rope type '${type}' is not supported`;
  readDimensions(config);
  return undefined;
}

/** Far beyond any model: every layer is an object in a plan. */
const largestLayerCount = 16_384;

/** What a field means that is absent, as in transformers' configuration classes. */
const llamaDefaults = { maximumPositions: 2048, window: undefined };
const mistralDefaults = { maximumPositions: 131_072, window: 4096 };

const isMistral = ({ architectures: named }: ModelConfig): boolean => named?.includes('MistralForCausalLM') === true;

/** Null: as many as query heads. Absent: the same, but 8 in Mistral's class. */
const keyValueHeadsOf = (config: ModelConfig, queryHeads: number): number =>
  isMistral(config) && config.num_key_value_heads === undefined ? 8 : queryHeads;

/** Throws MODEL_CONFIG_INVALID for missing or contradicting fields. */
export function readDimensions(config: ModelConfig): LlamaDimensions {
  const hiddenWidth = configSize(config, 'hidden_size');
  const queryHeads = configSize(config, 'num_attention_heads');
  const family = isMistral(config) ? mistralDefaults : llamaDefaults;
  const keyValueHeads = configSize(config, 'num_key_value_heads', keyValueHeadsOf(config, queryHeads));
  if (queryHeads % keyValueHeads !== 0) {
    throw new ShoalError(
      'MODEL_CONFIG_INVALID',
      `config.json: ${queryHeads} attention heads cannot share ${keyValueHeads} key-value heads`,
    );
  }
  const headSize = configSize(config, 'head_dim', hiddenWidth / queryHeads);
  const rotary = rotaryParameters(config);
  const rotatedFraction = configNumber({ ...config, ...rotary.fields }, 'partial_rotary_factor', 1);
  const rotatedSize = Math.floor(headSize * rotatedFraction);
  if (rotatedSize < 2 || rotatedSize % 2 !== 0) {
    throw new ShoalError(
      'MODEL_CONFIG_INVALID',
      `config.json: cannot rotate ${rotatedSize} columns of heads of ${headSize}`,
    );
  }
  // Llama's configuration has no window; a stray field must not make one.
  const { sliding_window: written = family.window } = config;
  const hasWindow = family.window !== undefined && written !== null;
  return {
    layerCount: configSize(config, 'num_hidden_layers', undefined, largestLayerCount),
    hiddenWidth,
    vocabularySize: configSize(config, 'vocab_size'),
    queryHeads,
    keyValueHeads,
    headSize,
    rotatedSize,
    feedForwardWidth: configSize(config, 'intermediate_size'),
    activation: activationOf(config) ?? 'silu',
    normEpsilon: configNumber(config, 'rms_norm_eps', 1e-6),
    tiedEmbeddings: configFlag(config, 'tie_word_embeddings'),
    attentionBias: configFlag(config, 'attention_bias'),
    feedForwardBias: configFlag(config, 'mlp_bias'),
    maximumPositions: configSize(config, 'max_position_embeddings', family.maximumPositions),
    rotary,
    ...(hasWindow ? { window: configSize(config, 'sliding_window', family.window) } : {}),
  };
}
