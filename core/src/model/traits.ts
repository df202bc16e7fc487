/** What clients want to know of a model beyond what planning does: what it can do, and how large it is. */
import type { ModelDescription, ModelTraits } from '../spec/model.js';
import { ChatTemplate } from './chat-template.js';

/** Never fails: what cannot be told is absent. */
export async function modelTraits({ directory, config, tensors }: ModelDescription): Promise<ModelTraits> {
  // A template that cannot be read keeps nobody from loading the model; who chats with it hears why.
  const format = await ChatTemplate.formatIn(directory).catch(() => undefined);
  const bytes = new Map<string, number>();
  let storedBytes = 0;
  let parameters = 0;
  for (const { storage, shape, byteLength } of tensors.values()) {
    storedBytes += byteLength;
    parameters += shape.reduce((product, length) => product * length, 1);
    bytes.set(storage, (bytes.get(storage) ?? 0) + byteLength);
  }
  const [storage] = [...bytes].sort(([, left], [, right]) => right - left)[0] ?? [];
  const family = config.model_type;
  const { max_position_embeddings: context, hidden_size: embedding } = config;
  return {
    // Others' ways to quantize keep several values in one number.
    ...(config.quantization_config === undefined ? { parameters } : {}),
    storedBytes,
    ...(storage === undefined ? {} : { storage }),
    ...(typeof family === 'string' ? { family } : {}),
    ...(typeof context === 'number' ? { contextLength: context } : {}),
    ...(typeof embedding === 'number' ? { embeddingLength: embedding } : {}),
    chats: format !== undefined,
    tools: format?.toolCalls !== undefined && format.takesTools,
    thinking: format !== undefined && (format.thinks || format.toolCalls === 'harmony'),
  };
}
