/** The part of `bun:ffi` that the example uses; with the package `@types/bun` this file is not needed. */
declare module 'bun:ffi' {
  type ForeignType = 'cstring' | 'i32' | 'ptr' | 'u32' | 'u64' | 'usize' | 'void';
  interface Signature {
    readonly args: readonly ForeignType[];
    readonly returns: ForeignType;
  }
  type ForeignFunction = (...values: (number | bigint | Uint8Array | Uint32Array | BigUint64Array | null)[]) => unknown;
  export function dlopen<Names extends string>(
    path: string,
    functions: Readonly<Record<Names, Signature>>,
  ): { readonly symbols: Readonly<Record<Names, ForeignFunction>>; close(): void };
}
