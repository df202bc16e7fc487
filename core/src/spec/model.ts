/** config.json as parsed: unknown keys are kept, because each family reads its own. */
export type ModelConfig = Readonly<Record<string, unknown>> & { readonly architectures?: readonly string[] };

/** One tensor of a checkpoint, from the headers of its files. */
export interface CheckpointTensor {
  readonly name: string;
  /** As named by Shoal where it is a `StorageType`, else the checkpoint's own word. */
  readonly storage: string;
  readonly shape: readonly number[];
  /** Bytes as stored. */
  readonly byteLength: number;
}

/** What planning needs to know of a model, read without touching weights. */
export interface ModelDescription {
  /** Name shown to people: the folder's name unless the configuration says better. */
  readonly name: string;
  /** Folder on the node that described it. */
  readonly directory: string;
  /** SHA-256 over config, tokenizer, and the name, type and shape of every tensor, in hex: equal on every node. */
  readonly digest: string;
  readonly config: ModelConfig;
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
}

/** What a model is and can do, for clients; what its files do not say is absent. */
export interface ModelTraits {
  /** Its architecture, as config.json calls it. */
  readonly family?: string;
  /** Numbers that were trained. */
  readonly parameters?: number;
  /** Bytes of its weights on disk. */
  readonly storedBytes: number;
  /** Storage of most of these bytes. */
  readonly storage?: string;
  /** Longest context that it was made for, in tokens. */
  readonly contextLength?: number;
  readonly embeddingLength?: number;
  /** Whether it has a chat template. */
  readonly chats: boolean;
  /** Whether it calls functions in a way that is known. */
  readonly tools: boolean;
  /** Whether it may think before it answers. */
  readonly thinking: boolean;
}
