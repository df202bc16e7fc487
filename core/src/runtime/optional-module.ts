/** A module that is there, or why it is not: the absence of a native library is a value, not an error. */
export type OptionalModule<T> = { readonly module: T } | { readonly unavailable: string };

/**
 * Imports something that may be absent on this machine, such as a native addon that was not built:
 * `importOptional(() => import('@scope/addon'))`.
 */
export async function importOptional<T>(load: () => Promise<T>): Promise<OptionalModule<T>> {
  try {
    return { module: await load() };
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    // It becomes a part of a sentence: what follows the first line is advice or detail.
    return { unavailable: (message.split('\n')[0] ?? message).replace(/\.$/, '') };
  }
}
