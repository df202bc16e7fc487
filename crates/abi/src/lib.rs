//! Versioned `repr(C)` tables that separately built native libraries share: channels, backends, executables.
//!
//! Two addons are separate libraries: Rust trait objects, allocators and statics must not cross between them. They
//! meet in these tables, which one side fills and the other checks before its first call.

pub mod backend;
pub mod border;
pub mod channel;
mod status;

pub use status::{ErrorCode, Status};
