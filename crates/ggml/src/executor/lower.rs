//! Operations of the program language as ggml tensors.
//!
//! Every value is a dense matrix [columns, rows] of F32. Group-wise operations look at it as [group, groups, rows].

mod attention;
mod operation;

use std::collections::BTreeMap;

use shoal_abi::backend::BackendError;
use shoal_ggml_sys::GGML_TYPE_F32;
use shoal_program::{MemberProgram, Operation, Segment, ValueRows};

use crate::executor::inputs::{InputTensors, Inputs};
use crate::executor::plan::{SegmentGraph, StepShape};
use crate::executor::states::States;
use crate::executor::values::Values;
use crate::executor::weights::Weights;
use crate::graph::Graph;
use crate::library::Library;
use crate::operations::Binary;
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

/// Tensors that one operation makes at most, views and copies included, attention's runs and inputs apart.
const TENSORS_PER_OPERATION: usize = 16;
/// Tensors that each value takes that an operation reads.
const TENSORS_PER_INPUT: usize = 4;
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
    let inputs: usize = segment
        .operations
        .iter()
        .map(|operation| operation.inputs().len())
        .sum();
    let tensors = 16
        + segment.operations.len() * TENSORS_PER_OPERATION
        + inputs * TENSORS_PER_INPUT
        + attentions * runs * TENSORS_PER_RUN;
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
