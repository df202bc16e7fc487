//! Safe wrapper of ggml: devices, buffers, graphs, thread pools; runs member programs.

mod device;
pub mod executor;
mod graph;
mod library;
mod memory;
mod operations;
mod pace;
mod storage;
mod tensor;

pub use device::{Device, DeviceKind, DeviceProperties};
pub use library::{Library, LoadOptions};
