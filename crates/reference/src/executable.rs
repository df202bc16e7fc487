//! Stepping: values are vectors by name, states grow with the positions of their slots.

use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::time::Instant;

use shoal_abi::backend::{
    BackendError, ExecutableImplementation, ExecutableStatistics, SlotOperation, Step, StepSequenceView,
};
use shoal_program::{CompileOptions, MemberProgram, ValueRows};

use crate::attention::StateRows;
use crate::operations::run;

/// One sequence's stored rows, by state.
pub(crate) type Slot = BTreeMap<String, StateRows>;

/// What a step works on.
#[derive(Debug, Default)]
pub(crate) struct StepInput {
    pub(crate) sequences: Vec<StepSequenceView>,
    pub(crate) tokens: Vec<u32>,
    /// Position of every row.
    pub(crate) positions: Vec<u32>,
    /// Rows whose logits are wanted.
    pub(crate) output_rows: Vec<usize>,
}

/// Values, weights and states that operations see.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) program: MemberProgram,
    pub(crate) weights: BTreeMap<String, Vec<f32>>,
    pub(crate) values: BTreeMap<String, Vec<f32>>,
    pub(crate) slots: Vec<Slot>,
    pub(crate) step: StepInput,
}

impl Memory {
    /// Rows of a declared value in this step.
    pub(crate) fn rows(&self, name: &str) -> usize {
        match self.program.values.get(name).map(|value| value.rows) {
            Some(ValueRows::Outputs) => self.step.output_rows.len(),
            _ => self.step.tokens.len(),
        }
    }

    /// Columns of a declared value.
    pub(crate) fn width(&self, name: &str) -> usize {
        self.program.values.get(name).map_or(0, |value| value.width as usize)
    }
}

/// A compiled program.
#[derive(Debug)]
pub(crate) struct ReferenceExecutable {
    memory: Memory,
    options: CompileOptions,
    /// Positions that each slot holds.
    lengths: Vec<u32>,
    in_step: bool,
    statistics: ExecutableStatistics,
}

impl ReferenceExecutable {
    pub(crate) fn new(
        program: MemberProgram,
        options: CompileOptions,
        weights: BTreeMap<String, Vec<f32>>,
        statistics: ExecutableStatistics,
    ) -> Self {
        let count = options.slot_count as usize;
        Self {
            memory: Memory {
                program,
                weights,
                values: BTreeMap::new(),
                slots: vec![Slot::new(); count],
                step: StepInput::default(),
            },
            options,
            lengths: vec![0; count],
            in_step: false,
            statistics,
        }
    }

    fn length(&mut self, slot: u32) -> Result<&mut u32, BackendError> {
        let count = self.lengths.len();
        self.lengths
            .get_mut(slot as usize)
            .ok_or_else(|| invalid(format!("slot {slot} of {count} does not exist")))
    }

    fn value_name(&self, value: u32) -> Result<String, BackendError> {
        let name = self.memory.program.boundary_values.get(value as usize).cloned();
        name.filter(|_| self.in_step)
            .ok_or_else(|| invalid(format!("boundary value {value} does not exist, or no step is running")))
    }
}

fn invalid(message: String) -> BackendError {
    BackendError::new("INTERNAL_INVALID_ARGUMENT", message)
}

impl ExecutableImplementation for ReferenceExecutable {
    fn slot_operation(&mut self, operation: SlotOperation) -> Result<(), BackendError> {
        match operation {
            SlotOperation::Free { slot } => {
                *self.length(slot)? = 0;
                self.memory.slots[slot as usize].clear();
            }
            SlotOperation::Truncate { slot, length } => {
                let stored = self.length(slot)?;
                *stored = length.min(*stored);
                for state in self.memory.slots[slot as usize].values_mut() {
                    state.truncate(length as usize);
                }
            }
            SlotOperation::Fork { from, to, length } => {
                let stored = *self.length(from)?;
                *self.length(to)? = length.min(stored);
                let mut copy = self.memory.slots[from as usize].clone();
                copy.values_mut().for_each(|state| state.truncate(length as usize));
                self.memory.slots[to as usize] = copy;
            }
        }
        Ok(())
    }

    fn begin_step(&mut self, step: &Step<'_>) -> Result<(), BackendError> {
        if step.tokens.len() > self.options.maximum_step_tokens as usize {
            return Err(invalid(format!("step {} has {} rows", step.number, step.tokens.len())));
        }
        let mut input = StepInput {
            sequences: step.sequences.to_vec(),
            tokens: step.tokens.to_vec(),
            ..StepInput::default()
        };
        for sequence in step.sequences {
            let length = self.length(sequence.slot)?;
            if *length != sequence.start_position {
                let message = format!(
                    "slot {} holds {length} positions, step {} starts at {}",
                    sequence.slot, step.number, sequence.start_position
                );
                return Err(invalid(message));
            }
            let end = sequence.start_position + sequence.token_count;
            *length = end;
            if end > self.options.context_length {
                return Err(invalid(format!("position {end} is beyond the context")));
            }
            input.positions.extend(sequence.start_position..end);
            let rows = input.positions.len();
            input.output_rows.extend(rows - sequence.output_rows as usize..rows);
        }
        self.memory.step = input;
        self.memory.values.clear();
        self.in_step = true;
        self.statistics.steps += 1;
        Ok(())
    }

    fn execute(&mut self, segment: u32) -> Result<(), BackendError> {
        let started = Instant::now();
        let Some(segment) = self.memory.program.segments.get(segment as usize).cloned() else {
            return Err(invalid(format!("segment {segment} does not exist")));
        };
        for operation in &segment.operations {
            run(&mut self.memory, operation)?;
        }
        self.statistics.compute_nanoseconds += started.elapsed().as_nanos() as u64;
        Ok(())
    }

    fn map(&mut self, value: u32) -> Result<NonNull<[f32]>, BackendError> {
        let name = self.value_name(value)?;
        let length = self.memory.rows(&name) * self.memory.width(&name);
        // The vector is never resized while it is mapped: operations replace it as a whole.
        let rows = self.memory.values.entry(name).or_insert_with(|| vec![0.0; length]);
        Ok(NonNull::from(rows.as_mut_slice()))
    }

    fn unmap(&mut self, value: u32) -> Result<(), BackendError> {
        self.value_name(value).map(|_| ())
    }

    fn end_step(&mut self) -> Result<(), BackendError> {
        self.in_step = false;
        Ok(())
    }

    fn statistics(&self) -> ExecutableStatistics {
        let rows = self.memory.slots.iter().flat_map(Slot::values);
        ExecutableStatistics {
            state_bytes: rows.map(|rows| rows.bytes() as u64).sum(),
            ..self.statistics
        }
    }
}
