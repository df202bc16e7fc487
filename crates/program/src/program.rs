//! The member program, as in `core/src/spec/program.ts`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Operation, StorageType};

/// Version of the program language that this build reads.
pub const PROGRAM_VERSION: u32 = 1;

/// A half-open range `[from, to)`; an empty range is legal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Range(
    /// First index.
    pub u64,
    /// One past the last index.
    pub u64,
);

impl Range {
    /// Number of indices; 0 when the range is reversed.
    pub fn length(self) -> u64 {
        self.1.saturating_sub(self.0)
    }
}

/// A weight as a function of checkpoint tensors. Shapes are row-major, axes count from 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum WeightExpression {
    /// A tensor of the checkpoint.
    Tensor {
        /// Its name.
        name: String,
    },
    /// A range of one axis.
    Slice {
        /// The sliced expression.
        input: Box<WeightExpression>,
        /// The axis.
        axis: usize,
        /// The indices that stay.
        range: Range,
    },
    /// Several expressions side by side along an axis.
    Concat {
        /// The parts.
        inputs: Vec<WeightExpression>,
        /// The axis.
        axis: usize,
    },
    /// Equal shapes joined along a new axis 0.
    Stack {
        /// The parts.
        inputs: Vec<WeightExpression>,
    },
    /// Elements start, start + step, … of one axis.
    Stride {
        /// The strided expression.
        input: Box<WeightExpression>,
        /// The axis.
        axis: usize,
        /// First index.
        start: u64,
        /// Distance of indices, at least 1.
        step: u64,
    },
    /// The last two axes swapped.
    Transpose {
        /// The transposed expression.
        input: Box<WeightExpression>,
    },
    /// Output axis i is input axis order[i].
    Permute {
        /// The permuted expression.
        input: Box<WeightExpression>,
        /// A permutation of the axes.
        order: Vec<usize>,
    },
    /// The same elements in another shape.
    Reshape {
        /// The reshaped expression.
        input: Box<WeightExpression>,
        /// The new shape.
        shape: Vec<u64>,
    },
    /// Rounded to a storage type and back.
    Convert {
        /// The converted expression.
        input: Box<WeightExpression>,
        /// The storage type.
        to: StorageType,
    },
}

/// What a weight is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WeightRole {
    /// Used by linears, may be quantized.
    Matrix,
    /// Rows are looked up and perhaps multiplied, may be quantized.
    Embedding,
    /// Norms, biases, sinks: always F32.
    Vector,
}

/// What the program starts from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ProgramInput {
    /// Token ids.
    Tokens,
    /// The hidden state of the previous stage, replicated.
    Hidden {
        /// The value that holds it.
        value: String,
        /// Its columns.
        width: u64,
    },
}

/// Where members exchange a value, after the segment's operations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Communication {
    /// `value` becomes, in place, the sum over members in rank order.
    AllReduceSum {
        /// The value.
        value: String,
    },
    /// `output` = the members' columns of `value` side by side.
    AllGather {
        /// The own columns.
        value: String,
        /// All columns.
        output: String,
        /// Columns of each member.
        widths: Vec<u64>,
    },
}

/// Operations between two communication points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// The operations, in order.
    pub operations: Vec<Operation>,
    /// The exchange that follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub communication: Option<Communication>,
}

/// A weight of one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberWeight {
    /// Local shape.
    pub shape: Vec<u64>,
    /// The local part: slices are already inside.
    pub source: WeightExpression,
    /// What it is used for.
    pub role: WeightRole,
    /// How it is kept in memory.
    pub storage: StorageType,
}

impl MemberWeight {
    /// Rows: axis 0, or 1 for a weight of one axis.
    pub fn row_count(&self) -> u64 {
        match self.shape.as_slice() {
            [] | [_] => 1,
            [rows, ..] => *rows,
        }
    }

    /// Elements of one row.
    pub fn row_elements(&self) -> u64 {
        match self.shape.as_slice() {
            [] => 1,
            [width] => *width,
            [_, rest @ ..] => rest.iter().product(),
        }
    }
}

/// What a layer remembers between steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum MemberState {
    /// One row of keys and one of values per position.
    KeyValue {
        /// The layer.
        layer: u64,
        /// Columns of a key row.
        key_width: u64,
        /// Columns of a value row.
        value_width: u64,
        /// Positions further back are never read again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        window: Option<u64>,
    },
    /// One compressed row per position.
    Latent {
        /// The layer.
        layer: u64,
        /// Columns.
        width: u64,
    },
    /// A fixed amount per sequence.
    Recurrent {
        /// The layer.
        layer: u64,
        /// Row-major shape.
        shape: Vec<u64>,
    },
}

/// Rows of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValueRows {
    /// One per token of the step.
    Tokens,
    /// One per requested output row.
    Outputs,
}

/// Size of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberValue {
    /// Local columns.
    pub width: u64,
    /// Rows.
    pub rows: ValueRows,
}

/// What the program ends in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum MemberOutput {
    /// The hidden state for the next stage, replicated.
    Hidden {
        /// The value.
        value: String,
    },
    /// The logits of a range of the vocabulary.
    Logits {
        /// The value.
        value: String,
        /// The vocabulary entries whose logits this member computes.
        vocabulary_range: Range,
        /// All entries.
        vocabulary_size: u64,
    },
}

impl MemberOutput {
    /// The value.
    pub fn value(&self) -> &str {
        match self {
            Self::Hidden { value } | Self::Logits { value, .. } => value,
        }
    }
}

/// What one member runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MemberProgram {
    /// [`PROGRAM_VERSION`] of the writer.
    pub program_version: u32,
    /// The model family, for messages.
    pub family: String,
    /// Layers of the model.
    pub layers: Range,
    /// Rank within the stage.
    pub member: u32,
    /// Members of the stage.
    pub member_count: u32,
    /// What it starts from.
    pub input: ProgramInput,
    /// What it ends in.
    pub output: MemberOutput,
    /// Sizes of all values.
    pub values: BTreeMap<String, MemberValue>,
    /// Values that cross a segment's border to the driver, by their index in the executable table.
    pub boundary_values: Vec<String>,
    /// Local weights.
    pub weights: BTreeMap<String, MemberWeight>,
    /// States.
    pub states: BTreeMap<String, MemberState>,
    /// The computation.
    pub segments: Vec<Segment>,
}

impl MemberProgram {
    /// Index of a boundary value in the executable table.
    pub fn boundary_index(&self, value: &str) -> Option<u32> {
        let position = self.boundary_values.iter().position(|name| name == value)?;
        u32::try_from(position).ok()
    }
}
