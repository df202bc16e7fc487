/**
 * Path of the addon's file, which is also a plain shared library with the C interface of `include/shoal.h`: for
 * `dlopen` of `bun:ffi` and the like. Loads nothing. Throws an error with the code `ENGINE_UNAVAILABLE` that lists what
 * was tried.
 */
export function libraryPath(): string;
