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

#ifndef SHOAL_H
#define SHOAL_H

#include <stddef.h>
#include <stdint.h>

/**
 * Results of functions: 0 is success. Numbers are never reused; more may come.
 */
enum ShoalStatusCode {
  /**
   * Success.
   */
  SHOAL_STATUS_OK = 0,
  /**
   * A library returned a number that this build does not know.
   */
  SHOAL_STATUS_INTERNAL_UNKNOWN_STATUS = 1,
  /**
   * A panic was caught at the border; the object that was called is not usable any more.
   */
  SHOAL_STATUS_INTERNAL_PANIC = 2,
  /**
   * A pointer was null, a length did not fit or an id was unknown.
   */
  SHOAL_STATUS_INTERNAL_INVALID_ARGUMENT = 3,
  /**
   * A table's size or version is not one that this build can use.
   */
  SHOAL_STATUS_PLUGIN_VERSION_MISMATCH = 4,
  /**
   * The error has a code without a number of its own: the text beside the status begins with it.
   */
  SHOAL_STATUS_INTERNAL_UNNUMBERED = 5,
  /**
   * The peer is gone or does not answer; the message says how that was noticed.
   */
  SHOAL_STATUS_TRANSPORT_PEER_LOST = 100,
  /**
   * A deadline passed while the peer still showed signs of life.
   */
  SHOAL_STATUS_TRANSPORT_TIMEOUT = 101,
  /**
   * The other side does not hold the secret or the key that was expected.
   */
  SHOAL_STATUS_TRANSPORT_UNAUTHENTICATED = 102,
  /**
   * The other side belongs to another instance or epoch.
   */
  SHOAL_STATUS_TRANSPORT_EPOCH_MISMATCH = 103,
  /**
   * A member is at another point of the series of collectives.
   */
  SHOAL_STATUS_TRANSPORT_DESYNCHRONIZED = 104,
  /**
   * Bytes arrived that are no frame of this protocol.
   */
  SHOAL_STATUS_TRANSPORT_PROTOCOL = 105,
  /**
   * A message is longer than the channel or the receiver's buffer allows.
   */
  SHOAL_STATUS_TRANSPORT_FRAME_TOO_LARGE = 106,
  /**
   * The work was given up on purpose, here or by a peer.
   */
  SHOAL_STATUS_TRANSPORT_ABORTED = 107,
  /**
   * The peer left cleanly.
   */
  SHOAL_STATUS_TRANSPORT_CLOSED = 108,
  /**
   * No connection could be made within the deadline.
   */
  SHOAL_STATUS_TRANSPORT_UNREACHABLE = 109,
  /**
   * An address cannot be read or is not supported on this platform.
   */
  SHOAL_STATUS_TRANSPORT_ADDRESS_INVALID = 110,
  /**
   * The operating system refused an operation on a socket.
   */
  SHOAL_STATUS_TRANSPORT_INPUT_OUTPUT = 111,
  /**
   * The device or its library is absent.
   */
  SHOAL_STATUS_BACKEND_DEVICE_UNAVAILABLE = 200,
  /**
   * The device has not enough memory.
   */
  SHOAL_STATUS_BACKEND_OUT_OF_MEMORY = 201,
  /**
   * The backend does not run this operation, format or shape.
   */
  SHOAL_STATUS_BACKEND_UNSUPPORTED = 202,
  /**
   * The device reported a failure.
   */
  SHOAL_STATUS_BACKEND_FAILED = 203,
};


/**
 * Version of `ShoalChannelTable`. A change of meaning raises it; new functions at the end only raise `size`.
 */
#define SHOAL_CHANNEL_TABLE_VERSION 1

/**
 * Waits without a limit: only completion, loss of the peer or an abort ends such a wait.
 */
#define SHOAL_NO_DEADLINE UINT64_MAX

/**
 * Capability bit: every message arrives, or the channel reports an error.
 */
#define SHOAL_CAPABILITY_RELIABLE (1 << 0)

/**
 * Capability bit: messages of one tag arrive in order.
 */
#define SHOAL_CAPABILITY_ORDERED (1 << 1)

/**
 * Memory kind bit: ordinary host memory.
 */
#define SHOAL_MEMORY_HOST (1 << 0)

/**
 * Memory kind bit: host memory that must be registered before it is posted.
 */
#define SHOAL_MEMORY_REGISTERED_HOST (1 << 1)

/**
 * Version of `ShoalBackendTable`. A change of meaning raises it; new functions at the end only raise `size`.
 */
#define SHOAL_BACKEND_TABLE_VERSION 1

/**
 * Version of `ShoalExecutableTable`.
 */
#define SHOAL_EXECUTABLE_TABLE_VERSION 1

/**
 * Version of `ShoalWeightSourceTable`.
 */
#define SHOAL_WEIGHT_SOURCE_TABLE_VERSION 1

/**
 * Storage number: IEEE 32-bit floating point.
 */
#define SHOAL_STORAGE_F32 0

/**
 * Storage number: IEEE 16-bit floating point.
 */
#define SHOAL_STORAGE_F16 1

/**
 * Storage number: the upper half of an IEEE 32-bit number.
 */
#define SHOAL_STORAGE_BF16 2

/**
 * Storage number: blocks of 32 signed bytes under one F16 scale (34 bytes), ggml's `q8_0`.
 */
#define SHOAL_STORAGE_Q8_0 3

/**
 * Storage number: blocks of 32 four-bit numbers under one F16 scale (18 bytes), ggml's `q4_0`.
 */
#define SHOAL_STORAGE_Q4_0 4

/**
 * Storage number: blocks of 32 four-bit numbers, F16 scale and minimum (20 bytes), ggml's `q4_1`.
 */
#define SHOAL_STORAGE_Q4_1 5

/**
 * Storage number: blocks of 32 five-bit numbers under one F16 scale (22 bytes), ggml's `q5_0`.
 */
#define SHOAL_STORAGE_Q5_0 6

/**
 * Storage number: blocks of 32 five-bit numbers, F16 scale and minimum (24 bytes), ggml's `q5_1`.
 */
#define SHOAL_STORAGE_Q5_1 7

/**
 * Storage number: blocks of 256 four-bit numbers in groups of 32 (144 bytes), ggml's `q4_K`.
 */
#define SHOAL_STORAGE_Q4_K 8

/**
 * Storage number: blocks of 256 five-bit numbers in groups of 32 (176 bytes), ggml's `q5_K`.
 */
#define SHOAL_STORAGE_Q5_K 9

/**
 * Storage number: blocks of 256 six-bit numbers in groups of 16 (210 bytes), ggml's `q6_K`.
 */
#define SHOAL_STORAGE_Q6_K 10

/**
 * Storage number: blocks of 32 four-bit floating point numbers under a power of two (17 bytes), ggml's `mxfp4`.
 */
#define SHOAL_STORAGE_MXFP4 11

/**
 * Slot operation: forget everything in `slot`.
 */
#define SHOAL_SLOT_FREE 0

/**
 * Slot operation: keep the first `length` positions of `slot`.
 */
#define SHOAL_SLOT_TRUNCATE 1

/**
 * Slot operation: copy the first `length` positions of `slot` over what `target` held.
 */
#define SHOAL_SLOT_FORK 2

/**
 * Version of the C interface that `shoal.h` declares. A change of meaning raises it; a new function does not.
 */
#define SHOAL_ABI_VERSION 1

/**
 * Result of every function in a table: 0 is success, any other value an `enum ShoalStatusCode`.
 *
 * A plain integer, because a foreign library may return a number that this build does not know.
 */
typedef int32_t ShoalStatus;

/**
 * An open device.
 */
typedef uint64_t ShoalDevice;

/**
 * Copies the calling thread's last error of this library, `CODE: message` as UTF-8 without a final zero, cut at
 * `capacity`, and returns the length of the whole text.
 */
typedef size_t (*ShoalLastErrorFunction)(void *context, uint8_t *text, size_t capacity);

/**
 * Adds or drops a reference to a context.
 */
typedef void (*ShoalReferenceFunction)(void *context);

/**
 * The local weights of one member program, evaluated on demand.
 */
typedef struct ShoalWeightSourceTable {
  /**
   * `sizeof(ShoalWeightSourceTable)` of the library that filled the table.
   */
  uint32_t size;
  /**
   * `SHOAL_WEIGHT_SOURCE_TABLE_VERSION` of the library that filled the table.
   */
  uint32_t version;
  /**
   * The library's own object, first argument of every function.
   */
  void *context;
  /**
   * Writes rows `[first_row, first_row + row_count)` of a weight in storage type `storage` (a `SHOAL_STORAGE_…` number).
   *
   * A row is one index of axis 0 with all further axes; a weight of one axis is one row. `into_length` must be
   * exactly the rows' bytes. Thread-safe.
   */
  ShoalStatus (*read)(void *context,
                      const uint8_t *name,
                      size_t name_length,
                      uint64_t first_row,
                      uint64_t row_count,
                      uint32_t storage,
                      uint8_t *into,
                      size_t into_length);
  /**
   * The calling thread's last error.
   */
  ShoalLastErrorFunction last_error;
  /**
   * Adds a reference.
   */
  ShoalReferenceFunction retain;
  /**
   * Drops a reference.
   */
  ShoalReferenceFunction release;
} ShoalWeightSourceTable;

/**
 * Called while weights are read: bytes done, bytes in all. 0 goes on, anything else stops the compile, which then
 * fails with `ABORTED`. Null where nobody wants to know.
 */
typedef int32_t (*ShoalProgressFunction)(void *context, uint64_t loaded_bytes, uint64_t total_bytes);

/**
 * A change of a slot's stored state.
 */
typedef struct ShoalSlotOperationView {
  /**
   * A `SHOAL_SLOT_…` number.
   */
  uint32_t kind;
  /**
   * The slot that is freed, truncated or copied from.
   */
  uint32_t slot;
  /**
   * The slot that is written by a fork, else 0.
   */
  uint32_t target;
  /**
   * Positions that stay or are copied, else 0.
   */
  uint32_t length;
} ShoalSlotOperationView;

/**
 * One sequence's part of a step.
 */
typedef struct ShoalStepSequenceView {
  /**
   * The slot that holds the sequence's state.
   */
  uint32_t slot;
  /**
   * Position of its first token of this step; earlier positions are in the slot.
   */
  uint32_t start_position;
  /**
   * Rows of this sequence in the step, at least 1.
   */
  uint32_t token_count;
  /**
   * The last so many of its rows are output rows.
   */
  uint32_t output_rows;
} ShoalStepSequenceView;

/**
 * One forward pass over a batch. The executable copies what it needs before `begin_step` returns.
 */
typedef struct ShoalStepView {
  /**
   * Number of the step, rising; for traces and messages.
   */
  uint64_t step;
  /**
   * Length of `sequences`.
   */
  uint32_t sequence_count;
  /**
   * Rows of the step; the sum of the sequences' token counts.
   */
  uint32_t token_count;
  /**
   * Sum of the sequences' output rows.
   */
  uint32_t output_row_count;
  /**
   * 0; keeps the layout free of hidden padding.
   */
  uint32_t reserved;
  /**
   * The sequences, in the order of their rows.
   */
  const struct ShoalStepSequenceView *sequences;
  /**
   * `token_count` token ids.
   */
  const uint32_t *tokens;
} ShoalStepView;

/**
 * Counters of an executable since it was compiled.
 */
typedef struct ShoalExecutableStatistics {
  /**
   * Steps that were begun.
   */
  uint64_t steps;
  /**
   * Time inside `execute`.
   */
  uint64_t compute_nanoseconds;
  /**
   * Memory of the weights, as the device keeps them.
   */
  uint64_t weight_bytes;
  /**
   * Memory of the slots' state.
   */
  uint64_t state_bytes;
} ShoalExecutableStatistics;

/**
 * A compiled member program with its weights and the state of its slots.
 *
 * A step is: slot operations, `begin_step`, then for each segment in order `execute` with `map`/`unmap` of boundary
 * values in between, then `end_step`. After a failed call the driver calls `end_step` and frees the slots involved.
 */
typedef struct ShoalExecutableTable {
  /**
   * `sizeof(ShoalExecutableTable)` of the library that filled the table.
   */
  uint32_t size;
  /**
   * `SHOAL_EXECUTABLE_TABLE_VERSION` of the library that filled the table.
   */
  uint32_t version;
  /**
   * The library's own object, first argument of every function.
   */
  void *context;
  /**
   * Changes a slot's state, between steps.
   */
  ShoalStatus (*slot_operation)(void *context, const struct ShoalSlotOperationView *operation);
  /**
   * Starts a step.
   */
  ShoalStatus (*begin_step)(void *context, const struct ShoalStepView *step);
  /**
   * Runs segment `segment` of the program; its results are complete when this returns.
   */
  ShoalStatus (*execute)(void *context, uint32_t segment);
  /**
   * Gives host-visible F32 storage of a boundary value for this step: rows × width, row-major.
   *
   * `value` is the index in the program's `boundaryValues`. Valid until `unmap` or `end_step`; writes are seen by
   * later segments. Several values may be mapped at once.
   */
  ShoalStatus (*map)(void *context, uint32_t value, float **pointer, size_t *length);
  /**
   * Ends the use of a mapped value.
   */
  ShoalStatus (*unmap)(void *context, uint32_t value);
  /**
   * Ends the step; also after a failed one.
   */
  ShoalStatus (*end_step)(void *context);
  /**
   * Writes the counters.
   */
  ShoalStatus (*statistics)(void *context, struct ShoalExecutableStatistics *statistics);
  /**
   * The calling thread's last error.
   */
  ShoalLastErrorFunction last_error;
  /**
   * Adds a reference.
   */
  ShoalReferenceFunction retain;
  /**
   * Drops a reference; the last one frees weights and state.
   */
  ShoalReferenceFunction release;
} ShoalExecutableTable;

/**
 * A device that was opened.
 */
typedef struct ShoalBackendTable {
  /**
   * `sizeof(ShoalBackendTable)` of the library that filled the table.
   */
  uint32_t size;
  /**
   * `SHOAL_BACKEND_TABLE_VERSION` of the library that filled the table.
   */
  uint32_t version;
  /**
   * The library's own object, first argument of every function.
   */
  void *context;
  /**
   * Turns a member program (JSON) into an executable, reading all its weights.
   *
   * `options` is the JSON of `CompileOptions` {slotCount, contextLength, stateStorage, maximumStepTokens}. The
   * weight source is valid during the call; a backend that keeps it retains it. `progress` may be null.
   */
  ShoalStatus (*compile)(void *context,
                         const uint8_t *program,
                         size_t program_length,
                         const uint8_t *options,
                         size_t options_length,
                         const struct ShoalWeightSourceTable *weights,
                         ShoalProgressFunction progress,
                         void *progress_context,
                         const struct ShoalExecutableTable **executable);
  /**
   * The calling thread's last error.
   */
  ShoalLastErrorFunction last_error;
  /**
   * Adds a reference.
   */
  ShoalReferenceFunction retain;
  /**
   * Drops a reference; the last one closes the device. Executables keep what they need of it alive themselves.
   */
  ShoalReferenceFunction release;
} ShoalBackendTable;

/**
 * Bound sockets of one member.
 */
typedef uint64_t ShoalListener;

/**
 * Authenticated channels of one member to all others; may still be connecting.
 */
typedef uint64_t ShoalMesh;

/**
 * Who is at the other end, in the plan's terms.
 */
typedef struct ShoalChannelPeer {
  /**
   * Stage of the peer.
   */
  uint16_t stage;
  /**
   * Member (rank within the stage) of the peer.
   */
  uint16_t member;
  /**
   * 0; keeps the layout free of hidden padding.
   */
  uint32_t reserved;
} ShoalChannelPeer;

/**
 * What a channel can do, fixed for its life.
 */
typedef struct ShoalChannelCapabilities {
  /**
   * `SHOAL_CAPABILITY_…` bits.
   */
  uint64_t flags;
  /**
   * Longest message in bytes.
   */
  uint64_t largest_message_bytes;
  /**
   * `SHOAL_MEMORY_…` bits: memory that may be posted.
   */
  uint64_t memory_kinds;
} ShoalChannelCapabilities;

/**
 * One operation in the set that `wait_any` is given.
 */
typedef struct ShoalWaitEntry {
  /**
   * The channel.
   */
  const struct ShoalChannelTable *table;
  /**
   * An operation of that channel.
   */
  uint64_t operation;
} ShoalWaitEntry;

/**
 * Counters since the channel was opened.
 */
typedef struct ShoalChannelStatistics {
  /**
   * Bytes handed to the network, headers included.
   */
  uint64_t sent_bytes;
  /**
   * Bytes taken from the network, headers included.
   */
  uint64_t received_bytes;
  /**
   * Messages sent.
   */
  uint64_t sent_messages;
  /**
   * Messages received.
   */
  uint64_t received_messages;
  /**
   * Time that callers spent waiting for this channel.
   */
  uint64_t wait_nanoseconds;
  /**
   * Frames of an older epoch that were dropped.
   */
  uint64_t dropped_frames;
} ShoalChannelStatistics;

/**
 * A channel. `context` is the first argument of every function that has one.
 */
typedef struct ShoalChannelTable {
  /**
   * `sizeof(ShoalChannelTable)` of the library that filled the table.
   */
  uint32_t size;
  /**
   * `SHOAL_CHANNEL_TABLE_VERSION` of the library that filled the table.
   */
  uint32_t version;
  /**
   * The library's own object.
   */
  void *context;
  /**
   * Who is at the other end.
   */
  struct ShoalChannelPeer peer;
  /**
   * What the channel can do.
   */
  struct ShoalChannelCapabilities capabilities;
  /**
   * Starts sending `length` bytes under `tag` and writes the operation's id.
   */
  ShoalStatus (*post_send)(void *context,
                           uint64_t tag,
                           const uint8_t *bytes,
                           uint64_t length,
                           uint64_t *operation);
  /**
   * Starts receiving one message of at most `capacity` bytes under `tag` and writes the operation's id.
   */
  ShoalStatus (*post_receive)(void *context,
                              uint64_t tag,
                              uint8_t *bytes,
                              uint64_t capacity,
                              uint64_t *operation);
  /**
   * Waits until one of `count` operations has ended, writes its index and the message's length.
   *
   * `TRANSPORT_TIMEOUT` when `deadline_nanoseconds` from now have passed (0 polls, `SHOAL_NO_DEADLINE` waits on). Any
   * other error is that of the operation at `index`, which has ended by it.
   */
  ShoalStatus (*wait_any)(const struct ShoalWaitEntry *entries,
                          uint64_t count,
                          uint64_t deadline_nanoseconds,
                          uint64_t *index,
                          uint64_t *length);
  /**
   * Gives up one operation; when this returns, its memory is the caller's again.
   */
  ShoalStatus (*cancel)(void *context, uint64_t operation);
  /**
   * Makes memory known to the device behind the channel and writes a handle. Sockets do nothing and write 0.
   */
  ShoalStatus (*register_memory)(void *context, uint8_t *bytes, uint64_t length, uint64_t *handle);
  /**
   * Takes a registration back.
   */
  ShoalStatus (*unregister_memory)(void *context, uint64_t handle);
  /**
   * Ends every pending and later operation with this error and tells the peer.
   */
  ShoalStatus (*abort)(void *context, ShoalStatus reason);
  /**
   * Writes the counters.
   */
  ShoalStatus (*statistics)(void *context, struct ShoalChannelStatistics *statistics);
  /**
   * Copies the calling thread's last error message on any channel of this library, as UTF-8 without a final zero,
   * cut at `capacity`, and returns the length of the whole message.
   */
  uint64_t (*last_error)(void *context, uint8_t *text, uint64_t capacity);
  /**
   * Adds a reference.
   */
  void (*retain)(void *context);
  /**
   * Drops a reference; the last one closes the channel's operations.
   */
  void (*release)(void *context);
} ShoalChannelTable;

/**
 * A member; may still be loading.
 */
typedef uint64_t ShoalMember;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * `SHOAL_ABI_VERSION` of the loaded library. Compare it with that of the header before any other call.
 */
uint32_t shoal_abi_version(void);

/**
 * Version of the engine as a static, zero-terminated string, such as `0.1.0`.
 */
const char *shoal_version(void);

/**
 * Copies the stable name of a status (`OK`, `TRANSPORT_PEER_LOST`, …) into `buffer`, cut at `capacity` with a final
 * zero, and returns the length of the whole name without the zero. `buffer` may be null.
 */
size_t shoal_status_text(ShoalStatus status,
                         char *buffer,
                         size_t capacity);

/**
 * Looks at the processor and writes what it finds as JSON: `CpuProperties` of `index.d.ts`, or
 * `{"unavailable": "CODE: message"}`. An absent library is no failure of this function.
 *
 * `directory` is the folder of ggml's libraries, of length 0 for where they are found by default. A process loads ggml
 * once: the folder of the first call, or of the first device, is that of all later ones.
 */
ShoalStatus shoal_probe_cpu(const char *directory,
                            size_t directory_length,
                            char *buffer,
                            size_t capacity,
                            size_t *length,
                            char *error,
                            size_t error_capacity);

/**
 * Opens a device of ggml. `options` is the JSON of `GgmlDeviceOptions`: `{"device": "cpu", "threads": 4,
 * "libraryDirectory": "…"}`, of which only `device` is needed.
 */
ShoalStatus shoal_device_open(const char *options,
                              size_t options_length,
                              ShoalDevice *device,
                              char *error,
                              size_t error_capacity);

/**
 * Makes a device of a `ShoalBackendTable` that the caller, or another library, filled: a backend of one's own. The
 * device holds a reference of its own until it is closed and no member uses it.
 */
ShoalStatus shoal_device_import(const struct ShoalBackendTable *table,
                                ShoalDevice *device,
                                char *error,
                                size_t error_capacity);

/**
 * The table of a device, for calls without an engine; null when it is not open. Valid until the device is closed.
 */
const struct ShoalBackendTable *shoal_device_table(ShoalDevice device);

/**
 * Gives a device up; a member that uses it keeps it until the member closes. Closing twice does nothing.
 */
void shoal_device_close(ShoalDevice device);

/**
 * Binds the sockets of one member for one mesh. `options` is the JSON of `ListenOptions` of `index.d.ts`.
 */
ShoalStatus shoal_listener_bind(const char *options,
                                size_t options_length,
                                ShoalListener *listener,
                                char *error,
                                size_t error_capacity);

/**
 * Writes what the peers must be told, as JSON.
 */
ShoalStatus shoal_listener_endpoint(ShoalListener listener,
                                    char *buffer,
                                    size_t capacity,
                                    size_t *length,
                                    char *error,
                                    size_t error_capacity);

/**
 * Stops listening and gives up a connect that is under way. Closing twice does nothing; a mesh that is connected goes
 * on.
 */
void shoal_listener_close(ShoalListener listener);

/**
 * Starts connecting to all peers and returns at once; uses the listener's sockets up. `peers` is the JSON of
 * `MemberEndpoint[]`, in which an entry for this member is ignored.
 */
ShoalStatus shoal_mesh_connect(ShoalListener listener,
                               const char *peers,
                               size_t peers_length,
                               uint32_t deadline_milliseconds,
                               ShoalMesh *mesh,
                               char *error,
                               size_t error_capacity);

/**
 * Waits for a mesh at most so long (0 only looks) and writes 1 when it is connected, 0 when it is not yet. Fails with
 * what the connect failed with.
 */
ShoalStatus shoal_mesh_wait(ShoalMesh mesh,
                            uint32_t limit_milliseconds,
                            uint32_t *is_connected,
                            char *error,
                            size_t error_capacity);

/**
 * Writes what is known of all other members now, as the JSON of `PeerState[]`.
 */
ShoalStatus shoal_mesh_peer_states(ShoalMesh mesh,
                                   char *buffer,
                                   size_t capacity,
                                   size_t *length,
                                   char *error,
                                   size_t error_capacity);

/**
 * Says goodbye to the peers, or gives up connecting. A member that uses the mesh keeps it until the member closes.
 * Waits for peers a few seconds at most. Closing twice does nothing.
 */
void shoal_mesh_close(ShoalMesh mesh);

/**
 * Starts loading a member on threads of its own and returns at once; `shoal_member_wait` tells when it is ready, and
 * `shoal_member_next_event` of its progress.
 *
 * `options` is the JSON that `createMember` of `index.d.ts` takes: `credentials`, `self`, `stageSizes`, `program`,
 * `modelDirectory`, `slotCount`, `contextLength`, `stateStorage`, `maximumStepTokens`, and perhaps `queueCapacity` and
 * `stepDeadlineMilliseconds`. `mesh` is 0 for a member on its own and for one with `channels`: tables of any library,
 * one for each other member. Device, mesh and channels may be given up afterwards: the member keeps what it needs.
 */
ShoalStatus shoal_member_load(ShoalDevice device,
                              ShoalMesh mesh,
                              const struct ShoalChannelTable *const *channels,
                              size_t channel_count,
                              const char *options,
                              size_t options_length,
                              ShoalMember *member,
                              char *error,
                              size_t error_capacity);

/**
 * Waits for a member at most so long (0 only looks) and writes 1 when it is loaded, 0 when it is not yet. Fails with
 * what the load failed with.
 */
ShoalStatus shoal_member_wait(ShoalMember member,
                              uint32_t limit_milliseconds,
                              uint32_t *is_loaded,
                              char *error,
                              size_t error_capacity);

/**
 * Starts a generation; its events follow. `request` is the JSON of `EngineRequest` without `promptTokens`: `{"id": 1,
 * "maximumTokens": 16, "stopTokens": [2], "sampling": {"temperature": 0, "seed": 0}}`. For the head only, which is
 * stage 0, member 0.
 */
ShoalStatus shoal_member_submit(ShoalMember member,
                                const char *request,
                                size_t request_length,
                                const uint32_t *prompt_tokens,
                                size_t prompt_token_count,
                                char *error,
                                size_t error_capacity);

/**
 * Ends a generation within one step; `request-finished` follows, unless it has ended already.
 */
ShoalStatus shoal_member_cancel(ShoalMember member, uint64_t request_id, char *error, size_t error_capacity);

/**
 * Fetches the oldest event that was not fetched, waiting for one at most so long (0 only looks). `EngineEvent` of
 * `@shoal/core` as JSON; `length` 0 when none came. An event that does not fit stays: `ARGUMENT_INVALID`, and `length`
 * says what it needs.
 *
 * After the last event of a member that failed, or was closed, this fails with the reason, at once.
 */
ShoalStatus shoal_member_next_event(ShoalMember member,
                                    uint32_t limit_milliseconds,
                                    char *buffer,
                                    size_t capacity,
                                    size_t *length,
                                    char *error,
                                    size_t error_capacity);

/**
 * Writes the counters as the JSON of `MemberStatistics` of `@shoal/core`.
 */
ShoalStatus shoal_member_statistics(ShoalMember member,
                                    char *buffer,
                                    size_t capacity,
                                    size_t *length,
                                    char *error,
                                    size_t error_capacity);

/**
 * Writes the answers that a head works on, and those that ended lately, as a JSON list of `AnswerProgress` of
 * `@shoal/core`: at most 128 KiB. The list of another member is empty.
 */
ShoalStatus shoal_member_answers(ShoalMember member,
                                 char *buffer,
                                 size_t capacity,
                                 size_t *length,
                                 char *error,
                                 size_t error_capacity);

/**
 * Ends a member, or its load: waits for the running step, tells the peers goodbye and frees everything. Who waits for
 * an event of it is woken with `ENGINE_ABORTED`. Closing twice does nothing.
 */
void shoal_member_close(ShoalMember member);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SHOAL_H */


#if UINTPTR_MAX == UINT64_MAX
#ifdef __cplusplus
#define SHOAL_ASSERT(condition) static_assert(condition, #condition)
#define SHOAL_ALIGNMENT(type) alignof(type)
#else
#define SHOAL_ASSERT(condition) _Static_assert(condition, #condition)
#define SHOAL_ALIGNMENT(type) _Alignof(type)
#endif
SHOAL_ASSERT(offsetof(ShoalChannelCapabilities, flags) == 0);
SHOAL_ASSERT(offsetof(ShoalChannelCapabilities, largest_message_bytes) == 8);
SHOAL_ASSERT(offsetof(ShoalChannelCapabilities, memory_kinds) == 16);
SHOAL_ASSERT(sizeof(ShoalChannelCapabilities) == 24);
SHOAL_ASSERT(SHOAL_ALIGNMENT(ShoalChannelCapabilities) == 8);
SHOAL_ASSERT(offsetof(ShoalChannelPeer, stage) == 0);
SHOAL_ASSERT(offsetof(ShoalChannelPeer, member) == 2);
SHOAL_ASSERT(offsetof(ShoalChannelPeer, reserved) == 4);
SHOAL_ASSERT(sizeof(ShoalChannelPeer) == 8);
SHOAL_ASSERT(SHOAL_ALIGNMENT(ShoalChannelPeer) == 4);
SHOAL_ASSERT(offsetof(ShoalChannelStatistics, sent_bytes) == 0);
SHOAL_ASSERT(offsetof(ShoalChannelStatistics, received_bytes) == 8);
SHOAL_ASSERT(offsetof(ShoalChannelStatistics, sent_messages) == 16);
SHOAL_ASSERT(offsetof(ShoalChannelStatistics, received_messages) == 24);
SHOAL_ASSERT(offsetof(ShoalChannelStatistics, wait_nanoseconds) == 32);
SHOAL_ASSERT(offsetof(ShoalChannelStatistics, dropped_frames) == 40);
SHOAL_ASSERT(sizeof(ShoalChannelStatistics) == 48);
SHOAL_ASSERT(SHOAL_ALIGNMENT(ShoalChannelStatistics) == 8);
SHOAL_ASSERT(offsetof(ShoalWaitEntry, table) == 0);
SHOAL_ASSERT(offsetof(ShoalWaitEntry, operation) == 8);
SHOAL_ASSERT(sizeof(ShoalWaitEntry) == 16);
SHOAL_ASSERT(SHOAL_ALIGNMENT(ShoalWaitEntry) == 8);
SHOAL_ASSERT(offsetof(ShoalChannelTable, size) == 0);
SHOAL_ASSERT(offsetof(ShoalChannelTable, version) == 4);
SHOAL_ASSERT(offsetof(ShoalChannelTable, context) == 8);
SHOAL_ASSERT(offsetof(ShoalChannelTable, peer) == 16);
SHOAL_ASSERT(offsetof(ShoalChannelTable, capabilities) == 24);
SHOAL_ASSERT(offsetof(ShoalChannelTable, post_send) == 48);
SHOAL_ASSERT(offsetof(ShoalChannelTable, post_receive) == 56);
SHOAL_ASSERT(offsetof(ShoalChannelTable, wait_any) == 64);
SHOAL_ASSERT(offsetof(ShoalChannelTable, cancel) == 72);
SHOAL_ASSERT(offsetof(ShoalChannelTable, register_memory) == 80);
SHOAL_ASSERT(offsetof(ShoalChannelTable, unregister_memory) == 88);
SHOAL_ASSERT(offsetof(ShoalChannelTable, abort) == 96);
SHOAL_ASSERT(offsetof(ShoalChannelTable, statistics) == 104);
SHOAL_ASSERT(offsetof(ShoalChannelTable, last_error) == 112);
SHOAL_ASSERT(offsetof(ShoalChannelTable, retain) == 120);
SHOAL_ASSERT(offsetof(ShoalChannelTable, release) == 128);
SHOAL_ASSERT(sizeof(ShoalChannelTable) == 136);
SHOAL_ASSERT(SHOAL_ALIGNMENT(ShoalChannelTable) == 8);
SHOAL_ASSERT(offsetof(ShoalWeightSourceTable, size) == 0);
SHOAL_ASSERT(offsetof(ShoalWeightSourceTable, version) == 4);
SHOAL_ASSERT(offsetof(ShoalWeightSourceTable, context) == 8);
SHOAL_ASSERT(offsetof(ShoalWeightSourceTable, read) == 16);
SHOAL_ASSERT(offsetof(ShoalWeightSourceTable, last_error) == 24);
SHOAL_ASSERT(offsetof(ShoalWeightSourceTable, retain) == 32);
SHOAL_ASSERT(offsetof(ShoalWeightSourceTable, release) == 40);
SHOAL_ASSERT(sizeof(ShoalWeightSourceTable) == 48);
SHOAL_ASSERT(SHOAL_ALIGNMENT(ShoalWeightSourceTable) == 8);
SHOAL_ASSERT(offsetof(ShoalStepSequenceView, slot) == 0);
SHOAL_ASSERT(offsetof(ShoalStepSequenceView, start_position) == 4);
SHOAL_ASSERT(offsetof(ShoalStepSequenceView, token_count) == 8);
SHOAL_ASSERT(offsetof(ShoalStepSequenceView, output_rows) == 12);
SHOAL_ASSERT(sizeof(ShoalStepSequenceView) == 16);
SHOAL_ASSERT(SHOAL_ALIGNMENT(ShoalStepSequenceView) == 4);
SHOAL_ASSERT(offsetof(ShoalStepView, step) == 0);
SHOAL_ASSERT(offsetof(ShoalStepView, sequence_count) == 8);
SHOAL_ASSERT(offsetof(ShoalStepView, token_count) == 12);
SHOAL_ASSERT(offsetof(ShoalStepView, output_row_count) == 16);
SHOAL_ASSERT(offsetof(ShoalStepView, reserved) == 20);
SHOAL_ASSERT(offsetof(ShoalStepView, sequences) == 24);
SHOAL_ASSERT(offsetof(ShoalStepView, tokens) == 32);
SHOAL_ASSERT(sizeof(ShoalStepView) == 40);
SHOAL_ASSERT(SHOAL_ALIGNMENT(ShoalStepView) == 8);
SHOAL_ASSERT(offsetof(ShoalSlotOperationView, kind) == 0);
SHOAL_ASSERT(offsetof(ShoalSlotOperationView, slot) == 4);
SHOAL_ASSERT(offsetof(ShoalSlotOperationView, target) == 8);
SHOAL_ASSERT(offsetof(ShoalSlotOperationView, length) == 12);
SHOAL_ASSERT(sizeof(ShoalSlotOperationView) == 16);
SHOAL_ASSERT(SHOAL_ALIGNMENT(ShoalSlotOperationView) == 4);
SHOAL_ASSERT(offsetof(ShoalExecutableStatistics, steps) == 0);
SHOAL_ASSERT(offsetof(ShoalExecutableStatistics, compute_nanoseconds) == 8);
SHOAL_ASSERT(offsetof(ShoalExecutableStatistics, weight_bytes) == 16);
SHOAL_ASSERT(offsetof(ShoalExecutableStatistics, state_bytes) == 24);
SHOAL_ASSERT(sizeof(ShoalExecutableStatistics) == 32);
SHOAL_ASSERT(SHOAL_ALIGNMENT(ShoalExecutableStatistics) == 8);
SHOAL_ASSERT(offsetof(ShoalExecutableTable, size) == 0);
SHOAL_ASSERT(offsetof(ShoalExecutableTable, version) == 4);
SHOAL_ASSERT(offsetof(ShoalExecutableTable, context) == 8);
SHOAL_ASSERT(offsetof(ShoalExecutableTable, slot_operation) == 16);
SHOAL_ASSERT(offsetof(ShoalExecutableTable, begin_step) == 24);
SHOAL_ASSERT(offsetof(ShoalExecutableTable, execute) == 32);
SHOAL_ASSERT(offsetof(ShoalExecutableTable, map) == 40);
SHOAL_ASSERT(offsetof(ShoalExecutableTable, unmap) == 48);
SHOAL_ASSERT(offsetof(ShoalExecutableTable, end_step) == 56);
SHOAL_ASSERT(offsetof(ShoalExecutableTable, statistics) == 64);
SHOAL_ASSERT(offsetof(ShoalExecutableTable, last_error) == 72);
SHOAL_ASSERT(offsetof(ShoalExecutableTable, retain) == 80);
SHOAL_ASSERT(offsetof(ShoalExecutableTable, release) == 88);
SHOAL_ASSERT(sizeof(ShoalExecutableTable) == 96);
SHOAL_ASSERT(SHOAL_ALIGNMENT(ShoalExecutableTable) == 8);
SHOAL_ASSERT(offsetof(ShoalBackendTable, size) == 0);
SHOAL_ASSERT(offsetof(ShoalBackendTable, version) == 4);
SHOAL_ASSERT(offsetof(ShoalBackendTable, context) == 8);
SHOAL_ASSERT(offsetof(ShoalBackendTable, compile) == 16);
SHOAL_ASSERT(offsetof(ShoalBackendTable, last_error) == 24);
SHOAL_ASSERT(offsetof(ShoalBackendTable, retain) == 32);
SHOAL_ASSERT(offsetof(ShoalBackendTable, release) == 40);
SHOAL_ASSERT(sizeof(ShoalBackendTable) == 48);
SHOAL_ASSERT(SHOAL_ALIGNMENT(ShoalBackendTable) == 8);
#undef SHOAL_ALIGNMENT
#undef SHOAL_ASSERT
#endif
