//! The executable side: every call of a step is a question to JavaScript.

use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Instant;

use shoal_abi::ErrorCode;
use shoal_abi::backend::{BackendError, ExecutableImplementation, ExecutableStatistics, SlotOperation, Step};
use shoal_program::{CompileOptions, MemberProgram, ValueRows};

use super::call::{Argument, Call, StepArgument};
use super::port::Port;
use super::region::Region;

/// A boundary value: its size and, once a step needed it, its memory.
struct Boundary {
    width: usize,
    rows: ValueRows,
    region: Option<Arc<Region>>,
    /// Numbers that it has in the current step.
    length: usize,
}

/// An executable in JavaScript.
pub struct ScriptExecutable {
    port: Arc<Port>,
    number: u32,
    boundary: Vec<Boundary>,
    sizes: CompileOptions,
    is_in_step: bool,
    /// Set when JavaScript did not answer: it may still write, so its memory is not to be read any more.
    lost: Option<BackendError>,
    statistics: ExecutableStatistics,
}

impl ScriptExecutable {
    /// The executable `number` of the device behind `port`.
    pub fn new(
        port: Arc<Port>,
        number: u32,
        program: &MemberProgram,
        sizes: CompileOptions,
        weight_bytes: u64,
    ) -> Self {
        let boundary = program
            .boundary_values
            .iter()
            .map(|name| {
                let value = program.values.get(name);
                Boundary {
                    width: value.map_or(0, |value| usize::try_from(value.width).unwrap_or(usize::MAX)),
                    rows: value.map_or(ValueRows::Tokens, |value| value.rows),
                    region: None,
                    length: 0,
                }
            })
            .collect();
        Self {
            port,
            number,
            boundary,
            sizes,
            is_in_step: false,
            lost: None,
            statistics: ExecutableStatistics {
                weight_bytes,
                ..ExecutableStatistics::default()
            },
        }
    }

    fn ask(&mut self, name: &'static str, argument: Argument) -> Result<(), BackendError> {
        if let Some(lost) = &self.lost {
            return Err(lost.clone());
        }
        let call = Call {
            name,
            executable: self.number,
            argument,
        };
        self.port.ask(call).unwrap_or_else(|lost| {
            self.lost = Some(lost.clone());
            Err(lost)
        })
    }

    /// Makes room for a step's boundary values; returns those whose memory is new.
    fn make_room(&mut self, step: &Step<'_>) -> Result<Vec<(u32, Arc<Region>)>, BackendError> {
        let mut fresh = Vec::new();
        for (index, value) in (0_u32..).zip(&mut self.boundary) {
            let rows = match value.rows {
                ValueRows::Tokens => step.tokens.len(),
                ValueRows::Outputs => step.output_row_count(),
            };
            let too_large = || {
                BackendError::new(
                    ErrorCode::BackendOutOfMemory.name(),
                    format!(
                        "a boundary value of {rows} rows by {} columns is too large",
                        value.width
                    ),
                )
            };
            value.length = rows.checked_mul(value.width).ok_or_else(too_large)?;
            if value
                .region
                .as_ref()
                .is_none_or(|region| region.capacity() < value.length)
            {
                // Doubled, so that a sequence of growing steps does not allocate for each; at least one row, because
                // there is no buffer of nothing.
                let roomy = rows
                    .max(1)
                    .checked_next_power_of_two()
                    .and_then(|rows| rows.checked_mul(value.width.max(1)));
                let region = Region::allocate(roomy.ok_or_else(too_large)?)?;
                value.region = Some(region.clone());
                fresh.push((index, region));
            }
        }
        Ok(fresh)
    }
}

impl ExecutableImplementation for ScriptExecutable {
    fn slot_operation(&mut self, operation: SlotOperation) -> Result<(), BackendError> {
        self.ask("slotOperation", Argument::SlotOperation(operation))
    }

    fn begin_step(&mut self, step: &Step<'_>) -> Result<(), BackendError> {
        if step.tokens.len() > self.sizes.maximum_step_tokens as usize {
            return Err(BackendError::new(
                ErrorCode::InvalidArgument.name(),
                format!(
                    "step {} has {} tokens, compiled for at most {}",
                    step.number,
                    step.tokens.len(),
                    self.sizes.maximum_step_tokens
                ),
            ));
        }
        let fresh = self.make_room(step)?;
        self.is_in_step = true;
        self.statistics.steps += 1;
        self.ask("beginStep", Argument::Step(StepArgument::new(step, fresh)))
    }

    fn execute(&mut self, segment: u32) -> Result<(), BackendError> {
        let begin = Instant::now();
        let result = self.ask("execute", Argument::Segment(segment));
        let nanoseconds = u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.statistics.compute_nanoseconds = self.statistics.compute_nanoseconds.saturating_add(nanoseconds);
        result
    }

    fn map(&mut self, value: u32) -> Result<NonNull<[f32]>, BackendError> {
        if let Some(lost) = &self.lost {
            return Err(lost.clone());
        }
        let mapped = self
            .boundary
            .get(value as usize)
            .filter(|_| self.is_in_step)
            .and_then(|value| Some(value.region.as_ref()?.numbers(value.length)));
        mapped.ok_or_else(|| {
            BackendError::new(
                ErrorCode::InvalidArgument.name(),
                format!(
                    "boundary value {value} of {} was mapped {} a step",
                    self.boundary.len(),
                    if self.is_in_step { "in" } else { "outside" }
                ),
            )
        })
    }

    fn unmap(&mut self, _value: u32) -> Result<(), BackendError> {
        Ok(())
    }

    fn end_step(&mut self) -> Result<(), BackendError> {
        self.is_in_step = false;
        self.ask("endStep", Argument::None)
    }

    fn statistics(&self) -> ExecutableStatistics {
        self.statistics
    }
}

impl Drop for ScriptExecutable {
    fn drop(&mut self) {
        self.port.tell(Call {
            name: "release",
            executable: self.number,
            argument: Argument::None,
        });
    }
}
