//! Operations of the program language as ggml tensors.
//!
//! Every value is a dense matrix [columns, rows] of F32. Group-wise operations look at it as [group, groups, rows].

use std::collections::BTreeMap;

use shoal_abi::backend::BackendError;
use shoal_ggml_sys::GGML_TYPE_F32;
use shoal_program::{ElementwiseFunction, MemberProgram, Operation, RotaryStyle, Segment, ValueRows};

use crate::executor::inputs::{InputTensors, Inputs};
use crate::executor::plan::{SegmentGraph, StepShape};
use crate::executor::states::States;
use crate::executor::values::Values;
use crate::executor::weights::Weights;
use crate::graph::Graph;
use crate::library::Library;
use crate::operations::{Binary, RotaryPairs, Unary};
use crate::tensor::{Arena, Tensor};

type Result<T> = std::result::Result<T, BackendError>;

/// What the graphs of a program are made of.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'executable> {
    pub library: &'static Library,
    pub program: &'executable MemberProgram,
    pub weights: &'executable Weights,
    pub states: &'executable States,
    pub values: &'executable Values,
    pub inputs: &'executable Inputs,
}

/// Tensors that one operation makes at most, views and copies included, attention's runs apart.
const TENSORS_PER_OPERATION: usize = 24;
/// Tensors that attention makes for each run of sequences.
const TENSORS_PER_RUN: usize = 8;

/// Builds the graph of one segment for a shape; none where the shape leaves it without work.
///
/// # Errors
/// `PROGRAM_OPERATION_UNSUPPORTED` with the operation's name, `BACKEND_UNSUPPORTED` for shapes that ggml cannot take.
pub(crate) fn build(parts: Parts<'_>, segment: &Segment, shape: &StepShape) -> Result<Option<SegmentGraph>> {
    let runs = shape.runs().len();
    let attentions = segment
        .operations
        .iter()
        .filter(|item| matches!(item, Operation::Attention { .. }))
        .count();
    let tensors = segment.operations.len() * TENSORS_PER_OPERATION + attentions * runs * TENSORS_PER_RUN + 16;
    let arena = Arena::new(parts.library, tensors, 2 * tensors)?;
    let graph = Graph::new(&arena, 2 * tensors)?;
    let mut builder = Builder {
        parts,
        shape,
        arena: &arena,
        graph,
        inputs: parts.inputs.tensors(&arena, shape),
        values: BTreeMap::new(),
    };
    for operation in &segment.operations {
        builder.lower(operation).map_err(|error| BackendError {
            message: format!("operation '{}': {}", operation.name(), error.message),
            ..error
        })?;
    }
    if graph.len(&arena) == 0 {
        return Ok(None);
    }
    Ok(Some(SegmentGraph { graph, _arena: arena }))
}

struct Builder<'build> {
    parts: Parts<'build>,
    shape: &'build StepShape,
    arena: &'build Arena,
    graph: Graph,
    inputs: InputTensors<'build>,
    /// The values that this segment has read or made so far.
    values: BTreeMap<&'build str, Tensor>,
}

impl<'build> Builder<'build> {
    fn lower(&mut self, operation: &'build Operation) -> Result<()> {
        let Some(name) = operation.output() else {
            return Err(unsupported(operation));
        };
        let rows = self
            .parts
            .program
            .values
            .get(name)
            .map_or(ValueRows::Tokens, |value| value.rows);
        if self.row_count(rows) == 0 {
            return Ok(());
        }
        let tensor = self.tensor_of(operation)?;
        self.define(name, tensor)
    }

    fn row_count(&self, rows: ValueRows) -> usize {
        match rows {
            ValueRows::Tokens => self.shape.rows(),
            ValueRows::Outputs => self.shape.output_rows,
        }
    }

    /// A value made earlier in this segment, or the place where another segment or the driver left it.
    fn value(&mut self, name: &'build str) -> Result<Tensor> {
        if let Some(tensor) = self.values.get(name) {
            return Ok(*tensor);
        }
        let tensor = self
            .placed(name)?
            .ok_or_else(|| invalid(format!("value '{name}' is not defined")))?;
        self.values.insert(name, tensor);
        Ok(tensor)
    }

    /// A tensor at the fixed place of a value that crosses a segment's border.
    fn placed(&self, name: &str) -> Result<Option<Tensor>> {
        let Some(place) = self.parts.values.place(name) else {
            return Ok(None);
        };
        let tensor = self
            .arena
            .tensor(GGML_TYPE_F32, &[place.width, self.row_count(place.rows)])?;
        self.parts.values.region.buffer.place(tensor, place.offset)?;
        Ok(Some(tensor))
    }

    /// Makes a tensor the value's, at its fixed place where it has one.
    fn define(&mut self, name: &'build str, tensor: Tensor) -> Result<()> {
        let tensor = self.arena.dense(tensor)?;
        let Some(place) = self.parts.values.place(name) else {
            self.graph.append(self.arena, tensor);
            self.values.insert(name, tensor);
            return Ok(());
        };
        if tensor.is_computed() && !tensor.is_view() && !tensor.is_placed() {
            // The result is computed straight into its place.
            self.parts.values.region.buffer.place(tensor, place.offset)?;
            self.graph.append(self.arena, tensor);
            self.values.insert(name, tensor);
            return Ok(());
        }
        let target = self
            .placed(name)?
            .ok_or_else(|| invalid(format!("value '{name}' has no place")))?;
        let copy = self.arena.copy(tensor, target)?;
        self.graph.append(self.arena, copy);
        // Later readers follow the copy, so that they come after it.
        self.values.insert(name, copy);
        Ok(())
    }

    fn matrix(&self, name: &str) -> Result<Tensor> {
        self.parts
            .weights
            .matrix(name)
            .ok_or_else(|| invalid(format!("weight '{name}' is not loaded")))
    }

    fn vector(&self, name: &str) -> Result<Tensor> {
        self.parts
            .weights
            .plain(name)
            .ok_or_else(|| invalid(format!("weight '{name}' is not loaded as a vector")))
    }

    fn linear(&self, input: Tensor, weight: &str, bias: Option<&String>) -> Result<Tensor> {
        let product = self.arena.multiply_matrix(self.matrix(weight)?, input)?;
        match bias {
            Some(bias) => self.arena.binary(Binary::Add, product, self.vector(bias)?),
            None => Ok(product),
        }
    }

    /// The value as [group, groups, rows].
    fn grouped(&self, input: Tensor, group: usize) -> Result<Tensor> {
        let [width, rows, ..] = input.shape();
        if group == 0 || !width.is_multiple_of(group) {
            return Err(invalid(format!("{width} columns are not groups of {group}")));
        }
        self.arena.reshape(input, [group, width / group, rows, 1])
    }

    /// [group, groups, rows] as [columns, rows].
    fn flat(&self, input: Tensor) -> Result<Tensor> {
        let dense = self.arena.dense(input)?;
        let [group, groups, rows, _] = dense.shape();
        self.arena.reshape(dense, [group * groups, rows, 1, 1])
    }

    fn tensor_of(&mut self, operation: &'build Operation) -> Result<Tensor> {
        let arena = self.arena;
        match operation {
            Operation::Embedding { weight, .. } => arena.get_rows(self.vector(weight)?, self.inputs.tokens()?),
            Operation::Linear {
                input, weight, bias, ..
            } => {
                let input = self.value(input)?;
                self.linear(input, weight, bias.as_ref())
            }
            Operation::Add { left, right, .. } => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                arena.binary(Binary::Add, left, right)
            }
            Operation::Multiply { left, right, .. } => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                arena.binary(Binary::Multiply, left, right)
            }
            Operation::MultiplyGroups {
                input,
                factors,
                group_size,
                ..
            } => {
                let (input, factors) = (self.value(input)?, self.value(factors)?);
                let (input, factors) = (self.grouped(input, *group_size as usize)?, self.grouped(factors, 1)?);
                self.flat(arena.binary(Binary::Multiply, input, factors)?)
            }
            Operation::MultiplyVector { input, weight, .. } => self.with_vector(Binary::Multiply, input, weight),
            Operation::AddVector { input, weight, .. } => self.with_vector(Binary::Add, input, weight),
            Operation::Scale {
                input, factor, offset, ..
            } => arena.scale(self.value(input)?, *factor as f32, offset.unwrap_or(0.0) as f32),
            Operation::Clamp {
                input,
                minimum,
                maximum,
                ..
            } => {
                let limit = |bound: &Option<f64>, none: f32| bound.map_or(none, |number| number as f32);
                arena.clamp(
                    self.value(input)?,
                    limit(minimum, f32::NEG_INFINITY),
                    limit(maximum, f32::INFINITY),
                )
            }
            Operation::Elementwise { function, input, .. } => {
                let input = self.value(input)?;
                self.elementwise(*function, input)
            }
            Operation::RmsNorm {
                input,
                weight,
                weight_offset,
                epsilon,
                group_size,
                ..
            } => {
                let input = self.group_of(input, *group_size)?;
                let mut result = arena.rms_norm(input, *epsilon as f32)?;
                if let Some(weight) = weight {
                    let mut weight = self.vector(weight)?;
                    if let Some(offset) = weight_offset {
                        weight = arena.scale(weight, 1.0, *offset as f32)?;
                    }
                    result = arena.binary(Binary::Multiply, result, weight)?;
                }
                self.flat(result)
            }
            Operation::LayerNorm {
                input,
                weight,
                bias,
                epsilon,
                group_size,
                ..
            } => {
                let input = self.group_of(input, *group_size)?;
                let mut result = arena.layer_norm(input, *epsilon as f32)?;
                if let Some(weight) = weight {
                    result = arena.binary(Binary::Multiply, result, self.vector(weight)?)?;
                }
                if let Some(bias) = bias {
                    result = arena.binary(Binary::Add, result, self.vector(bias)?)?;
                }
                self.flat(result)
            }
            Operation::L2Norm {
                input,
                epsilon,
                group_size,
                ..
            } => {
                // x / √(Σx² + e) = x / √(mean(x²) + e/n) / √n
                let input = self.group_of(input, *group_size)?;
                let count = input.shape()[0] as f64;
                let result = arena.rms_norm(input, (*epsilon / count) as f32)?;
                self.flat(arena.scale(result, (1.0 / count.sqrt()) as f32, 0.0)?)
            }
            Operation::Rotary {
                input,
                head_size,
                rotated_size,
                style,
                inverse_frequencies,
                magnitude,
                ..
            } => {
                let value = self.value(input)?;
                let heads = self.grouped(value, *head_size as usize)?;
                let periods = self.parts.weights.periods(inverse_frequencies);
                let periods = periods.ok_or_else(|| invalid("rotary frequencies are not loaded"))?;
                let pairs = match style {
                    RotaryStyle::Half => RotaryPairs::Half,
                    RotaryStyle::Interleaved => RotaryPairs::Interleaved,
                };
                let positions = self.inputs.positions()?;
                let size = *rotated_size as usize;
                self.flat(arena.rotate(heads, positions, periods, size, pairs, *magnitude as f32)?)
            }
            Operation::Slice {
                input,
                from,
                to,
                group_size,
                ..
            } => {
                let input = self.group_of(input, *group_size)?;
                let (from, to) = (*from as usize, *to as usize);
                let [_, groups, rows, _] = input.shape();
                let [element, stride1, stride2, stride3] = input.strides();
                if from >= to {
                    return Err(invalid(format!("columns [{from}, {to}) are none")));
                }
                let view = arena.view(
                    input,
                    [to - from, groups, rows, 1],
                    [stride1, stride2, stride3],
                    from * element,
                )?;
                self.flat(view)
            }
            Operation::Concat {
                inputs, group_sizes, ..
            } => {
                let mut joined: Option<Tensor> = None;
                for (index, input) in inputs.iter().enumerate() {
                    let size = group_sizes.as_ref().and_then(|sizes| sizes.get(index)).copied();
                    let part = self.group_of(input, size)?;
                    joined = Some(match joined {
                        Some(left) => arena.concat(left, part, 0)?,
                        None => part,
                    });
                }
                self.flat(joined.ok_or_else(|| invalid("a concatenation of nothing"))?)
            }
            Operation::Repeat {
                input,
                group_size,
                times,
                ..
            } => {
                let input = self.group_of(input, *group_size)?;
                let [group, groups, rows, _] = input.shape();
                let single = arena.reshape(input, [group, 1, groups, rows])?;
                let repeated = arena.repeat(single, [group, *times as usize, groups, rows])?;
                arena.reshape(repeated, [group * *times as usize * groups, rows, 1, 1])
            }
            Operation::SelectOutputs { input, .. } => arena.get_rows(self.value(input)?, self.inputs.output_rows()?),
            Operation::Softmax { input, group_size, .. } => {
                let input = self.group_of(input, *group_size)?;
                self.flat(arena.softmax(input)?)
            }
            Operation::SumGroups { input, group_size, .. } => {
                let input = self.group_of(input, Some(*group_size))?;
                self.flat(arena.sum_rows(input)?)
            }
            Operation::Zeros { width, output } => {
                let rows = self
                    .parts
                    .program
                    .values
                    .get(output)
                    .map_or(ValueRows::Tokens, |value| value.rows);
                arena.repeat(self.parts.weights.zero(), [*width as usize, self.row_count(rows), 1, 1])
            }
            Operation::Attention { .. } => self.attention(operation),
            Operation::GatedFeedForward {
                input,
                gate,
                up,
                down,
                gate_bias,
                up_bias,
                down_bias,
                activation,
                ..
            } => {
                let input = self.value(input)?;
                let gate = self.linear(input, gate, gate_bias.as_ref())?;
                let up = self.linear(input, up, up_bias.as_ref())?;
                let inner = match activation {
                    ElementwiseFunction::Silu => arena.gated_silu(gate, up)?,
                    other => arena.binary(Binary::Multiply, self.elementwise(*other, gate)?, up)?,
                };
                self.linear(inner, down, down_bias.as_ref())
            }
            // The program language grows; what is not above is refused by its name.
            #[allow(unreachable_patterns)]
            other => Err(unsupported(other)),
        }
    }

    /// The value as [group, groups, rows]; without a group size, one group of all columns.
    fn group_of(&mut self, name: &'build str, group_size: Option<u64>) -> Result<Tensor> {
        let value = self.value(name)?;
        let group = group_size.map_or(value.shape()[0], |size| size as usize);
        self.grouped(value, group)
    }

    /// Combines each row with a weight vector, which repeats over groups of its length.
    fn with_vector(&mut self, function: Binary, input: &'build str, weight: &str) -> Result<Tensor> {
        let vector = self.vector(weight)?;
        let input = self.value(input)?;
        let grouped = self.grouped(input, vector.shape()[0])?;
        self.flat(self.arena.binary(function, grouped, vector)?)
    }

    fn elementwise(&self, function: ElementwiseFunction, input: Tensor) -> Result<Tensor> {
        let arena = self.arena;
        let unary = match function {
            ElementwiseFunction::Silu => Unary::Silu,
            ElementwiseFunction::Gelu => Unary::Gelu,
            ElementwiseFunction::Sigmoid => Unary::Sigmoid,
            ElementwiseFunction::Softplus => Unary::Softplus,
            ElementwiseFunction::Relu => Unary::Relu,
            ElementwiseFunction::Tanh => Unary::Tanh,
            ElementwiseFunction::Exp => Unary::Exp,
            ElementwiseFunction::Negate => Unary::Negate,
            ElementwiseFunction::GeluTanh => {
                // ggml's own reads a table in half precision. x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))
                const ROOT: f32 = 0.797_884_6;
                let square = arena.binary(Binary::Multiply, input, input)?;
                let slope = arena.scale(square, 0.044_715 * ROOT, ROOT)?;
                let inner = arena.unary(Unary::Tanh, arena.binary(Binary::Multiply, input, slope)?)?;
                return arena.binary(Binary::Multiply, input, arena.scale(inner, 0.5, 0.5)?);
            }
            #[allow(unreachable_patterns)]
            other => {
                let message = format!("the ggml backend has no element-wise function {other:?}");
                return Err(BackendError::new("PROGRAM_OPERATION_UNSUPPORTED", message));
            }
        };
        arena.unary(unary, input)
    }

    fn attention(&mut self, operation: &'build Operation) -> Result<Tensor> {
        let Operation::Attention {
            query,
            key,
            value,
            state,
            head_size,
            value_head_size,
            scale,
            window,
            sinks,
            ..
        } = operation
        else {
            return Err(unsupported(operation));
        };
        let arena = self.arena;
        let head_size = *head_size as usize;
        let value_head_size = value_head_size.map_or(head_size, |size| size as usize);
        let window = window.map(|positions| positions as usize);
        let (query, key, value) = (self.value(query)?, self.value(key)?, self.value(value)?);
        let stored = self
            .parts
            .states
            .key_value(state)
            .ok_or_else(|| invalid(format!("no state '{state}'")))?;
        let sinks = sinks.as_ref().map(|name| self.vector(name)).transpose()?;

        let rows = self.inputs.state_rows()?;
        self.graph.append(arena, arena.set_rows(stored.keys, key, rows)?);
        self.graph.append(arena, arena.set_rows(stored.values, value, rows)?);

        let key_heads = stored.keys.shape()[0] / head_size;
        let heads = query.shape()[0] / head_size;
        let positions = self.shape.positions;
        let mut joined: Option<Tensor> = None;
        for run in self.shape.runs() {
            let (tokens, sequences) = (run.token_count, run.sequence_count);
            let row_bytes = query.row_bytes();
            let queries = arena.view(
                query,
                [head_size, tokens, heads, sequences],
                [row_bytes, head_size * query.strides()[0], tokens * row_bytes],
                run.first_row * row_bytes,
            )?;
            let slots = |tensor: Tensor, size: usize| {
                let row_bytes = tensor.row_bytes();
                let slot_bytes = self.parts.states.stride() * row_bytes;
                arena.view(
                    tensor,
                    [size, positions, key_heads, sequences],
                    [row_bytes, size * tensor.strides()[0], slot_bytes],
                    run.first_slot as usize * slot_bytes,
                )
            };
            let (keys, values) = (slots(stored.keys, head_size)?, slots(stored.values, value_head_size)?);
            let mask = self.inputs.mask(window, &run)?;
            let result = arena.flash_attention(queries, keys, values, mask, sinks, *scale as f32)?;
            let result = arena.reshape(result, [value_head_size * heads, tokens * sequences, 1, 1])?;
            joined = Some(match joined {
                Some(before) => arena.concat(before, result, 1)?,
                None => result,
            });
        }
        joined.ok_or_else(|| invalid("attention without sequences"))
    }
}

fn unsupported(operation: &Operation) -> BackendError {
    BackendError::new(
        "PROGRAM_OPERATION_UNSUPPORTED",
        format!("the ggml backend does not run the operation '{}' yet", operation.name()),
    )
}

fn invalid(message: impl Into<String>) -> BackendError {
    BackendError::new("PROGRAM_INVALID", message)
}
