//! What a step brings with it: token ids, positions, state rows, output rows and masks, at fixed places.

use std::collections::BTreeSet;

use shoal_abi::backend::{BackendError, Step};
use shoal_ggml_sys::{GGML_TYPE_F16, GGML_TYPE_I32, GGML_TYPE_I64, ggml_type};
use shoal_program::{MemberProgram, Operation};

use crate::executor::plan::{Run, StepShape};
use crate::memory::{BufferType, Region};
use crate::tensor::{Arena, Tensor};

/// Places begin at multiples of this.
const ALIGNMENT: usize = 256;
/// Half-precision 0: a visible position.
const VISIBLE: u16 = 0;
/// Half-precision −∞: an invisible position.
const HIDDEN: u16 = 0xFC00;

/// The inputs' places in one buffer.
#[derive(Debug)]
pub(crate) struct Inputs {
    region: Region,
    tokens: usize,
    positions: usize,
    state_rows: usize,
    output_rows: usize,
    /// Each window in use (none is unlimited) with the place of its masks.
    masks: Vec<(Option<usize>, usize)>,
    /// Reused by the writers, so that a step allocates nothing.
    scratch: Vec<u16>,
}

/// The input tensors of one graph.
#[derive(Debug)]
pub(crate) struct InputTensors<'step> {
    arena: &'step Arena,
    inputs: &'step Inputs,
    shape: &'step StepShape,
}

impl Inputs {
    /// Places for steps of up to `rows` rows that see up to `stride` positions.
    ///
    /// # Errors
    /// `BACKEND_OUT_OF_MEMORY`.
    pub(crate) fn new(
        buffer_type: BufferType,
        program: &MemberProgram,
        rows: usize,
        stride: usize,
    ) -> Result<Self, BackendError> {
        let mut end = 0;
        let mut take = |bytes: usize| {
            let offset = end;
            end += bytes.next_multiple_of(ALIGNMENT);
            offset
        };
        let tokens = take(rows * size_of::<i32>());
        let positions = take(rows * size_of::<i32>());
        let state_rows = take(rows * size_of::<i64>());
        let output_rows = take(rows * size_of::<i32>());
        let masks = windows(program)
            .into_iter()
            .map(|window| (window, take(rows * stride * size_of::<u16>())))
            .collect();
        let region = Region::new(buffer_type, end)?;
        Ok(Self {
            region,
            tokens,
            positions,
            state_rows,
            output_rows,
            masks,
            scratch: Vec::new(),
        })
    }

    /// Writes a step's inputs; the step was checked against sizes before.
    ///
    /// # Errors
    /// Failures of the device.
    pub(crate) fn write(&mut self, step: &Step<'_>, shape: &StepShape, stride: usize) -> Result<(), BackendError> {
        let tokens: Vec<i32> = step.tokens.iter().map(|token| *token as i32).collect();
        let mut positions = Vec::with_capacity(tokens.len());
        let mut state_rows = Vec::with_capacity(tokens.len());
        let mut output_rows = Vec::new();
        for sequence in step.sequences {
            let base = i64::from(sequence.slot) * stride as i64;
            for offset in 0..sequence.token_count {
                if offset >= sequence.token_count - sequence.output_rows {
                    output_rows.push(positions.len() as i32);
                }
                let position = sequence.start_position + offset;
                positions.push(position as i32);
                state_rows.push(base + i64::from(position));
            }
        }
        self.region.write(self.tokens, &tokens)?;
        self.region.write(self.positions, &positions)?;
        self.region.write(self.state_rows, &state_rows)?;
        self.region.write(self.output_rows, &output_rows)?;
        for index in 0..self.masks.len() {
            let (window, offset) = self.masks[index];
            let mut mask = std::mem::take(&mut self.scratch);
            mask.clear();
            mask.resize(positions.len() * shape.positions, HIDDEN);
            for (row, position) in mask.chunks_exact_mut(shape.positions).zip(&positions) {
                let end = *position as usize + 1;
                let start = window.map_or(0, |window| end.saturating_sub(window));
                row[start..end].fill(VISIBLE);
            }
            self.region.write(offset, &mask)?;
            self.scratch = mask;
        }
        Ok(())
    }

    /// The tensors of one graph that reads these inputs.
    pub(crate) fn tensors<'step>(&'step self, arena: &'step Arena, shape: &'step StepShape) -> InputTensors<'step> {
        InputTensors {
            arena,
            inputs: self,
            shape,
        }
    }
}

impl InputTensors<'_> {
    fn input(&self, element_type: ggml_type, shape: &[usize], offset: usize) -> Result<Tensor, BackendError> {
        let tensor = self.arena.tensor(element_type, shape)?;
        self.inputs.region.buffer.place(tensor, offset)?;
        Ok(tensor)
    }

    /// Token ids, I32 [rows].
    pub(crate) fn tokens(&self) -> Result<Tensor, BackendError> {
        self.input(GGML_TYPE_I32, &[self.shape.rows()], self.inputs.tokens)
    }

    /// Positions, I32 [rows].
    pub(crate) fn positions(&self) -> Result<Tensor, BackendError> {
        self.input(GGML_TYPE_I32, &[self.shape.rows()], self.inputs.positions)
    }

    /// The state row of each row, I64 [rows].
    pub(crate) fn state_rows(&self) -> Result<Tensor, BackendError> {
        self.input(GGML_TYPE_I64, &[self.shape.rows()], self.inputs.state_rows)
    }

    /// The rows whose outputs are wanted, I32 [output rows].
    pub(crate) fn output_rows(&self) -> Result<Tensor, BackendError> {
        self.input(GGML_TYPE_I32, &[self.shape.output_rows], self.inputs.output_rows)
    }

    /// The mask of a run under a window, F16 [positions, tokens, 1, sequences].
    pub(crate) fn mask(&self, window: Option<usize>, run: &Run) -> Result<Tensor, BackendError> {
        let (_, offset) = self
            .inputs
            .masks
            .iter()
            .find(|(known, _)| *known == window)
            .ok_or_else(|| BackendError::failed("a window has no mask"))?;
        let positions = self.shape.positions;
        let offset = offset + run.first_row * positions * size_of::<u16>();
        self.input(
            GGML_TYPE_F16,
            &[positions, run.token_count, 1, run.sequence_count],
            offset,
        )
    }
}

/// The windows of all attentions.
fn windows(program: &MemberProgram) -> BTreeSet<Option<usize>> {
    let operations = program.segments.iter().flat_map(|segment| &segment.operations);
    operations
        .filter_map(|operation| match operation {
            Operation::Attention { window, .. } => Some(window.map(|positions| positions as usize)),
            _ => None,
        })
        .collect()
}
