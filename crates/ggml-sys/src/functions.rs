//! The functions of ggml's base library, resolved by name when the library is loaded.

use std::ffi::{c_char, c_int, c_void};

use crate::types::*;

macro_rules! functions {
    ($(fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)?;)*) => {
        /// ggml's base library: one field for each function in use, under its own name.
        #[allow(missing_docs)] // ggml's headers document them; a second description would only drift away.
        #[derive(Debug)]
        pub struct Base {
            $(pub $name: unsafe extern "C" fn($($argument: $type),*) $(-> $result)?,)*
        }

        impl Base {
            /// Resolves every function in `library`.
            ///
            /// # Errors
            /// The name of the first missing function with the loader's message.
            ///
            /// # Safety
            /// The library must be ggml's base library of the pinned version, and must stay loaded for as long as
            /// the functions are in use.
            pub(crate) unsafe fn resolve(library: &libloading::Library) -> Result<Self, (&'static str, libloading::Error)> {
                Ok(Self {
                    $($name: {
                        // SAFETY: the caller vouches for the library's version, which fixes the signature.
                        *unsafe { library.get(concat!(stringify!($name), "\0").as_bytes()) }
                            .map_err(|error| (stringify!($name), error))?
                    },)*
                })
            }
        }
    };
}

type Context = *mut ggml_context;
type Tensor = *mut ggml_tensor;
type Graph = *mut ggml_cgraph;
type Backend = *mut ggml_backend;
type Buffer = *mut ggml_backend_buffer;
type BufferType = *mut ggml_backend_buffer_type;
type Device = *mut ggml_backend_device;
type Registration = *mut ggml_backend_reg;

functions! {
    // Library
    fn ggml_version() -> *const c_char;
    fn ggml_log_set(callback: ggml_log_callback, user_data: *mut c_void);
    fn ggml_time_init();
    fn ggml_status_to_string(status: ggml_status) -> *const c_char;

    // Storage types
    fn ggml_blck_size(storage_type: ggml_type) -> i64;
    fn ggml_type_size(storage_type: ggml_type) -> usize;

    // Contexts and tensors
    fn ggml_init(parameters: ggml_init_params) -> Context;
    fn ggml_free(context: Context);
    fn ggml_used_mem(context: *const ggml_context) -> usize;
    fn ggml_tensor_overhead() -> usize;
    fn ggml_new_tensor(context: Context, storage_type: ggml_type, dimensions: c_int, ne: *const i64) -> Tensor;

    // Element-wise operations
    fn ggml_add(context: Context, a: Tensor, b: Tensor) -> Tensor;
    fn ggml_mul(context: Context, a: Tensor, b: Tensor) -> Tensor;
    fn ggml_scale_bias(context: Context, a: Tensor, factor: f32, bias: f32) -> Tensor;
    fn ggml_clamp(context: Context, a: Tensor, minimum: f32, maximum: f32) -> Tensor;
    fn ggml_exp(context: Context, a: Tensor) -> Tensor;
    fn ggml_neg(context: Context, a: Tensor) -> Tensor;
    fn ggml_tanh(context: Context, a: Tensor) -> Tensor;
    fn ggml_relu(context: Context, a: Tensor) -> Tensor;
    fn ggml_sigmoid(context: Context, a: Tensor) -> Tensor;
    fn ggml_softplus(context: Context, a: Tensor) -> Tensor;
    fn ggml_silu(context: Context, a: Tensor) -> Tensor;
    fn ggml_gelu_erf(context: Context, a: Tensor) -> Tensor;
    fn ggml_swiglu_split(context: Context, gate: Tensor, up: Tensor) -> Tensor;

    // Reductions and norms
    fn ggml_sum_rows(context: Context, a: Tensor) -> Tensor;
    fn ggml_norm(context: Context, a: Tensor, epsilon: f32) -> Tensor;
    fn ggml_rms_norm(context: Context, a: Tensor, epsilon: f32) -> Tensor;
    fn ggml_soft_max_ext(context: Context, a: Tensor, mask: Tensor, scale: f32, max_bias: f32) -> Tensor;

    // Matrix products, rotation, attention
    fn ggml_mul_mat(context: Context, a: Tensor, b: Tensor) -> Tensor;
    fn ggml_prec_set_acc(tensor: Tensor, precision: ggml_prec) -> bool;
    fn ggml_rope_ext(
        context: Context, a: Tensor, positions: Tensor, frequency_factors: Tensor, dimensions: c_int, mode: c_int,
        original_context: c_int, frequency_base: f32, frequency_scale: f32, extension_factor: f32,
        attention_factor: f32, beta_fast: f32, beta_slow: f32,
    ) -> Tensor;
    fn ggml_flash_attn_ext(
        context: Context, q: Tensor, k: Tensor, v: Tensor, mask: Tensor, scale: f32, max_bias: f32,
        logit_softcap: f32,
    ) -> Tensor;
    fn ggml_flash_attn_ext_add_sinks(a: Tensor, sinks: Tensor);

    // Shape and place
    fn ggml_cpy(context: Context, a: Tensor, b: Tensor) -> Tensor;
    fn ggml_cont(context: Context, a: Tensor) -> Tensor;
    fn ggml_concat(context: Context, a: Tensor, b: Tensor, dimension: c_int) -> Tensor;
    fn ggml_repeat(context: Context, a: Tensor, like: Tensor) -> Tensor;
    fn ggml_reshape_4d(context: Context, a: Tensor, ne0: i64, ne1: i64, ne2: i64, ne3: i64) -> Tensor;
    fn ggml_view_4d(
        context: Context, a: Tensor, ne0: i64, ne1: i64, ne2: i64, ne3: i64, nb1: usize, nb2: usize, nb3: usize,
        offset: usize,
    ) -> Tensor;
    fn ggml_get_rows(context: Context, a: Tensor, rows: Tensor) -> Tensor;
    fn ggml_set_rows(context: Context, target: Tensor, source: Tensor, rows: Tensor) -> Tensor;

    // Graphs and their allocation
    fn ggml_new_graph_custom(context: Context, size: usize, gradients: bool) -> Graph;
    fn ggml_graph_overhead_custom(size: usize, gradients: bool) -> usize;
    fn ggml_build_forward_expand(graph: Graph, tensor: Tensor);
    fn ggml_graph_n_nodes(graph: Graph) -> c_int;
    fn ggml_gallocr_new(buffer_type: BufferType) -> *mut ggml_gallocr;
    fn ggml_gallocr_free(allocator: *mut ggml_gallocr);
    fn ggml_gallocr_reserve(allocator: *mut ggml_gallocr, graph: Graph) -> bool;
    fn ggml_gallocr_alloc_graph(allocator: *mut ggml_gallocr, graph: Graph) -> bool;
    fn ggml_gallocr_get_buffer_size(allocator: *mut ggml_gallocr, buffer: c_int) -> usize;

    // Buffers
    fn ggml_backend_buft_name(buffer_type: BufferType) -> *const c_char;
    fn ggml_backend_buft_alloc_buffer(buffer_type: BufferType, size: usize) -> Buffer;
    fn ggml_backend_buft_get_alignment(buffer_type: BufferType) -> usize;
    fn ggml_backend_buft_get_max_size(buffer_type: BufferType) -> usize;
    fn ggml_backend_buft_get_alloc_size(buffer_type: BufferType, tensor: *const ggml_tensor) -> usize;
    fn ggml_backend_buffer_free(buffer: Buffer);
    fn ggml_backend_buffer_get_base(buffer: Buffer) -> *mut c_void;
    fn ggml_backend_buffer_get_size(buffer: Buffer) -> usize;
    fn ggml_backend_buffer_set_usage(buffer: Buffer, usage: ggml_backend_buffer_usage);
    fn ggml_backend_buffer_clear(buffer: Buffer, value: u8);
    fn ggml_backend_buffer_is_host(buffer: Buffer) -> bool;
    fn ggml_backend_tensor_alloc(buffer: Buffer, tensor: Tensor, address: *mut c_void) -> ggml_status;
    fn ggml_backend_tensor_set(tensor: Tensor, data: *const c_void, offset: usize, size: usize);
    fn ggml_backend_tensor_get(tensor: *const ggml_tensor, data: *mut c_void, offset: usize, size: usize);

    // Backends and devices
    fn ggml_backend_free(backend: Backend);
    fn ggml_backend_graph_compute(backend: Backend, graph: Graph) -> ggml_status;
    fn ggml_backend_dev_get_props(device: Device, properties: *mut ggml_backend_dev_props);
    fn ggml_backend_dev_init(device: Device, parameters: *const c_char) -> Backend;
    fn ggml_backend_dev_buffer_type(device: Device) -> BufferType;
    fn ggml_backend_dev_buffer_from_host_ptr(
        device: Device, address: *mut c_void, size: usize, largest_tensor: usize,
    ) -> Buffer;
    fn ggml_backend_dev_supports_op(device: Device, operation: *const ggml_tensor) -> bool;
    fn ggml_backend_reg_dev_count(registration: Registration) -> usize;
    fn ggml_backend_reg_dev_get(registration: Registration, index: usize) -> Device;
    fn ggml_backend_reg_get_proc_address(registration: Registration, name: *const c_char) -> *mut c_void;
}
