//! Operations on tensors, each checked before ggml is called: ggml ends the process where a shape does not fit.

use std::ffi::c_int;
use std::ptr::null_mut;

use shoal_abi::ErrorCode;
use shoal_abi::backend::BackendError;
use shoal_ggml_sys::{
    Base, GGML_MAX_DIMS, GGML_PREC_F32, GGML_ROPE_TYPE_NEOX, GGML_ROPE_TYPE_NORMAL, GGML_TYPE_F16, GGML_TYPE_F32,
    GGML_TYPE_I32, GGML_TYPE_I64, ggml_context, ggml_tensor,
};

use crate::tensor::{Arena, Tensor};

type Result<T> = std::result::Result<T, BackendError>;

/// Functions of one argument, element by element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unary {
    Silu,
    /// The exact form, with the error function.
    Gelu,
    Sigmoid,
    Softplus,
    Relu,
    Tanh,
    Exp,
    Negate,
}

/// Functions of two arguments, element by element; the second is repeated to the shape of the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    Multiply,
}

/// Which columns a rotation pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RotaryPairs {
    /// i with i + size/2.
    Half,
    /// 2i with 2i + 1.
    Interleaved,
}

fn check(holds: bool, message: impl FnOnce() -> String) -> Result<()> {
    if holds {
        Ok(())
    } else {
        Err(BackendError::new(ErrorCode::BackendUnsupported.name(), message()))
    }
}

impl Arena {
    fn make(&self, call: impl FnOnce(&Base, *mut ggml_context) -> *mut ggml_tensor) -> Result<Tensor> {
        // Operations make one tensor, two at most.
        self.reserve(2)?;
        let pointer = call(self.library().functions(), self.context());
        self.adopt(pointer)
    }

    /// input · weightᵀ: weight [inputs, outputs], input [inputs, rows] → [outputs, rows].
    pub(crate) fn multiply_matrix(&self, weight: Tensor, input: Tensor) -> Result<Tensor> {
        let (w, x) = (weight.shape(), input.shape());
        check(
            w[0] == x[0] && x[2].is_multiple_of(w[2]) && x[3].is_multiple_of(w[3]),
            || format!("a matrix of shape {w:?} cannot multiply rows of shape {x:?}"),
        )?;
        check(input.element_type() == GGML_TYPE_F32, || {
            "products take rows in F32".to_owned()
        })?;
        // SAFETY: the shapes fit.
        self.make(|ggml, context| unsafe { (ggml.ggml_mul_mat)(context, weight.pointer(), input.pointer()) })
    }

    pub(crate) fn binary(&self, function: Binary, left: Tensor, right: Tensor) -> Result<Tensor> {
        let (a, b) = (left.shape(), right.shape());
        let repeats = (0..GGML_MAX_DIMS).all(|axis| b[axis] != 0 && a[axis].is_multiple_of(b[axis]));
        check(repeats, || format!("shape {b:?} cannot be repeated to {a:?}"))?;
        self.make(|ggml, context| {
            let call = match function {
                Binary::Add => ggml.ggml_add,
                Binary::Multiply => ggml.ggml_mul,
            };
            // SAFETY: the right one repeats to the left one.
            unsafe { call(context, left.pointer(), right.pointer()) }
        })
    }

    pub(crate) fn unary(&self, function: Unary, input: Tensor) -> Result<Tensor> {
        check(input.is_contiguous(), || {
            "element-wise functions take dense rows".to_owned()
        })?;
        self.make(|ggml, context| {
            let call = match function {
                Unary::Silu => ggml.ggml_silu,
                Unary::Gelu => ggml.ggml_gelu_erf,
                Unary::Sigmoid => ggml.ggml_sigmoid,
                Unary::Softplus => ggml.ggml_softplus,
                Unary::Relu => ggml.ggml_relu,
                Unary::Tanh => ggml.ggml_tanh,
                Unary::Exp => ggml.ggml_exp,
                Unary::Negate => ggml.ggml_neg,
            };
            // SAFETY: the input is dense.
            unsafe { call(context, input.pointer()) }
        })
    }

    /// silu(gate) · up.
    pub(crate) fn gated_silu(&self, gate: Tensor, up: Tensor) -> Result<Tensor> {
        check(
            gate.shape() == up.shape() && gate.is_contiguous() && up.is_contiguous(),
            || format!("gate {:?} and up {:?} differ", gate.shape(), up.shape()),
        )?;
        // SAFETY: equal dense shapes.
        self.make(|ggml, context| unsafe { (ggml.ggml_swiglu_split)(context, gate.pointer(), up.pointer()) })
    }

    /// input · factor + offset.
    pub(crate) fn scale(&self, input: Tensor, factor: f32, offset: f32) -> Result<Tensor> {
        check(input.is_contiguous(), || "scaling takes dense rows".to_owned())?;
        // SAFETY: the input is dense.
        self.make(|ggml, context| unsafe { (ggml.ggml_scale_bias)(context, input.pointer(), factor, offset) })
    }

    /// Limits every element; in memory of its own, where ggml's works in place.
    pub(crate) fn clamp(&self, input: Tensor, minimum: f32, maximum: f32) -> Result<Tensor> {
        let copy = self.dense_copy(input)?;
        // SAFETY: any F32 tensor; the copy is used here only.
        self.make(|ggml, context| unsafe { (ggml.ggml_clamp)(context, copy.pointer(), minimum, maximum) })
    }

    /// x / √(mean(x²) + epsilon) over dimension 0.
    pub(crate) fn rms_norm(&self, input: Tensor, epsilon: f32) -> Result<Tensor> {
        // SAFETY: any F32 tensor with dense rows.
        self.make(|ggml, context| unsafe { (ggml.ggml_rms_norm)(context, input.pointer(), epsilon) })
    }

    /// (x − mean(x)) / √(variance + epsilon) over dimension 0.
    pub(crate) fn layer_norm(&self, input: Tensor, epsilon: f32) -> Result<Tensor> {
        // SAFETY: any F32 tensor with dense rows.
        self.make(|ggml, context| unsafe { (ggml.ggml_norm)(context, input.pointer(), epsilon) })
    }

    pub(crate) fn softmax(&self, input: Tensor) -> Result<Tensor> {
        check(input.is_contiguous(), || "softmax takes dense rows".to_owned())?;
        // SAFETY: the input is dense; there is no mask.
        self.make(|ggml, context| unsafe { (ggml.ggml_soft_max_ext)(context, input.pointer(), null_mut(), 1.0, 0.0) })
    }

    /// Sums over dimension 0, which becomes 1.
    pub(crate) fn sum_rows(&self, input: Tensor) -> Result<Tensor> {
        // SAFETY: any F32 tensor with dense rows.
        self.make(|ggml, context| unsafe { (ggml.ggml_sum_rows)(context, input.pointer()) })
    }

    /// Rotates the first `rotated` columns of input [head size, heads, rows] by position · frequency, where `periods`
    /// [rotated / 2] holds the frequencies' reciprocals, and multiplies by `magnitude`.
    pub(crate) fn rotate(
        &self,
        input: Tensor,
        positions: Tensor,
        periods: Tensor,
        rotated: usize,
        pairs: RotaryPairs,
        magnitude: f32,
    ) -> Result<Tensor> {
        let shape = input.shape();
        let fits = rotated.is_multiple_of(2)
            && rotated <= shape[0]
            && periods.shape()[0] == rotated / 2
            && positions.shape()[0] == shape[2]
            && positions.element_type() == GGML_TYPE_I32;
        check(fits, || {
            format!("{rotated} columns of shape {shape:?} cannot be rotated")
        })?;
        let mode = match pairs {
            RotaryPairs::Half => GGML_ROPE_TYPE_NEOX,
            RotaryPairs::Interleaved => GGML_ROPE_TYPE_NORMAL,
        };
        // A base of 1 makes every angle position / period, so that any table of frequencies can be given.
        // SAFETY: the shapes fit.
        self.make(|ggml, context| unsafe {
            (ggml.ggml_rope_ext)(
                context,
                input.pointer(),
                positions.pointer(),
                periods.pointer(),
                rotated as c_int,
                mode,
                0,
                1.0,
                1.0,
                0.0,
                magnitude,
                0.0,
                0.0,
            )
        })
    }

    /// Softmax(scale · query · keyᵀ + mask) · value: query [size, rows, heads, n], key [size, positions, kv heads, n],
    /// value [value size, positions, kv heads, n], mask [positions, rows, 1, n] in F16 → [value size, heads, rows, n].
    pub(crate) fn flash_attention(
        &self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor,
        sinks: Option<Tensor>,
        scale: f32,
    ) -> Result<Tensor> {
        let (q, k, v, m) = (query.shape(), key.shape(), value.shape(), mask.shape());
        let fits = q[0] == k[0]
            && k[1] == v[1]
            && k[2] == v[2]
            && q[2].is_multiple_of(k[2])
            && q[3] == k[3]
            && q[3] == v[3]
            && m[0] == k[1]
            && m[1] == q[1]
            && m[2] == 1
            && q[3].is_multiple_of(m[3])
            && mask.element_type() == GGML_TYPE_F16
            && mask.is_contiguous()
            && sinks.is_none_or(|sinks| sinks.elements() == q[2]);
        check(fits, || {
            format!("attention of queries {q:?} to keys {k:?}, values {v:?} under mask {m:?} is not possible")
        })?;
        // SAFETY: the shapes fit.
        let result = self.make(|ggml, context| unsafe {
            (ggml.ggml_flash_attn_ext)(
                context,
                query.pointer(),
                key.pointer(),
                value.pointer(),
                mask.pointer(),
                scale,
                0.0,
                0.0,
            )
        })?;
        // SAFETY: the result is an attention; sinks have one entry a head.
        unsafe {
            let functions = self.library().functions();
            (functions.ggml_prec_set_acc)(result.pointer(), GGML_PREC_F32);
            if let Some(sinks) = sinks {
                (functions.ggml_flash_attn_ext_add_sinks)(result.pointer(), sinks.pointer());
            }
        }
        Ok(result)
    }

    /// Rows of `table` named by `rows` (I32), as F32.
    pub(crate) fn get_rows(&self, table: Tensor, rows: Tensor) -> Result<Tensor> {
        check(rows.element_type() == GGML_TYPE_I32 && table.shape()[2] == 1, || {
            "rows are picked by I32".to_owned()
        })?;
        // SAFETY: the types fit; the numbers inside `rows` are checked when they are written.
        self.make(|ggml, context| unsafe { (ggml.ggml_get_rows)(context, table.pointer(), rows.pointer()) })
    }

    /// Writes the rows of `source` into the rows of `target` named by `rows` (I64); a view of `target`.
    pub(crate) fn set_rows(&self, target: Tensor, source: Tensor, rows: Tensor) -> Result<Tensor> {
        let (t, s) = (target.shape(), source.shape());
        let fits = t[0] == s[0]
            && rows.shape()[0] == s[1]
            && s[2] == 1
            && rows.element_type() == GGML_TYPE_I64
            && source.element_type() == GGML_TYPE_F32;
        check(fits, || format!("rows of shape {s:?} cannot be written into {t:?}"))?;
        // SAFETY: shapes and types fit; the numbers inside `rows` are checked when they are written.
        self.make(|ggml, context| unsafe {
            (ggml.ggml_set_rows)(context, target.pointer(), source.pointer(), rows.pointer())
        })
    }

    /// Copies `source` into `target`; a view of `target`.
    pub(crate) fn copy(&self, source: Tensor, target: Tensor) -> Result<Tensor> {
        check(source.elements() == target.elements(), || {
            "a copy has as many elements as its source".to_owned()
        })?;
        // SAFETY: equally many elements.
        self.make(|ggml, context| unsafe { (ggml.ggml_cpy)(context, source.pointer(), target.pointer()) })
    }

    /// The elements one after the other, in memory of its own.
    pub(crate) fn dense_copy(&self, input: Tensor) -> Result<Tensor> {
        // SAFETY: any tensor.
        self.make(|ggml, context| unsafe { (ggml.ggml_cont)(context, input.pointer()) })
    }

    /// `input` itself where it is dense, else a dense copy.
    pub(crate) fn dense(&self, input: Tensor) -> Result<Tensor> {
        if input.is_contiguous() {
            Ok(input)
        } else {
            self.dense_copy(input)
        }
    }

    /// Joins along one dimension; the others must agree.
    pub(crate) fn concat(&self, left: Tensor, right: Tensor, axis: usize) -> Result<Tensor> {
        let (a, b) = (left.shape(), right.shape());
        let fits = axis < GGML_MAX_DIMS && (0..GGML_MAX_DIMS).all(|other| other == axis || a[other] == b[other]);
        check(fits && left.element_type() == right.element_type(), || {
            format!("shapes {a:?} and {b:?} cannot be joined along dimension {axis}")
        })?;
        // SAFETY: the other dimensions agree.
        self.make(|ggml, context| unsafe {
            (ggml.ggml_concat)(context, left.pointer(), right.pointer(), axis as c_int)
        })
    }

    /// The same elements in another shape; the input must be dense.
    pub(crate) fn reshape(&self, input: Tensor, shape: [usize; GGML_MAX_DIMS]) -> Result<Tensor> {
        let fits = input.is_contiguous() && shape.iter().product::<usize>() == input.elements();
        check(fits, || format!("shape {:?} cannot become {shape:?}", input.shape()))?;
        let [a, b, c, d] = shape.map(|elements| elements as i64);
        // SAFETY: equally many elements, dense.
        self.make(|ggml, context| unsafe { (ggml.ggml_reshape_4d)(context, input.pointer(), a, b, c, d) })
    }

    /// Repeats to a shape whose dimensions are multiples of the input's.
    pub(crate) fn repeat(&self, input: Tensor, shape: [usize; GGML_MAX_DIMS]) -> Result<Tensor> {
        let own = input.shape();
        let fits = (0..GGML_MAX_DIMS).all(|axis| own[axis] != 0 && shape[axis].is_multiple_of(own[axis]));
        check(fits, || format!("shape {own:?} cannot be repeated to {shape:?}"))?;
        let like = self.tensor(GGML_TYPE_F32, &shape)?;
        // SAFETY: the shape is a multiple; `like` gives its shape only.
        self.make(|ggml, context| unsafe { (ggml.ggml_repeat)(context, input.pointer(), like.pointer()) })
    }

    /// A part of `input`, `offset` bytes in, with strides in bytes for dimensions 1 to 3.
    pub(crate) fn view(
        &self,
        input: Tensor,
        shape: [usize; GGML_MAX_DIMS],
        strides: [usize; 3],
        offset: usize,
    ) -> Result<Tensor> {
        let element_bytes = input.strides()[0];
        let last: usize = (0..3)
            .map(|axis| shape[axis + 1].saturating_sub(1) * strides[axis])
            .sum();
        let end = offset + last + shape[0] * element_bytes;
        check(end <= input.bytes() || shape.contains(&0), || {
            format!("a view of shape {shape:?} leaves a tensor of shape {:?}", input.shape())
        })?;
        let [a, b, c, d] = shape.map(|elements| elements as i64);
        // SAFETY: the view stays inside the input.
        self.make(|ggml, context| unsafe {
            (ggml.ggml_view_4d)(
                context,
                input.pointer(),
                a,
                b,
                c,
                d,
                strides[0],
                strides[1],
                strides[2],
                offset,
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use shoal_program::StorageType;
    use shoal_weights::{decode_row, encode_row};

    use super::*;
    use crate::graph::{Graph, GraphAllocator, Session};
    use crate::library::Library;
    use crate::storage::weight_type;

    /// Numbers between −1 and 1 that look random.
    fn noise(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let next = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..count).map(next).collect()
    }

    fn read(tensor: Tensor) -> Vec<f32> {
        // SAFETY: a dense F32 result in host memory.
        unsafe { std::slice::from_raw_parts(tensor.data().cast::<f32>(), tensor.elements()) }.to_vec()
    }

    /// Multiplies in every storage type, from ordinary and from rearranging memory, and compares with plain Rust.
    #[test]
    fn products_are_right_in_every_storage_type_and_memory() {
        const INPUTS: usize = 256;
        const OUTPUTS: usize = 48;
        let library = Library::load(&Default::default()).unwrap();
        let device = library.device("CPU").unwrap();
        // Rows are rounded too: to 16 bits, or to 8 bits for blocks.
        for storage in StorageType::ALL {
            let tolerance = match storage {
                StorageType::F32 => 1e-5,
                StorageType::F16 => 2e-3,
                StorageType::Bf16 => 1e-2,
                _ => 2e-2,
            };
            let row_bytes = storage.bytes(INPUTS as u64).unwrap() as usize;
            let (mut stored, mut rounded) = (vec![0_u8; row_bytes * OUTPUTS], vec![0_f32; INPUTS * OUTPUTS]);
            for (index, row) in noise(INPUTS * OUTPUTS, 7).chunks(INPUTS).enumerate() {
                let bytes = &mut stored[index * row_bytes..][..row_bytes];
                encode_row(row, storage, bytes);
                decode_row(bytes, storage, &mut rounded[index * INPUTS..][..INPUTS]);
            }
            let repacking = device.repacking_buffer_type(storage, INPUTS, OUTPUTS).unwrap();
            for memory in [Some(device.default_buffer_type().unwrap()), repacking]
                .into_iter()
                .flatten()
            {
                for (rows, threads) in [(1, 1), (3, 2), (17, 1)] {
                    let input = noise(INPUTS * rows, 99);
                    let arena = Arena::new(library, 16, 32).unwrap();
                    let weight = arena.tensor(weight_type(storage), &[INPUTS, OUTPUTS]).unwrap();
                    let buffer = memory.allocate(memory.tensor_bytes(weight)).unwrap();
                    buffer.place(weight, 0).unwrap();
                    let x = arena.tensor(GGML_TYPE_F32, &[INPUTS, rows]).unwrap();
                    let input_buffer = device.default_buffer_type().unwrap().allocate(input.len() * 4).unwrap();
                    input_buffer.place(x, 0).unwrap();
                    // SAFETY: both tensors are placed and have as many bytes.
                    unsafe {
                        let set = library.functions().ggml_backend_tensor_set;
                        set(weight.pointer(), stored.as_ptr().cast(), 0, stored.len());
                        set(x.pointer(), input.as_ptr().cast(), 0, input.len() * 4);
                    }
                    let product = arena.multiply_matrix(weight, x).unwrap();
                    let graph = Graph::new(&arena, 16).unwrap();
                    graph.append(&arena, product);
                    let mut allocator = GraphAllocator::new(device, device.default_buffer_type().unwrap()).unwrap();
                    allocator.place(graph).unwrap();
                    Session::open(device, threads).unwrap().compute(graph).unwrap();
                    for (index, found) in read(product).into_iter().enumerate() {
                        let (row, output) = (index / OUTPUTS, index % OUTPUTS);
                        let pairs = rounded[output * INPUTS..][..INPUTS]
                            .iter()
                            .zip(&input[row * INPUTS..][..INPUTS]);
                        let (sum, size) = pairs.fold((0.0_f64, 0.0_f64), |(sum, size), (w, x)| {
                            let product = f64::from(*w) * f64::from(*x);
                            (sum + product, size + product * product)
                        });
                        let error = (f64::from(found) - sum).abs() / size.sqrt();
                        assert!(
                            error < tolerance,
                            "{storage:?}, {rows} rows, {memory:?}: {found} is not {sum}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn shapes_that_do_not_fit_are_errors() {
        let library = Library::load(&Default::default()).unwrap();
        let arena = Arena::new(library, 16, 0).unwrap();
        let matrix = arena.tensor(GGML_TYPE_F32, &[8, 4]).unwrap();
        let rows = arena.tensor(GGML_TYPE_F32, &[6, 2]).unwrap();
        assert_eq!(
            arena.multiply_matrix(matrix, rows).unwrap_err().code,
            "BACKEND_UNSUPPORTED"
        );
        assert_eq!(
            arena.binary(Binary::Add, matrix, rows).unwrap_err().code,
            "BACKEND_UNSUPPORTED"
        );
        assert_eq!(
            arena.view(rows, [6, 3, 1, 1], [24, 24, 24], 0).unwrap_err().code,
            "BACKEND_UNSUPPORTED"
        );
        assert!(arena.reshape(rows, [4, 3, 1, 1]).is_ok());
    }

    #[test]
    fn a_full_arena_is_an_error() {
        let library = Library::load(&Default::default()).unwrap();
        let arena = Arena::new(library, 2, 0).unwrap();
        let made = (0..10).map_while(|_| arena.tensor(GGML_TYPE_F32, &[4]).ok()).count();
        assert!((2..10).contains(&made), "{made}");
    }
}
