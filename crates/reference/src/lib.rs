//! For tests and benchmarks of the native side: a backend in plain Rust and programs without TypeScript.
//!
//! - [`ReferenceBackend`] runs every operation of the program language slowly and obviously, adding up in double
//!   precision. It is the oracle of the native backends and the device of the engine's tests.
//! - [`llama`] writes Llama-class member programs and random checkpoints, so that the engine can be proven without
//!   JavaScript. The product's programs come from the sharding strategies, never from here.

mod attention;
mod backend;
mod executable;
mod functions;
pub mod llama;
mod operations;

pub use backend::ReferenceBackend;
