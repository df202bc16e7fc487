//! Hand-written FFI to ggml, built from the pinned registry package and loaded at run time.
//!
//! The build script compiles ggml into shared libraries; nothing is linked. [`load`] finds them, resolves the
//! functions in use ([`Base`]) and picks for each kind of device the library that scores best on this machine. So an
//! addon that contains this crate loads in any process, and an absent or unfit library is a [`LoadError`] or a
//! [`Rejected`] entry instead of a crash.
//!
//! Names of types and functions are ggml's own, so that its headers serve as their documentation.

mod directory;
mod functions;
mod load;
mod types;

pub use directory::{DIRECTORY_VARIABLE, library_directory};
pub use functions::Base;
pub use load::{LoadError, Loaded, Options, Registration, Rejected, load};
pub use types::*;

/// Where this build's libraries were put at compile time.
pub const BUILD_DIRECTORY: &str = env!("SHOAL_GGML_BUILD_DIRECTORY");
