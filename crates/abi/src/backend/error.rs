//! Errors on their way across a table.

use std::fmt;

use crate::{ErrorCode, Status};

/// An error that crossed, or is about to cross, a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendError {
    /// Stable code, such as `PROGRAM_OPERATION_UNSUPPORTED`; text, because a plugin may have codes of its own.
    pub code: String,
    /// Who and what.
    pub message: String,
}

impl BackendError {
    /// An error with any code.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
        }
    }

    /// `BACKEND_FAILED`.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::BackendFailed.name(), message)
    }

    /// The status that stands for the code at a table; `BACKEND_FAILED` for codes without a number.
    pub fn status(&self) -> Status {
        ErrorCode::ALL
            .iter()
            .find(|code| code.name() == self.code)
            .copied()
            .unwrap_or(ErrorCode::BackendFailed)
            .into()
    }

    /// Reads the text form `CODE: message`; text without a code gets that of the status.
    pub fn parse(status: Status, text: &str) -> Self {
        let fallback = status.error().unwrap_or(ErrorCode::UnknownStatus).name();
        match text.split_once(": ") {
            Some((code, message)) if is_code(code) => Self::new(code, message),
            _ if text.is_empty() => Self::new(fallback, format!("the library failed with status {}", status.0)),
            _ => Self::new(fallback, text),
        }
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for BackendError {}

fn is_code(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}
