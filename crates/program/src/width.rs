//! Columns and rows that each operation gives, and what it demands of its operands.

use std::collections::BTreeMap;

use crate::{MemberProgram, MemberState, MemberValue, Operation, ProgramError, RotaryStyle, ValueRows};

/// The values defined so far.
pub(crate) struct Scope<'program> {
    pub(crate) program: &'program MemberProgram,
    pub(crate) defined: BTreeMap<&'program str, MemberValue>,
}

impl<'program> Scope<'program> {
    fn value(&self, name: &str) -> Result<MemberValue, ProgramError> {
        self.defined
            .get(name)
            .copied()
            .ok_or_else(|| ProgramError::invalid(format!("value '{name}' is used before it is defined")))
    }

    fn shape(&self, name: &str) -> Result<&'program [u64], ProgramError> {
        match self.program.weights.get(name) {
            Some(weight) => Ok(&weight.shape),
            None => Err(ProgramError::invalid(format!("weight '{name}' is not declared"))),
        }
    }

    /// A weight of one axis.
    fn vector(&self, name: &str) -> Result<u64, ProgramError> {
        match self.shape(name)? {
            [length] => Ok(*length),
            shape => Err(ProgramError::invalid(format!(
                "weight '{name}' has shape {shape:?}, a vector was expected"
            ))),
        }
    }

    fn vector_of(&self, name: Option<&String>, length: u64) -> Result<(), ProgramError> {
        let Some(name) = name else { return Ok(()) };
        match self.vector(name)? {
            found if found == length => Ok(()),
            found => Err(ProgramError::invalid(format!(
                "weight '{name}' has {found} elements, {length} are needed"
            ))),
        }
    }

    /// The outputs of a matrix with `inputs` columns.
    fn matrix(&self, name: &str, inputs: u64) -> Result<u64, ProgramError> {
        match self.shape(name)? {
            [outputs, found] if *found == inputs => Ok(*outputs),
            shape => Err(ProgramError::invalid(format!(
                "weight '{name}' has shape {shape:?}, [outputs, {inputs}] was expected"
            ))),
        }
    }

    /// Defines a value; each name only once.
    pub(crate) fn define(&mut self, name: &'program str, value: MemberValue) -> Result<(), ProgramError> {
        match self.program.values.get(name) {
            Some(declared) if *declared == value => {}
            Some(declared) => {
                return Err(ProgramError::invalid(format!(
                    "value '{name}' is declared with {} columns by {:?}, but has {} by {:?}",
                    declared.width, declared.rows, value.width, value.rows
                )));
            }
            None => return Err(ProgramError::invalid(format!("value '{name}' is not declared"))),
        }
        match self.defined.insert(name, value) {
            None => Ok(()),
            Some(_) => Err(ProgramError::invalid(format!("value '{name}' is defined twice"))),
        }
    }

    /// The value that an operation gives.
    pub(crate) fn infer(&self, operation: &Operation) -> Result<MemberValue, ProgramError> {
        let tokens = |width| MemberValue {
            width,
            rows: ValueRows::Tokens,
        };
        Ok(match operation {
            Operation::Embedding { weight, .. } => match self.shape(weight)? {
                [_, width] => tokens(*width),
                shape => {
                    return Err(ProgramError::invalid(format!(
                        "weight '{weight}' has shape {shape:?}, [vocabulary, width] was expected"
                    )));
                }
            },
            Operation::Linear {
                input, weight, bias, ..
            } => {
                let input = self.value(input)?;
                let width = self.matrix(weight, input.width)?;
                self.vector_of(bias.as_ref(), width)?;
                MemberValue { width, ..input }
            }
            Operation::Add { left, right, .. } | Operation::Multiply { left, right, .. } => {
                let (left_value, right_value) = (self.value(left)?, self.value(right)?);
                if left_value != right_value {
                    return Err(ProgramError::invalid(format!(
                        "values '{left}' and '{right}' have different sizes"
                    )));
                }
                left_value
            }
            Operation::MultiplyGroups {
                input,
                factors,
                group_size,
                ..
            } => {
                let (value, factor) = (self.value(input)?, self.value(factors)?);
                if factor.rows != value.rows || factor.width != groups(value.width, Some(*group_size))? {
                    return Err(ProgramError::invalid(format!(
                        "'{factors}' has not one column per group of '{input}'"
                    )));
                }
                value
            }
            Operation::MultiplyVector { input, weight, .. } | Operation::AddVector { input, weight, .. } => {
                let value = self.value(input)?;
                groups(value.width, Some(self.vector(weight)?))?;
                value
            }
            Operation::Scale { input, .. } | Operation::Elementwise { input, .. } => self.value(input)?,
            Operation::Clamp {
                input,
                minimum,
                maximum,
                ..
            } => {
                if let (Some(minimum), Some(maximum)) = (minimum, maximum)
                    && minimum > maximum
                {
                    return Err(ProgramError::invalid("the minimum is above the maximum"));
                }
                self.value(input)?
            }
            Operation::RmsNorm {
                input,
                weight,
                group_size,
                ..
            } => {
                let value = self.value(input)?;
                groups(value.width, *group_size)?;
                self.vector_of(weight.as_ref(), group_size.unwrap_or(value.width))?;
                value
            }
            Operation::LayerNorm {
                input,
                weight,
                bias,
                group_size,
                ..
            } => {
                let value = self.value(input)?;
                groups(value.width, *group_size)?;
                self.vector_of(weight.as_ref(), group_size.unwrap_or(value.width))?;
                self.vector_of(bias.as_ref(), group_size.unwrap_or(value.width))?;
                value
            }
            Operation::L2Norm { input, group_size, .. } | Operation::Softmax { input, group_size, .. } => {
                let value = self.value(input)?;
                groups(value.width, *group_size)?;
                value
            }
            Operation::Rotary {
                input,
                head_size,
                rotated_size,
                style: RotaryStyle::Half | RotaryStyle::Interleaved,
                inverse_frequencies,
                ..
            } => {
                let value = self.value(input)?;
                groups(value.width, Some(*head_size))?;
                if rotated_size > head_size || inverse_frequencies.len() as u64 * 2 != *rotated_size {
                    return Err(ProgramError::invalid(format!(
                        "{} frequencies and a head size of {head_size} do not fit {rotated_size} rotated columns",
                        inverse_frequencies.len()
                    )));
                }
                self.token_rows(input, value)?
            }
            Operation::Slice {
                input,
                from,
                to,
                group_size,
                ..
            } => {
                let value = self.value(input)?;
                let count = groups(value.width, *group_size)?;
                if from >= to || *to > group_size.unwrap_or(value.width) {
                    return Err(ProgramError::invalid(format!(
                        "columns [{from}, {to}) of '{input}' do not exist"
                    )));
                }
                MemberValue {
                    width: count * (to - from),
                    ..value
                }
            }
            Operation::Concat {
                inputs, group_sizes, ..
            } => self.concat(inputs, group_sizes.as_deref())?,
            Operation::Repeat {
                input,
                group_size,
                times,
                ..
            } => {
                let value = self.value(input)?;
                groups(value.width, *group_size)?;
                let width = value.width.checked_mul(*times).filter(|width| *width > 0);
                let width = width.ok_or_else(|| ProgramError::invalid(format!("{times} repetitions")))?;
                MemberValue { width, ..value }
            }
            Operation::SelectOutputs { input, .. } => MemberValue {
                width: self.token_rows(input, self.value(input)?)?.width,
                rows: ValueRows::Outputs,
            },
            Operation::SumGroups { input, group_size, .. } => {
                let value = self.value(input)?;
                MemberValue {
                    width: groups(value.width, Some(*group_size))?,
                    ..value
                }
            }
            Operation::Zeros { width, output } => MemberValue {
                width: *width,
                // "With the rows of the step": which ones is the declaration's to say.
                rows: self
                    .program
                    .values
                    .get(output)
                    .map_or(ValueRows::Tokens, |value| value.rows),
            },
            Operation::Attention {
                query,
                key,
                value,
                state,
                head_size,
                value_head_size,
                sinks,
                ..
            } => {
                let value_head_size = value_head_size.unwrap_or(*head_size);
                let query_heads = groups(self.token_rows(query, self.value(query)?)?.width, Some(*head_size))?;
                let key_width = self.token_rows(key, self.value(key)?)?.width;
                let value_width = self.token_rows(value, self.value(value)?)?.width;
                let key_heads = groups(key_width, Some(*head_size))?;
                if groups(value_width, Some(value_head_size))? != key_heads || !query_heads.is_multiple_of(key_heads) {
                    return Err(ProgramError::invalid(format!(
                        "{query_heads} query heads, {key_heads} key heads and {value_width} value columns do not match"
                    )));
                }
                match self.program.states.get(state) {
                    Some(MemberState::KeyValue {
                        key_width: stored_keys,
                        value_width: stored_values,
                        ..
                    }) if *stored_keys == key_width && *stored_values == value_width => {}
                    Some(_) => {
                        return Err(ProgramError::invalid(format!(
                            "state '{state}' does not hold {key_width} key and {value_width} value columns"
                        )));
                    }
                    None => return Err(ProgramError::invalid(format!("state '{state}' is not declared"))),
                }
                self.vector_of(sinks.as_ref(), query_heads)?;
                tokens(query_heads.checked_mul(value_head_size).ok_or_else(overflow)?)
            }
            Operation::GatedFeedForward {
                input,
                gate,
                up,
                down,
                gate_bias,
                up_bias,
                down_bias,
                ..
            } => {
                let value = self.value(input)?;
                let inner = self.matrix(gate, value.width)?;
                if self.matrix(up, value.width)? != inner {
                    return Err(ProgramError::invalid(format!(
                        "weights '{gate}' and '{up}' differ in shape"
                    )));
                }
                let width = self.matrix(down, inner)?;
                self.vector_of(gate_bias.as_ref(), inner)?;
                self.vector_of(up_bias.as_ref(), inner)?;
                self.vector_of(down_bias.as_ref(), width)?;
                MemberValue { width, ..value }
            }
            // Refused by name before this is asked.
            Operation::Unsupported(unsupported) => {
                return Err(ProgramError::invalid(format!(
                    "operation '{}' has no known size",
                    unsupported.op
                )));
            }
        })
    }

    fn concat(&self, inputs: &[String], group_sizes: Option<&[u64]>) -> Result<MemberValue, ProgramError> {
        let [first, ..] = inputs else {
            return Err(ProgramError::invalid("a concatenation has no inputs"));
        };
        if group_sizes.is_some_and(|sizes| sizes.len() != inputs.len()) {
            return Err(ProgramError::invalid(
                "a concatenation has not one group size per input",
            ));
        }
        let rows = self.value(first)?.rows;
        let (mut width, mut group_count) = (0_u64, None);
        for (index, name) in inputs.iter().enumerate() {
            let value = self.value(name)?;
            let count = groups(value.width, group_sizes.and_then(|sizes| sizes.get(index)).copied())?;
            if value.rows != rows || *group_count.get_or_insert(count) != count {
                return Err(ProgramError::invalid(format!(
                    "'{name}' differs from '{first}' in rows or groups"
                )));
            }
            width = width.checked_add(value.width).ok_or_else(overflow)?;
        }
        Ok(MemberValue { width, rows })
    }

    fn token_rows(&self, name: &str, value: MemberValue) -> Result<MemberValue, ProgramError> {
        match value.rows {
            ValueRows::Tokens => Ok(value),
            ValueRows::Outputs => Err(ProgramError::invalid(format!(
                "'{name}' has output rows, token rows are needed"
            ))),
        }
    }
}

/// Number of groups of `group_size` columns; absent is one group of all.
fn groups(width: u64, group_size: Option<u64>) -> Result<u64, ProgramError> {
    match group_size {
        None => Ok(1),
        Some(size) if size > 0 && width.is_multiple_of(size) => Ok(width / size),
        Some(size) => Err(ProgramError::invalid(format!(
            "{width} columns are not whole groups of {size}"
        ))),
    }
}

fn overflow() -> ProgramError {
    ProgramError::invalid("a width overflows")
}
