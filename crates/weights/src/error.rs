//! What can be wrong with a checkpoint or with what is asked of it.

use std::fmt;

/// Stable codes, the same as in `core/src/spec/error-table.ts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// There is no checkpoint at the path.
    NotFound,
    /// A file is truncated or contradicts itself.
    CheckpointInvalid,
    /// A tensor is missing.
    TensorMissing,
    /// A tensor has another shape than the program expects.
    TensorShape,
    /// A tensor's element type cannot be read.
    StorageUnsupported,
    /// A piece of quantized rows does not begin and end at blocks.
    StorageBlock,
    /// A checkpoint cannot be written.
    WriteFailed,
    /// The caller stopped the work.
    Aborted,
    /// The program's expression makes no sense, or a read goes beyond a weight.
    ProgramInvalid,
}

impl ErrorCode {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotFound => "MODEL_NOT_FOUND",
            Self::CheckpointInvalid => "MODEL_CHECKPOINT_INVALID",
            Self::TensorMissing => "MODEL_TENSOR_MISSING",
            Self::TensorShape => "MODEL_TENSOR_SHAPE",
            Self::StorageUnsupported => "MODEL_STORAGE_UNSUPPORTED",
            Self::StorageBlock => "PROGRAM_STORAGE_BLOCK",
            Self::WriteFailed => "MODEL_WRITE_FAILED",
            Self::Aborted => "ABORTED",
            Self::ProgramInvalid => "PROGRAM_INVALID",
        }
    }
}

/// An error with its code and with who and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeightError {
    /// The stable code.
    pub code: ErrorCode,
    /// File, tensor or weight, and what is wrong with it.
    pub message: String,
}

impl WeightError {
    /// An error with a code.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// The same error with the place it was found in put before it.
    #[must_use]
    pub fn within(mut self, place: impl fmt::Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }
}

impl fmt::Display for WeightError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code.name(), self.message)
    }
}

impl std::error::Error for WeightError {}

impl From<WeightError> for shoal_abi::backend::BackendError {
    fn from(error: WeightError) -> Self {
        Self::new(error.code.name(), error.message)
    }
}
