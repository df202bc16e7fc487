//! How native errors become JavaScript errors: the only place that knows both.

use std::any::Any;
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use napi::{Env, JsError};
use shoal_abi::backend::BackendError;

/// A failure with its stable code, on its way to JavaScript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Stable code; becomes `error.code`.
    pub code: Cow<'static, str>,
    /// Who and what; becomes `error.message`.
    pub message: String,
}

/// The code where napi keeps an error's status: exported functions return `napi::Result<T, Code>`.
pub struct Code(Cow<'static, str>);

impl AsRef<str> for Code {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// The code that JavaScript knows for a native one: a few say more about native code than its users can act on.
pub fn public_code(code: &str) -> &str {
    match code {
        "INTERNAL_UNKNOWN_STATUS" | "INTERNAL_PANIC" | "INTERNAL_UNNUMBERED" => "INTERNAL",
        "INTERNAL_INVALID_ARGUMENT" => "ARGUMENT_INVALID",
        "BACKEND_UNSUPPORTED" => "PROGRAM_OPERATION_UNSUPPORTED",
        code => code,
    }
}

impl Failure {
    /// A failure under a code of the table in `core/src/spec/error-table.ts`.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code: Cow::Borrowed(public_code(code)),
            message: message.into(),
        }
    }

    /// A wrong argument; `what` names it.
    pub fn argument(what: impl Into<String>) -> Self {
        Self::new("ARGUMENT_INVALID", what)
    }

    /// The failure as a JavaScript error object, for a promise to be rejected with.
    pub fn into_rejection(self, env: Env) -> napi::Error {
        napi::Error::from(JsError::from(napi::Error::from(self)).into_unknown(env))
    }
}

impl From<Failure> for napi::Error<Code> {
    fn from(failure: Failure) -> Self {
        Self::new(Code(failure.code), failure.message)
    }
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        Self {
            code: Cow::Owned(public_code(&error.code).to_owned()),
            message: error.message,
        }
    }
}

/// napi's own errors are refused arguments (a wrong type), or Node-API calls that failed.
impl From<napi::Error> for Failure {
    fn from(error: napi::Error) -> Self {
        let code = match error.status {
            napi::Status::InvalidArg
            | napi::Status::ObjectExpected
            | napi::Status::StringExpected
            | napi::Status::NumberExpected
            | napi::Status::FunctionExpected
            | napi::Status::BigintExpected => "ARGUMENT_INVALID",
            _ => "INTERNAL",
        };
        Self::new(code, error.reason.clone())
    }
}

/// Runs the body of an exported function: a panic becomes an `INTERNAL` error instead of ending the process.
pub fn border<T>(body: impl FnOnce() -> Result<T, Failure>) -> napi::Result<T, Code> {
    contained(body).map_err(Into::into)
}

/// Runs work that may panic and makes a failure of a panic.
pub fn contained<T>(body: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(result) => result,
        Err(payload) => Err(Failure::new(
            "INTERNAL",
            format!("the native engine panicked: {}", panic_text(payload.as_ref())),
        )),
    }
}

fn panic_text(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}
