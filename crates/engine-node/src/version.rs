//! Which build of the addon is loaded.

use napi_derive::napi;

/// Version of the native engine, equal to that of its package.
#[napi]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
