//! What can be wrong with a member program.

use std::fmt;

/// Stable codes, the same as in `core/src/spec/error-table.ts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// The program contradicts itself or exceeds a bound.
    Invalid,
    /// The program uses an operation that the reader does not know.
    OperationUnsupported,
    /// The program was written for another version of the language.
    VersionMismatch,
}

impl ErrorCode {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalid => "PROGRAM_INVALID",
            Self::OperationUnsupported => "PROGRAM_OPERATION_UNSUPPORTED",
            Self::VersionMismatch => "PLUGIN_VERSION_MISMATCH",
        }
    }
}

/// A program that cannot be run, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramError {
    /// The stable code.
    pub code: ErrorCode,
    /// Where in the program and what, for people.
    pub message: String,
}

impl ProgramError {
    /// An error with a code.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// `PROGRAM_INVALID`.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Invalid, message)
    }

    /// The same error with the place it was found in put before it.
    #[must_use]
    pub fn within(mut self, place: impl fmt::Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }
}

impl fmt::Display for ProgramError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code.name(), self.message)
    }
}

impl std::error::Error for ProgramError {}
