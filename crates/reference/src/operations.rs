//! Every operation of the language, as its definition reads.

use shoal_abi::backend::BackendError;
use shoal_program::{Operation, RotaryStyle};

use crate::attention::{AttentionShape, attend};
use crate::executable::Memory;
use crate::functions::{elementwise, map, per_group, sum_of_squares, zip};

/// Runs one operation and stores its result.
pub(crate) fn run(memory: &mut Memory, operation: &Operation) -> Result<(), BackendError> {
    let (name, result) = compute(memory, operation)?;
    memory.values.insert(name.to_owned(), result);
    Ok(())
}

impl Memory {
    fn value(&self, name: &str) -> Result<&[f32], BackendError> {
        let missing = || BackendError::new("PROGRAM_INVALID", format!("value '{name}' is not there yet"));
        self.values.get(name).map(Vec::as_slice).ok_or_else(missing)
    }

    fn weight(&self, name: &str) -> Result<&[f32], BackendError> {
        let missing = || BackendError::new("PROGRAM_INVALID", format!("weight '{name}' is not there"));
        self.weights.get(name).map(Vec::as_slice).ok_or_else(missing)
    }

    fn optional_weight(&self, name: Option<&String>) -> Result<Option<&[f32]>, BackendError> {
        name.map(|name| self.weight(name)).transpose()
    }

    fn group(&self, input: &str, group_size: Option<u64>) -> usize {
        group_size
            .map_or_else(|| self.width(input), |size| size as usize)
            .max(1)
    }

    /// input · weightᵀ + bias
    fn linear(
        &self,
        input: &[f32],
        width: usize,
        weight: &str,
        bias: Option<&String>,
    ) -> Result<Vec<f32>, BackendError> {
        let (weight, bias) = (self.weight(weight)?, self.optional_weight(bias)?);
        let outputs = weight.len() / width;
        let mut result = Vec::with_capacity(input.len() / width * outputs);
        for row in input.chunks_exact(width) {
            for (index, weights) in weight.chunks_exact(width).enumerate() {
                let products = row
                    .iter()
                    .zip(weights)
                    .map(|(left, right)| f64::from(*left) * f64::from(*right));
                let bias = bias
                    .and_then(|bias| bias.get(index))
                    .map_or(0.0, |bias| f64::from(*bias));
                result.push((products.sum::<f64>() + bias) as f32);
            }
        }
        Ok(result)
    }
}

fn compute<'operation>(
    memory: &mut Memory,
    operation: &'operation Operation,
) -> Result<(&'operation str, Vec<f32>), BackendError> {
    Ok(match operation {
        Operation::Embedding { weight, output } => {
            let (table, width) = (memory.weight(weight)?, memory.width(output));
            let mut result = Vec::with_capacity(memory.step.tokens.len() * width);
            for token in &memory.step.tokens {
                let start = *token as usize * width;
                let row = table.get(start..start + width);
                let unknown =
                    || BackendError::new("REQUEST_INVALID", format!("token {token} is not in the vocabulary"));
                result.extend_from_slice(row.ok_or_else(unknown)?);
            }
            (output, result)
        }
        Operation::Linear {
            input,
            weight,
            bias,
            output,
        } => (
            output,
            memory.linear(memory.value(input)?, memory.width(input), weight, bias.as_ref())?,
        ),
        Operation::Add { left, right, output } => (
            output,
            zip(memory.value(left)?, memory.value(right)?, |left, right| left + right),
        ),
        Operation::Multiply { left, right, output } => (
            output,
            zip(memory.value(left)?, memory.value(right)?, |left, right| left * right),
        ),
        Operation::MultiplyGroups {
            input,
            factors,
            group_size,
            output,
        } => {
            let groups = memory.value(input)?.chunks_exact(*group_size as usize);
            let products = groups.zip(memory.value(factors)?);
            (
                output,
                products
                    .flat_map(|(group, factor)| group.iter().map(move |value| value * factor))
                    .collect(),
            )
        }
        Operation::MultiplyVector { input, weight, output } => {
            let weight = memory.weight(weight)?;
            (
                output,
                zip(
                    memory.value(input)?,
                    &repeated(weight, memory.value(input)?.len()),
                    |left, right| left * right,
                ),
            )
        }
        Operation::AddVector { input, weight, output } => {
            let weight = memory.weight(weight)?;
            (
                output,
                zip(
                    memory.value(input)?,
                    &repeated(weight, memory.value(input)?.len()),
                    |left, right| left + right,
                ),
            )
        }
        Operation::Scale {
            input,
            factor,
            offset,
            output,
        } => (
            output,
            map(memory.value(input)?, |value| value * factor + offset.unwrap_or(0.0)),
        ),
        Operation::Clamp {
            input,
            minimum,
            maximum,
            output,
        } => {
            let (low, high) = (minimum.unwrap_or(f64::NEG_INFINITY), maximum.unwrap_or(f64::INFINITY));
            (output, map(memory.value(input)?, |value| value.max(low).min(high)))
        }
        Operation::Elementwise {
            function,
            input,
            output,
        } => (output, map(memory.value(input)?, |value| elementwise(*function, value))),
        Operation::RmsNorm {
            input,
            weight,
            weight_offset,
            epsilon,
            group_size,
            output,
        } => {
            let size = memory.group(input, *group_size);
            let weight = memory.optional_weight(weight.as_ref())?.map(<[f32]>::to_vec);
            let (offset, epsilon) = (weight_offset.unwrap_or(0.0), *epsilon);
            let result = per_group(memory.value(input)?, size, |group| {
                let factor = 1.0 / (sum_of_squares(group) / size as f64 + epsilon).sqrt();
                let weight = weight.clone();
                Box::new(move |index, value| {
                    value * factor * weight.as_ref().map_or(1.0, |weight| f64::from(weight[index]) + offset)
                })
            });
            (output, result)
        }
        Operation::LayerNorm {
            input,
            weight,
            bias,
            epsilon,
            group_size,
            output,
        } => {
            let size = memory.group(input, *group_size);
            let weight = memory.optional_weight(weight.as_ref())?.map(<[f32]>::to_vec);
            let bias = memory.optional_weight(bias.as_ref())?.map(<[f32]>::to_vec);
            let epsilon = *epsilon;
            let result = per_group(memory.value(input)?, size, |group| {
                let mean = group.iter().map(|value| f64::from(*value)).sum::<f64>() / size as f64;
                let variance = group
                    .iter()
                    .map(|value| (f64::from(*value) - mean).powi(2))
                    .sum::<f64>()
                    / size as f64;
                let factor = 1.0 / (variance + epsilon).sqrt();
                let (weight, bias) = (weight.clone(), bias.clone());
                Box::new(move |index, value| {
                    (value - mean) * factor * weight.as_ref().map_or(1.0, |weight| f64::from(weight[index]))
                        + bias.as_ref().map_or(0.0, |bias| f64::from(bias[index]))
                })
            });
            (output, result)
        }
        Operation::L2Norm {
            input,
            epsilon,
            group_size,
            output,
        } => {
            let epsilon = *epsilon;
            let result = per_group(memory.value(input)?, memory.group(input, *group_size), |group| {
                let factor = 1.0 / (sum_of_squares(group) + epsilon).sqrt();
                Box::new(move |_, value| value * factor)
            });
            (output, result)
        }
        Operation::Rotary {
            input,
            head_size,
            rotated_size,
            style,
            inverse_frequencies,
            magnitude,
            output,
        } => {
            let (width, head, half) = (memory.width(input), *head_size as usize, *rotated_size as usize / 2);
            let mut result = memory.value(input)?.to_vec();
            for (row, position) in result.chunks_exact_mut(width).zip(&memory.step.positions) {
                for columns in row.chunks_exact_mut(head) {
                    for (index, frequency) in inverse_frequencies.iter().enumerate() {
                        let (first, second) = match style {
                            RotaryStyle::Half => (index, index + half),
                            RotaryStyle::Interleaved => (2 * index, 2 * index + 1),
                        };
                        let (sine, cosine) = (f64::from(*position) * frequency).sin_cos();
                        let (x, y) = (f64::from(columns[first]), f64::from(columns[second]));
                        columns[first] = ((x * cosine - y * sine) * magnitude) as f32;
                        columns[second] = ((y * cosine + x * sine) * magnitude) as f32;
                    }
                }
            }
            (output, result)
        }
        Operation::Slice {
            input,
            from,
            to,
            group_size,
            output,
        } => {
            let groups = memory.value(input)?.chunks_exact(memory.group(input, *group_size));
            (
                output,
                groups
                    .flat_map(|group| group[*from as usize..*to as usize].iter().copied())
                    .collect(),
            )
        }
        Operation::Concat {
            inputs,
            group_sizes,
            output,
        } => {
            let mut result = Vec::with_capacity(memory.rows(output) * memory.width(output));
            let sizes: Vec<usize> = (0..inputs.len())
                .map(|index| memory.group(&inputs[index], group_sizes.as_ref().map(|sizes| sizes[index])))
                .collect();
            let group_count = memory.value(&inputs[0])?.len() / sizes[0];
            for group in 0..group_count {
                for (input, size) in inputs.iter().zip(&sizes) {
                    result.extend_from_slice(&memory.value(input)?[group * size..(group + 1) * size]);
                }
            }
            (output, result)
        }
        Operation::Repeat {
            input,
            group_size,
            times,
            output,
        } => {
            let groups = memory.value(input)?.chunks_exact(memory.group(input, *group_size));
            (output, groups.flat_map(|group| group.repeat(*times as usize)).collect())
        }
        Operation::SelectOutputs { input, output } => {
            let (value, width) = (memory.value(input)?, memory.width(input));
            let rows = memory.step.output_rows.iter();
            (
                output,
                rows.flat_map(|row| value[row * width..(row + 1) * width].iter().copied())
                    .collect(),
            )
        }
        Operation::Softmax {
            input,
            group_size,
            output,
        } => {
            let result = per_group(memory.value(input)?, memory.group(input, *group_size), |group| {
                let largest = group
                    .iter()
                    .fold(f64::NEG_INFINITY, |largest, value| largest.max(f64::from(*value)));
                let total: f64 = group.iter().map(|value| (f64::from(*value) - largest).exp()).sum();
                Box::new(move |_, value| (value - largest).exp() / total)
            });
            (output, result)
        }
        Operation::SumGroups {
            input,
            group_size,
            output,
        } => {
            let groups = memory.value(input)?.chunks_exact(*group_size as usize);
            (
                output,
                groups
                    .map(|group| group.iter().map(|value| f64::from(*value)).sum::<f64>() as f32)
                    .collect(),
            )
        }
        Operation::Zeros { width, output } => (output, vec![0.0; memory.rows(output) * *width as usize]),
        Operation::Attention {
            query,
            key,
            value,
            state,
            head_size,
            value_head_size,
            scale,
            window,
            sinks,
            output,
        } => {
            let shape = AttentionShape {
                head_size: *head_size as usize,
                value_head_size: value_head_size.unwrap_or(*head_size) as usize,
                scale: *scale,
                window: *window,
            };
            let sinks = memory.optional_weight(sinks.as_ref())?.map(<[f32]>::to_vec);
            (
                output,
                attention(memory, [query, key, value, state], shape, sinks.as_deref())?,
            )
        }
        Operation::GatedFeedForward {
            input,
            gate,
            up,
            down,
            gate_bias,
            up_bias,
            down_bias,
            activation,
            output,
        } => {
            let (value, width) = (memory.value(input)?, memory.width(input));
            let gate = map(&memory.linear(value, width, gate, gate_bias.as_ref())?, |x| {
                elementwise(*activation, x)
            });
            let up = memory.linear(value, width, up, up_bias.as_ref())?;
            let inner = zip(&gate, &up, |gate, up| gate * up);
            let inner_width = inner.len() / (value.len() / width).max(1);
            (output, memory.linear(&inner, inner_width, down, down_bias.as_ref())?)
        }
        Operation::Unsupported(unsupported) => {
            return Err(BackendError::new(
                "PROGRAM_OPERATION_UNSUPPORTED",
                unsupported.op.clone(),
            ));
        }
    })
}

fn repeated(weight: &[f32], length: usize) -> Vec<f32> {
    weight.iter().copied().cycle().take(length).collect()
}

fn attention(
    memory: &mut Memory,
    [query, key, value, state]: [&str; 4],
    shape: AttentionShape,
    sinks: Option<&[f32]>,
) -> Result<Vec<f32>, BackendError> {
    let (query_width, key_width, value_width) = (memory.width(query), memory.width(key), memory.width(value));
    let queries = memory.value(query)?.to_vec();
    let (keys, values) = (memory.value(key)?.to_vec(), memory.value(value)?.to_vec());
    let mut result = Vec::new();
    let mut row = 0;
    for sequence in memory.step.sequences.clone() {
        let stored = memory.slots[sequence.slot as usize]
            .entry(state.to_owned())
            .or_default();
        (stored.key_width, stored.value_width) = (key_width, value_width);
        for position in sequence.start_position..sequence.start_position + sequence.token_count {
            stored
                .keys
                .extend_from_slice(&keys[row * key_width..(row + 1) * key_width]);
            stored
                .values
                .extend_from_slice(&values[row * value_width..(row + 1) * value_width]);
            let query = &queries[row * query_width..(row + 1) * query_width];
            result.extend(attend(shape, query, stored, position as usize, sinks));
            row += 1;
        }
    }
    Ok(result)
}
