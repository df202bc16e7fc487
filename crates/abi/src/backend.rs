//! Backends, executables and weight sources as tables of C functions.
//!
//! A library that offers a device fills a [`BackendTable`]; the driver compiles a member program with it and gets an
//! [`ExecutableTable`] that it steps. Weights flow the other way, through a [`WeightSourceTable`] that the driver's
//! side fills. The safe side of the tables (owners, traits, export of a Rust implementation) is in
//! [`owner`] and [`export`].
//!
//! # Rules
//! - A function returns [`Status::OK`] or an error; after an error, `last_error` on the same thread gives
//!   `CODE: message`, where the code may be finer than the status (for example `PROGRAM_OPERATION_UNSUPPORTED`).
//! - No function unwinds. Calls on one backend or executable never overlap, but may come from different threads one
//!   after the other. A weight source's `read` may be called from several threads at once.
//! - Strings are UTF-8 with a length, never zero-terminated. Memory stays its owner's: nothing that one side allocates
//!   is freed by the other.
//! - `retain` and `release` count references to `context`; a table is handed out holding one. The table itself lives
//!   as long as its context.

mod error;
pub mod export;
pub mod owner;
mod step;

use std::ffi::c_void;

use crate::Status;

pub use error::BackendError;
pub use export::{BackendImplementation, ExecutableImplementation, WeightSourceImplementation};
pub use owner::{Backend, Executable, WeightSource};
pub use step::{SlotOperation, Step};

/// Version of [`BackendTable`]. A change of meaning raises it; new functions at the end only raise `size`.
pub const BACKEND_TABLE_VERSION: u32 = 1;
/// Version of [`ExecutableTable`].
pub const EXECUTABLE_TABLE_VERSION: u32 = 1;
/// Version of [`WeightSourceTable`].
pub const WEIGHT_SOURCE_TABLE_VERSION: u32 = 1;

/// Storage number: IEEE 32-bit floating point.
pub const STORAGE_F32: u32 = 0;
/// Storage number: IEEE 16-bit floating point.
pub const STORAGE_F16: u32 = 1;
/// Storage number: the upper half of an IEEE 32-bit number.
pub const STORAGE_BF16: u32 = 2;
/// Storage number: blocks of 32 signed bytes under one F16 scale (34 bytes), ggml's `q8_0`.
pub const STORAGE_Q8_0: u32 = 3;
/// Storage number: blocks of 32 four-bit numbers under one F16 scale (18 bytes), ggml's `q4_0`.
pub const STORAGE_Q4_0: u32 = 4;
/// Storage number: blocks of 32 four-bit numbers, F16 scale and minimum (20 bytes), ggml's `q4_1`.
pub const STORAGE_Q4_1: u32 = 5;
/// Storage number: blocks of 32 five-bit numbers under one F16 scale (22 bytes), ggml's `q5_0`.
pub const STORAGE_Q5_0: u32 = 6;
/// Storage number: blocks of 32 five-bit numbers, F16 scale and minimum (24 bytes), ggml's `q5_1`.
pub const STORAGE_Q5_1: u32 = 7;
/// Storage number: blocks of 256 four-bit numbers in groups of 32 (144 bytes), ggml's `q4_K`.
pub const STORAGE_Q4_K: u32 = 8;
/// Storage number: blocks of 256 five-bit numbers in groups of 32 (176 bytes), ggml's `q5_K`.
pub const STORAGE_Q5_K: u32 = 9;
/// Storage number: blocks of 256 six-bit numbers in groups of 16 (210 bytes), ggml's `q6_K`.
pub const STORAGE_Q6_K: u32 = 10;
/// Storage number: blocks of 32 four-bit floating point numbers under a power of two (17 bytes), ggml's `mxfp4`.
pub const STORAGE_MXFP4: u32 = 11;

/// Slot operation: forget everything in `slot`.
pub const SLOT_FREE: u32 = 0;
/// Slot operation: keep the first `length` positions of `slot`.
pub const SLOT_TRUNCATE: u32 = 1;
/// Slot operation: copy the first `length` positions of `slot` over what `target` held.
pub const SLOT_FORK: u32 = 2;

/// Called while weights are read: bytes done, bytes in all. 0 goes on, anything else stops the compile, which then
/// fails with `ABORTED`. Null where nobody wants to know.
pub type ProgressFunction =
    Option<unsafe extern "C" fn(context: *mut c_void, loaded_bytes: u64, total_bytes: u64) -> i32>;

/// Copies the calling thread's last error of this library, `CODE: message` as UTF-8 without a final zero, cut at
/// `capacity`, and returns the length of the whole text.
pub type LastErrorFunction = unsafe extern "C" fn(context: *mut c_void, text: *mut u8, capacity: usize) -> usize;

/// Adds or drops a reference to a context.
pub type ReferenceFunction = unsafe extern "C" fn(context: *mut c_void);

/// A device that was opened.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct BackendTable {
    /// `size_of::<BackendTable>()` of the library that filled the table.
    pub size: u32,
    /// [`BACKEND_TABLE_VERSION`] of the library that filled the table.
    pub version: u32,
    /// The library's own object, first argument of every function.
    pub context: *mut c_void,
    /// Turns a member program (JSON) into an executable, reading all its weights.
    ///
    /// `options` is the JSON of `CompileOptions` {slotCount, contextLength, stateStorage, maximumStepTokens}. The
    /// weight source is valid during the call; a backend that keeps it retains it. `progress` may be null.
    pub compile: unsafe extern "C" fn(
        context: *mut c_void,
        program: *const u8,
        program_length: usize,
        options: *const u8,
        options_length: usize,
        weights: *const WeightSourceTable,
        progress: ProgressFunction,
        progress_context: *mut c_void,
        executable: *mut *const ExecutableTable,
    ) -> Status,
    /// The calling thread's last error.
    pub last_error: LastErrorFunction,
    /// Adds a reference.
    pub retain: ReferenceFunction,
    /// Drops a reference; the last one closes the device. Executables keep what they need of it alive themselves.
    pub release: ReferenceFunction,
}

/// The local weights of one member program, evaluated on demand.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct WeightSourceTable {
    /// `size_of::<WeightSourceTable>()` of the library that filled the table.
    pub size: u32,
    /// [`WEIGHT_SOURCE_TABLE_VERSION`] of the library that filled the table.
    pub version: u32,
    /// The library's own object, first argument of every function.
    pub context: *mut c_void,
    /// Writes rows `[first_row, first_row + row_count)` of a weight in storage type `storage` (a `STORAGE_…` number).
    ///
    /// A row is one index of axis 0 with all further axes; a weight of one axis is one row. `into_length` must be
    /// exactly the rows' bytes. Thread-safe.
    pub read: unsafe extern "C" fn(
        context: *mut c_void,
        name: *const u8,
        name_length: usize,
        first_row: u64,
        row_count: u64,
        storage: u32,
        into: *mut u8,
        into_length: usize,
    ) -> Status,
    /// The calling thread's last error.
    pub last_error: LastErrorFunction,
    /// Adds a reference.
    pub retain: ReferenceFunction,
    /// Drops a reference.
    pub release: ReferenceFunction,
}

/// One sequence's part of a step.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepSequenceView {
    /// The slot that holds the sequence's state.
    pub slot: u32,
    /// Position of its first token of this step; earlier positions are in the slot.
    pub start_position: u32,
    /// Rows of this sequence in the step, at least 1.
    pub token_count: u32,
    /// The last so many of its rows are output rows.
    pub output_rows: u32,
}

/// One forward pass over a batch. The executable copies what it needs before `begin_step` returns.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct StepView {
    /// Number of the step, rising; for traces and messages.
    pub step: u64,
    /// Length of `sequences`.
    pub sequence_count: u32,
    /// Rows of the step; the sum of the sequences' token counts.
    pub token_count: u32,
    /// Sum of the sequences' output rows.
    pub output_row_count: u32,
    /// 0; keeps the layout free of hidden padding.
    pub reserved: u32,
    /// The sequences, in the order of their rows.
    pub sequences: *const StepSequenceView,
    /// `token_count` token ids.
    pub tokens: *const u32,
}

/// A change of a slot's stored state.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotOperationView {
    /// A `SLOT_…` number.
    pub kind: u32,
    /// The slot that is freed, truncated or copied from.
    pub slot: u32,
    /// The slot that is written by a fork, else 0.
    pub target: u32,
    /// Positions that stay or are copied, else 0.
    pub length: u32,
}

/// Counters of an executable since it was compiled.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExecutableStatistics {
    /// Steps that were begun.
    pub steps: u64,
    /// Time inside `execute`.
    pub compute_nanoseconds: u64,
    /// Memory of the weights, as the device keeps them.
    pub weight_bytes: u64,
    /// Memory of the slots' state.
    pub state_bytes: u64,
}

/// A compiled member program with its weights and the state of its slots.
///
/// A step is: slot operations, `begin_step`, then for each segment in order `execute` with `map`/`unmap` of boundary
/// values in between, then `end_step`. After a failed call the driver calls `end_step` and frees the slots involved.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ExecutableTable {
    /// `size_of::<ExecutableTable>()` of the library that filled the table.
    pub size: u32,
    /// [`EXECUTABLE_TABLE_VERSION`] of the library that filled the table.
    pub version: u32,
    /// The library's own object, first argument of every function.
    pub context: *mut c_void,
    /// Changes a slot's state, between steps.
    pub slot_operation: unsafe extern "C" fn(context: *mut c_void, operation: *const SlotOperationView) -> Status,
    /// Starts a step.
    pub begin_step: unsafe extern "C" fn(context: *mut c_void, step: *const StepView) -> Status,
    /// Runs segment `segment` of the program; its results are complete when this returns.
    pub execute: unsafe extern "C" fn(context: *mut c_void, segment: u32) -> Status,
    /// Gives host-visible F32 storage of a boundary value for this step: rows × width, row-major.
    ///
    /// `value` is the index in the program's `boundaryValues`. Valid until `unmap` or `end_step`; writes are seen by
    /// later segments. Several values may be mapped at once.
    pub map:
        unsafe extern "C" fn(context: *mut c_void, value: u32, pointer: *mut *mut f32, length: *mut usize) -> Status,
    /// Ends the use of a mapped value.
    pub unmap: unsafe extern "C" fn(context: *mut c_void, value: u32) -> Status,
    /// Ends the step; also after a failed one.
    pub end_step: unsafe extern "C" fn(context: *mut c_void) -> Status,
    /// Writes the counters.
    pub statistics: unsafe extern "C" fn(context: *mut c_void, statistics: *mut ExecutableStatistics) -> Status,
    /// The calling thread's last error.
    pub last_error: LastErrorFunction,
    /// Adds a reference.
    pub retain: ReferenceFunction,
    /// Drops a reference; the last one frees weights and state.
    pub release: ReferenceFunction,
}

// Two libraries built apart agree on these offsets or on nothing.
#[cfg(target_pointer_width = "64")]
const _: () = {
    use std::mem::{align_of, offset_of, size_of};
    assert!(size_of::<StepSequenceView>() == 16);
    assert!(size_of::<StepView>() == 40);
    assert!(offset_of!(StepView, sequences) == 24);
    assert!(offset_of!(StepView, tokens) == 32);
    assert!(size_of::<SlotOperationView>() == 16);
    assert!(size_of::<ExecutableStatistics>() == 32);
    assert!(align_of::<BackendTable>() == 8);
    assert!(offset_of!(BackendTable, context) == 8);
    assert!(offset_of!(BackendTable, compile) == 16);
    assert!(offset_of!(BackendTable, last_error) == 24);
    assert!(offset_of!(BackendTable, retain) == 32);
    assert!(offset_of!(BackendTable, release) == 40);
    assert!(size_of::<BackendTable>() == 48);
    assert!(offset_of!(WeightSourceTable, read) == 16);
    assert!(offset_of!(WeightSourceTable, last_error) == 24);
    assert!(size_of::<WeightSourceTable>() == 48);
    assert!(offset_of!(ExecutableTable, slot_operation) == 16);
    assert!(offset_of!(ExecutableTable, begin_step) == 24);
    assert!(offset_of!(ExecutableTable, execute) == 32);
    assert!(offset_of!(ExecutableTable, map) == 40);
    assert!(offset_of!(ExecutableTable, unmap) == 48);
    assert!(offset_of!(ExecutableTable, end_step) == 56);
    assert!(offset_of!(ExecutableTable, statistics) == 64);
    assert!(offset_of!(ExecutableTable, last_error) == 72);
    assert!(offset_of!(ExecutableTable, retain) == 80);
    assert!(offset_of!(ExecutableTable, release) == 88);
    assert!(size_of::<ExecutableTable>() == 96);
};
