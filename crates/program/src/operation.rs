//! The operations, as in `core/src/spec/operations.ts`.

use serde::{Deserialize, Serialize};

/// A function of single numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ElementwiseFunction {
    /// x · sigmoid(x)
    Silu,
    /// x · Φ(x), by the error function
    Gelu,
    /// The tanh approximation of gelu
    GeluTanh,
    /// 1 / (1 + e⁻ˣ)
    Sigmoid,
    /// ln(1 + eˣ)
    Softplus,
    /// max(x, 0)
    Relu,
    /// tanh(x)
    Tanh,
    /// eˣ
    Exp,
    /// −x
    Negate,
}

/// Which columns of a head a rotary embedding pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RotaryStyle {
    /// Column i with i + rotatedSize/2 (Hugging Face layout).
    Half,
    /// Column 2i with 2i + 1.
    Interleaved,
}

/// An operation that this build does not know; kept so that an error can name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsupported {
    /// The operation's name.
    pub op: String,
}

/// One operation. Values and weights are names; `group_size` divides columns into equal groups (heads), absent means
/// one group of all columns. Meanings are those of the TypeScript contract, word for word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case", rename_all_fields = "camelCase")]
#[allow(
    missing_docs,
    reason = "fields are those of operations.ts, where they are documented"
)]
pub enum Operation {
    /// Rows of `weight` picked by the step's token ids.
    Embedding { weight: String, output: String },
    /// input · weightᵀ (+ bias); weight is [outputs, inputs].
    Linear {
        input: String,
        weight: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bias: Option<String>,
        output: String,
    },
    /// left + right
    Add {
        left: String,
        right: String,
        output: String,
    },
    /// left · right, column by column
    Multiply {
        left: String,
        right: String,
        output: String,
    },
    /// Multiplies each column group of `input` by one column of `factors`.
    MultiplyGroups {
        input: String,
        factors: String,
        group_size: u64,
        output: String,
    },
    /// Multiplies each row by a weight vector, repeated per group when shorter.
    MultiplyVector {
        input: String,
        weight: String,
        output: String,
    },
    /// Adds a weight vector to each row, repeated per group when shorter.
    AddVector {
        input: String,
        weight: String,
        output: String,
    },
    /// input · factor + offset
    Scale {
        input: String,
        factor: f64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        offset: Option<f64>,
        output: String,
    },
    /// Limits every number to a range.
    Clamp {
        input: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        minimum: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        maximum: Option<f64>,
        output: String,
    },
    /// A function of every number.
    Elementwise {
        function: ElementwiseFunction,
        input: String,
        output: String,
    },
    /// x / √(mean(x²) + epsilon) · (weight + weightOffset), per group.
    RmsNorm {
        input: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        weight: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        weight_offset: Option<f64>,
        epsilon: f64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group_size: Option<u64>,
        output: String,
    },
    /// (x − mean) / √(variance + epsilon) · weight + bias, per group.
    LayerNorm {
        input: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        weight: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bias: Option<String>,
        epsilon: f64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group_size: Option<u64>,
        output: String,
    },
    /// x / √(Σx² + epsilon), per group.
    L2Norm {
        input: String,
        epsilon: f64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group_size: Option<u64>,
        output: String,
    },
    /// Rotary position embedding on the first `rotatedSize` columns of each head.
    Rotary {
        input: String,
        head_size: u64,
        rotated_size: u64,
        style: RotaryStyle,
        inverse_frequencies: Vec<f64>,
        magnitude: f64,
        output: String,
    },
    /// Columns [from, to) of each group, side by side.
    Slice {
        input: String,
        from: u64,
        to: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group_size: Option<u64>,
        output: String,
    },
    /// Group g of the output = group g of every input, side by side.
    Concat {
        inputs: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group_sizes: Option<Vec<u64>>,
        output: String,
    },
    /// Each group `times` times in a row.
    Repeat {
        input: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group_size: Option<u64>,
        times: u64,
        output: String,
    },
    /// Keeps the rows whose logits the step asks for.
    SelectOutputs { input: String, output: String },
    /// Softmax per group.
    Softmax {
        input: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group_size: Option<u64>,
        output: String,
    },
    /// One column per group: the sum of the group.
    SumGroups {
        input: String,
        group_size: u64,
        output: String,
    },
    /// Zeros with the rows of the step.
    Zeros { width: u64, output: String },
    /// Causal attention over the slot's state; key and value rows are appended first.
    Attention {
        query: String,
        key: String,
        value: String,
        state: String,
        head_size: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value_head_size: Option<u64>,
        scale: f64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        window: Option<u64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sinks: Option<String>,
        output: String,
    },
    /// down · (activation(gate · input) * (up · input)), with biases.
    GatedFeedForward {
        input: String,
        gate: String,
        up: String,
        down: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gate_bias: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        up_bias: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        down_bias: Option<String>,
        activation: ElementwiseFunction,
        output: String,
    },
    /// Anything else; validation refuses it by name.
    #[serde(untagged)]
    Unsupported(Unsupported),
}

impl Operation {
    /// The operation's name, as in programs.
    pub fn name(&self) -> &str {
        match self {
            Self::Embedding { .. } => "embedding",
            Self::Linear { .. } => "linear",
            Self::Add { .. } => "add",
            Self::Multiply { .. } => "multiply",
            Self::MultiplyGroups { .. } => "multiply-groups",
            Self::MultiplyVector { .. } => "multiply-vector",
            Self::AddVector { .. } => "add-vector",
            Self::Scale { .. } => "scale",
            Self::Clamp { .. } => "clamp",
            Self::Elementwise { .. } => "elementwise",
            Self::RmsNorm { .. } => "rms-norm",
            Self::LayerNorm { .. } => "layer-norm",
            Self::L2Norm { .. } => "l2-norm",
            Self::Rotary { .. } => "rotary",
            Self::Slice { .. } => "slice",
            Self::Concat { .. } => "concat",
            Self::Repeat { .. } => "repeat",
            Self::SelectOutputs { .. } => "select-outputs",
            Self::Softmax { .. } => "softmax",
            Self::SumGroups { .. } => "sum-groups",
            Self::Zeros { .. } => "zeros",
            Self::Attention { .. } => "attention",
            Self::GatedFeedForward { .. } => "gated-feed-forward",
            Self::Unsupported(unsupported) => &unsupported.op,
        }
    }

    /// The value that the operation defines; nothing for an unknown operation.
    pub fn output(&self) -> Option<&str> {
        match self {
            Self::Embedding { output, .. }
            | Self::Linear { output, .. }
            | Self::Add { output, .. }
            | Self::Multiply { output, .. }
            | Self::MultiplyGroups { output, .. }
            | Self::MultiplyVector { output, .. }
            | Self::AddVector { output, .. }
            | Self::Scale { output, .. }
            | Self::Clamp { output, .. }
            | Self::Elementwise { output, .. }
            | Self::RmsNorm { output, .. }
            | Self::LayerNorm { output, .. }
            | Self::L2Norm { output, .. }
            | Self::Rotary { output, .. }
            | Self::Slice { output, .. }
            | Self::Concat { output, .. }
            | Self::Repeat { output, .. }
            | Self::SelectOutputs { output, .. }
            | Self::Softmax { output, .. }
            | Self::SumGroups { output, .. }
            | Self::Zeros { output, .. }
            | Self::Attention { output, .. }
            | Self::GatedFeedForward { output, .. } => Some(output),
            Self::Unsupported(_) => None,
        }
    }

    /// The values that the operation reads.
    pub fn inputs(&self) -> Vec<&str> {
        match self {
            Self::Embedding { .. } | Self::Zeros { .. } | Self::Unsupported(_) => Vec::new(),
            Self::Add { left, right, .. } | Self::Multiply { left, right, .. } => vec![left, right],
            Self::MultiplyGroups { input, factors, .. } => vec![input, factors],
            Self::Concat { inputs, .. } => inputs.iter().map(String::as_str).collect(),
            Self::Attention { query, key, value, .. } => vec![query, key, value],
            Self::Linear { input, .. }
            | Self::MultiplyVector { input, .. }
            | Self::AddVector { input, .. }
            | Self::Scale { input, .. }
            | Self::Clamp { input, .. }
            | Self::Elementwise { input, .. }
            | Self::RmsNorm { input, .. }
            | Self::LayerNorm { input, .. }
            | Self::L2Norm { input, .. }
            | Self::Rotary { input, .. }
            | Self::Slice { input, .. }
            | Self::Repeat { input, .. }
            | Self::SelectOutputs { input, .. }
            | Self::Softmax { input, .. }
            | Self::SumGroups { input, .. }
            | Self::GatedFeedForward { input, .. } => vec![input],
        }
    }
}
