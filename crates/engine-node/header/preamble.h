/*
 * shoal.h: the C interface of Shoal's native engine, and the tables that separately built libraries share.
 *
 * Made by `npm run generate:header` from the sources of the engine; do not edit.
 *
 * The library is the Node-API addon itself: `shoal-engine.<platform>.node`, or the package
 * `@shoal/engine-node-<platform>`, which has ggml's libraries beside it. It needs no JavaScript runtime.
 *
 * Errors. A function that can fail returns a status: 0, or a `SHOAL_STATUS_…` number. `error` then gets `CODE: message`
 * as UTF-8 with a final zero, cut at `error_capacity`; it may be null. The code is the stable one, and finer than the
 * number: most codes share `SHOAL_STATUS_INTERNAL_UNNUMBERED`. docs/errors.md lists them all. Nothing unwinds.
 *
 * Text. Strings and JSON go in as UTF-8 with a length and need no final zero. Text comes out whole, without a final
 * zero, into a buffer of the caller's: `length` gets its length, also when the call fails because it does not fit.
 *
 * Objects are numbers, never 0 and never used twice: one that is closed, or was made up, is an error and not a crash.
 * Addresses (buffers, tables) are believed. Closing is idempotent; an object that another one uses lives as long as that.
 *
 * Threads. Every function may be called from any thread, also at the same time; an object may be closed while another
 * thread waits for it, which ends that wait. The functions with a limit wait that long at most. Closing waits for the
 * running step of a member, opening a device for its library; nothing else blocks.
 *
 * Life. What is open when the process ends is closed then, which waits five seconds at most for a running step. After a
 * `fork`, the child must not use the library.
 */
