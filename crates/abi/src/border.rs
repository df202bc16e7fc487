//! The border between Rust and C: nothing unwinds across it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{ErrorCode, Status};

/// Runs the body of an `extern "C"` function; a panic becomes [`ErrorCode::Panic`].
///
/// The caller promises that objects which the body touched are not used after a panic, or are safe to use then.
pub fn guard(body: impl FnOnce() -> Status) -> Status {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| ErrorCode::Panic.into())
}

/// Like [`guard`] for a function whose result is not a status.
pub fn guard_or<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(fallback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_status() {
        assert_eq!(guard(|| panic!("inside the border")), ErrorCode::Panic.into());
        assert_eq!(guard(|| Status::OK), Status::OK);
        assert_eq!(guard_or(7, || panic!("inside the border")), 7);
    }
}
