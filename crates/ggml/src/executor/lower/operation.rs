//! Each operation as tensors.

use shoal_abi::backend::BackendError;
use shoal_program::{ElementwiseFunction, Operation, RotaryStyle, ValueRows};

use super::{Builder, Result, invalid, unsupported};
use crate::operations::{Binary, RotaryPairs, Unary};
use crate::tensor::Tensor;

impl<'build> Builder<'build> {
    /// The value that the operation defines.
    pub(super) fn tensor_of(&mut self, operation: &'build Operation) -> Result<Tensor> {
        let arena = self.arena;
        match operation {
            Operation::Embedding { weight, .. } => {
                match self.parts.weights.step_table(weight, self.shape.rows(), arena)? {
                    Some((table, numbers)) => arena.get_rows(table, numbers),
                    None => arena.get_rows(self.vector(weight)?, self.inputs.tokens()?),
                }
            }
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
}
