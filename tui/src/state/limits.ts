/** How much the state holds at most, whatever the cluster says. */
export const limits = {
  nodes: 4096,
  addresses: 16,
  devices: 64,
  links: 16_384,
  instances: 512,
  members: 4096,
  requests: 500,
  models: 2000,
  explanations: 32,
  questionNodes: 64,
  events: 2000,
  chatMessages: 500,
  chatCharacters: 1_000_000,
  /** A node that is not listed any more is shown as gone for so long. */
  goneNodes: 64,
  goneMilliseconds: 10 * 60_000,
} as const;

/** The last so many of a list. */
export function newest<Value>(values: readonly Value[], most: number): readonly Value[] {
  return values.length > most ? values.slice(values.length - most) : values;
}

/** The first so many of a list. */
export function first<Value>(values: readonly Value[], most: number): readonly Value[] {
  return values.length > most ? values.slice(0, most) : values;
}

/** By the first key, then the second; the same on every machine, whatever its language. */
export function byKeys<Value>(
  key: (value: Value) => string,
  otherwise: (value: Value) => string,
): (left: Value, right: Value) => number {
  const compare = (left: string, right: string) => (left < right ? -1 : left > right ? 1 : 0);
  return (left, right) => compare(key(left), key(right)) || compare(otherwise(left), otherwise(right));
}
