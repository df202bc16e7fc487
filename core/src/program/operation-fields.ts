import type { ProgramOperation } from '../spec/operations.js';

/** Which fields of an operation name what. A field of `inputs` may hold a list of names; any but required ones may be absent. */
export interface OperationFields {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly weights: readonly string[];
  readonly states: readonly string[];
}

const fields = (
  inputs: readonly string[],
  outputs: readonly string[],
  weights: readonly string[] = [],
  states: readonly string[] = [],
): OperationFields => ({ inputs, outputs, weights, states });

/** The compiler complains when an operation is forgotten here. */
export const operationFields: Readonly<Record<ProgramOperation['op'], OperationFields>> = {
  embedding: fields([], ['output'], ['weight']),
  linear: fields(['input'], ['output'], ['weight', 'bias']),
  add: fields(['left', 'right'], ['output']),
  multiply: fields(['left', 'right'], ['output']),
  'multiply-groups': fields(['input', 'factors'], ['output']),
  'multiply-vector': fields(['input'], ['output'], ['weight']),
  'add-vector': fields(['input'], ['output'], ['weight']),
  scale: fields(['input'], ['output']),
  clamp: fields(['input'], ['output']),
  elementwise: fields(['input'], ['output']),
  'rms-norm': fields(['input'], ['output'], ['weight']),
  'layer-norm': fields(['input'], ['output'], ['weight', 'bias']),
  'l2-norm': fields(['input'], ['output']),
  rotary: fields(['input'], ['output']),
  slice: fields(['input'], ['output']),
  concat: fields(['inputs'], ['output']),
  repeat: fields(['input'], ['output']),
  'select-outputs': fields(['input'], ['output']),
  softmax: fields(['input'], ['output']),
  'sum-groups': fields(['input'], ['output']),
  'add-groups': fields(['input'], ['output']),
  zeros: fields([], ['output']),
  broadcast: fields([], ['output'], ['weight']),
  'group-linear': fields(['input'], ['output'], ['weight']),
  'expert-linear': fields(['input', 'indices'], ['output'], ['weight', 'bias']),
  'top-k': fields(['input'], ['indices', 'values']),
  'gather-columns': fields(['input', 'indices'], ['output']),
  'keep-columns': fields(['indices'], ['output']),
  'localize-experts': fields(['indices', 'weights'], ['localIndices', 'localWeights']),
  'append-state': fields(['input'], [], [], ['state']),
  'visible-dots': fields(['query'], ['output'], [], ['state']),
  'visible-softmax': fields(['input'], ['output'], ['sinks']),
  'visible-sum': fields(['weights'], ['output'], [], ['state']),
  'recent-rows': fields(['input'], ['output'], [], ['state']),
  'delta-rule': fields(['query', 'key', 'value', 'decay', 'rate'], ['output'], [], ['state']),
  attention: fields(['query', 'key', 'value'], ['output'], ['sinks'], ['state']),
  'gated-feed-forward': fields(['input'], ['output'], ['gate', 'up', 'down', 'gateBias', 'upBias', 'downBias']),
  'latent-attention': fields(['query', 'latent'], ['output'], [], ['state']),
  router: fields(['logits'], ['indices', 'weights'], ['correctionBias']),
  experts: fields(
    ['input', 'indices', 'weights'],
    ['output'],
    ['gate', 'up', 'down', 'gateBias', 'upBias', 'downBias'],
  ),
  'causal-convolution': fields(['input'], ['output'], ['weight', 'bias'], ['state']),
  'gated-linear-attention': fields(['query', 'key', 'value', 'logDecay', 'rate'], ['output'], [], ['state']),
  replicate: fields(['input'], ['output']),
};

type Names = Readonly<Record<string, unknown>>;

function namesIn(operation: ProgramOperation, keys: readonly string[]): string[] {
  const record = operation as unknown as Names;
  const names: string[] = [];
  for (const key of keys) {
    const name = record[key];
    if (name === undefined) continue;
    if (Array.isArray(name)) names.push(...(name as string[]));
    else names.push(name as string);
  }
  return names;
}

/** Values that the operation reads. */
export const valueInputs = (operation: ProgramOperation): string[] =>
  namesIn(operation, operationFields[operation.op].inputs);

/** Values that the operation makes. */
export const valueOutputs = (operation: ProgramOperation): string[] =>
  namesIn(operation, operationFields[operation.op].outputs);

/** Weights that the operation uses. */
export const operationWeights = (operation: ProgramOperation): string[] =>
  namesIn(operation, operationFields[operation.op].weights);

/** The state that the operation reads or writes, if any. */
export const operationState = (operation: ProgramOperation): string | undefined =>
  namesIn(operation, operationFields[operation.op].states)[0];

/** The operation reading `renames.get(name) ?? name` instead of each value `name`. */
export function renameInputs<O extends ProgramOperation>(operation: O, renames: ReadonlyMap<string, string>): O {
  if (!valueInputs(operation).some((name) => renames.has(name))) return operation;
  const rename = (name: string): string => renames.get(name) ?? name;
  const changed: Record<string, unknown> = { ...operation };
  for (const key of operationFields[operation.op].inputs) {
    const names = changed[key];
    if (Array.isArray(names)) changed[key] = (names as string[]).map(rename);
    else if (names !== undefined) changed[key] = rename(names as string);
  }
  return changed as unknown as O;
}
