//! ggml's structures and enumerations, as far as they are used here.
//!
//! Layouts are those of the pinned version; `tests/layout.rs` compares them with what a C compiler says about the
//! headers of that version.

#![allow(non_camel_case_types)]

use std::ffi::{c_char, c_int, c_void};

/// Number of dimensions of every tensor.
pub const GGML_MAX_DIMS: usize = 4;
/// Bytes of operation parameters in a tensor.
pub const GGML_MAX_OP_PARAMS: usize = 64;
/// Largest number of sources of an operation.
pub const GGML_MAX_SRC: usize = 10;
/// Bytes of a tensor's name, with the closing zero.
pub const GGML_MAX_NAME: usize = 64;
/// Largest number of threads of one pool.
pub const GGML_MAX_N_THREADS: usize = 512;
/// The version of the interface between the base library and a backend library.
pub const GGML_BACKEND_API_VERSION: c_int = 3;

/// `enum ggml_type`: the storage type of a tensor's elements.
pub type ggml_type = c_int;
/// 32-bit IEEE floating point.
pub const GGML_TYPE_F32: ggml_type = 0;
/// 16-bit IEEE floating point.
pub const GGML_TYPE_F16: ggml_type = 1;
/// 4-bit weights in blocks of 32 with one scale.
pub const GGML_TYPE_Q4_0: ggml_type = 2;
/// Blocks of 32 four-bit numbers, scale and minimum.
pub const GGML_TYPE_Q4_1: ggml_type = 3;
/// Blocks of 32 five-bit numbers.
pub const GGML_TYPE_Q5_0: ggml_type = 6;
/// Blocks of 32 five-bit numbers, scale and minimum.
pub const GGML_TYPE_Q5_1: ggml_type = 7;
/// 8-bit weights in blocks of 32 with one scale.
pub const GGML_TYPE_Q8_0: ggml_type = 8;
/// Blocks of 256 four-bit numbers in groups.
pub const GGML_TYPE_Q4_K: ggml_type = 12;
/// Blocks of 256 five-bit numbers in groups.
pub const GGML_TYPE_Q5_K: ggml_type = 13;
/// Blocks of 256 six-bit numbers in groups.
pub const GGML_TYPE_Q6_K: ggml_type = 14;
/// 8-bit integers.
pub const GGML_TYPE_I8: ggml_type = 24;
/// 32-bit integers.
pub const GGML_TYPE_I32: ggml_type = 26;
/// 64-bit integers.
pub const GGML_TYPE_I64: ggml_type = 27;
/// 16-bit brain floating point.
pub const GGML_TYPE_BF16: ggml_type = 30;
/// Blocks of 32 four-bit floating point numbers.
pub const GGML_TYPE_MXFP4: ggml_type = 39;

/// `enum ggml_status`: how a computation ended.
pub type ggml_status = c_int;
/// The computation was done.
pub const GGML_STATUS_SUCCESS: ggml_status = 0;

/// `enum ggml_log_level`.
pub type ggml_log_level = c_int;
/// Something unusual, but the work goes on.
pub const GGML_LOG_LEVEL_WARN: ggml_log_level = 3;
/// The rest of the line before.
pub const GGML_LOG_LEVEL_CONT: ggml_log_level = 5;

/// `enum ggml_prec`: the least precision that an operation must accumulate in.
pub type ggml_prec = c_int;
/// Accumulate in 32 bits.
pub const GGML_PREC_F32: ggml_prec = 10;

/// `enum ggml_backend_buffer_usage`.
pub type ggml_backend_buffer_usage = c_int;
/// The buffer holds weights.
pub const GGML_BACKEND_BUFFER_USAGE_WEIGHTS: ggml_backend_buffer_usage = 1;

/// `enum ggml_backend_dev_type`.
pub type ggml_backend_dev_type = c_int;
/// A processor with system memory.
pub const GGML_BACKEND_DEVICE_TYPE_CPU: ggml_backend_dev_type = 0;
/// A GPU with memory of its own.
pub const GGML_BACKEND_DEVICE_TYPE_GPU: ggml_backend_dev_type = 1;
/// A GPU that shares the host's memory.
pub const GGML_BACKEND_DEVICE_TYPE_IGPU: ggml_backend_dev_type = 2;

/// Rotation of pairs (2i, 2i + 1).
pub const GGML_ROPE_TYPE_NORMAL: c_int = 0;
/// Rotation of pairs (i, i + n/2), as in Hugging Face checkpoints.
pub const GGML_ROPE_TYPE_NEOX: c_int = 2;

macro_rules! opaque {
    ($($(#[$attribute:meta])* $name:ident;)*) => {
        $(
            $(#[$attribute])*
            #[repr(C)]
            pub struct $name {
                private: [u8; 0],
                marker: std::marker::PhantomData<(*mut u8, std::marker::PhantomPinned)>,
            }
        )*
    };
}

opaque! {
    /// Arena of tensor and graph descriptions.
    ggml_context;
    /// A list of operations in order of execution.
    ggml_cgraph;
    /// Allocator of intermediate results of a graph.
    ggml_gallocr;
    /// A stream of computation on a device.
    ggml_backend;
    /// Memory of a device.
    ggml_backend_buffer;
    /// A kind of memory of a device.
    ggml_backend_buffer_type;
    /// A device.
    ggml_backend_device;
    /// The threads of a CPU backend.
    ggml_threadpool;
}

/// The head of a backend library's registration; the fields behind the version are not used directly.
#[repr(C)]
#[derive(Debug)]
pub struct ggml_backend_reg {
    /// Must equal [`GGML_BACKEND_API_VERSION`].
    pub api_version: c_int,
}

/// Parameters of `ggml_init`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ggml_init_params {
    /// Bytes of the arena.
    pub mem_size: usize,
    /// Memory to use; null lets ggml allocate it.
    pub mem_buffer: *mut c_void,
    /// Whether tensors are only described, without memory for their data.
    pub no_alloc: bool,
}

/// A tensor's description. Created by ggml only; read here, and its `data` and `buffer` are set by ggml's allocators.
#[repr(C)]
#[derive(Debug)]
pub struct ggml_tensor {
    /// Storage type of the elements.
    pub type_: ggml_type,
    /// The buffer that holds the data, once allocated.
    pub buffer: *mut ggml_backend_buffer,
    /// Number of elements along each dimension, the fastest first.
    pub ne: [i64; GGML_MAX_DIMS],
    /// Strides in bytes.
    pub nb: [usize; GGML_MAX_DIMS],
    /// The operation that makes this tensor.
    pub op: c_int,
    /// The operation's parameters.
    pub op_params: [i32; GGML_MAX_OP_PARAMS / 4],
    /// Input, output and the like.
    pub flags: i32,
    /// The operation's sources.
    pub src: [*mut ggml_tensor; GGML_MAX_SRC],
    /// The tensor that this one is a view of.
    pub view_src: *mut ggml_tensor,
    /// Offset in bytes into it.
    pub view_offs: usize,
    /// The data, in the device's address space.
    pub data: *mut c_void,
    /// Name for diagnostics.
    pub name: [c_char; GGML_MAX_NAME],
    /// A backend's own data.
    pub extra: *mut c_void,
    /// Not used.
    pub padding: [u8; 8],
}

/// What a device can do.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct ggml_backend_dev_caps {
    /// Runs operations asynchronously.
    pub r#async: bool,
    /// Has pinned host memory.
    pub host_buffer: bool,
    /// Makes buffers out of host memory.
    pub buffer_from_host_ptr: bool,
    /// Synchronizes by events.
    pub events: bool,
    /// Loads from mapped files.
    pub mmap_support: bool,
}

/// All properties of a device.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ggml_backend_dev_props {
    /// Short name, for instance `CPU` or `Vulkan0`.
    pub name: *const c_char,
    /// The hardware's name.
    pub description: *const c_char,
    /// Free memory in bytes.
    pub memory_free: usize,
    /// Memory in bytes.
    pub memory_total: usize,
    /// Kind of device.
    pub type_: ggml_backend_dev_type,
    /// PCI address, or null.
    pub device_id: *const c_char,
    /// What the device can do.
    pub caps: ggml_backend_dev_caps,
}

/// Parameters of a thread pool.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ggml_threadpool_params {
    /// The processors to run on; all false lets the system choose.
    pub cpumask: [bool; GGML_MAX_N_THREADS],
    /// Number of threads, the calling one included.
    pub n_threads: c_int,
    /// Priority; 0 is normal.
    pub prio: c_int,
    /// How long waiting threads spin: units of 131,072 pauses; 0 sleeps at once.
    pub poll: u32,
    /// Binds each thread to one processor.
    pub strict_cpu: bool,
    /// Starts asleep.
    pub paused: bool,
}

/// One feature flag of a backend library, for instance `AVX512_VNNI = 1`; a null name ends the list.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ggml_backend_feature {
    /// The flag.
    pub name: *const c_char,
    /// Its value.
    pub value: *const c_char,
}

/// Receives log text.
pub type ggml_log_callback =
    Option<unsafe extern "C" fn(level: ggml_log_level, text: *const c_char, user_data: *mut c_void)>;
/// `ggml_backend_score`: 0 where this machine cannot run the library, else higher is better.
pub type ggml_backend_score_t = unsafe extern "C" fn() -> c_int;
/// `ggml_backend_init`: the entry point of a backend library.
pub type ggml_backend_init_t = unsafe extern "C" fn() -> *mut ggml_backend_reg;
/// `ggml_threadpool_new`, by [`ggml_backend_reg_get_proc_address`](crate::Base::ggml_backend_reg_get_proc_address).
pub type ggml_threadpool_new_t = unsafe extern "C" fn(*mut ggml_threadpool_params) -> *mut ggml_threadpool;
/// `ggml_threadpool_free`, likewise.
pub type ggml_threadpool_free_t = unsafe extern "C" fn(*mut ggml_threadpool);
/// `ggml_backend_cpu_set_threadpool`, likewise.
pub type ggml_backend_cpu_set_threadpool_t = unsafe extern "C" fn(*mut ggml_backend, *mut ggml_threadpool);
/// `ggml_backend_set_n_threads`, likewise.
pub type ggml_backend_set_n_threads_t = unsafe extern "C" fn(*mut ggml_backend, c_int);
/// `ggml_backend_dev_get_extra_bufts`, likewise: a list that ends with null.
pub type ggml_backend_dev_get_extra_bufts_t =
    unsafe extern "C" fn(*mut ggml_backend_device) -> *mut *mut ggml_backend_buffer_type;
/// `ggml_backend_get_features`, likewise.
pub type ggml_backend_get_features_t = unsafe extern "C" fn(*mut ggml_backend_reg) -> *mut ggml_backend_feature;
