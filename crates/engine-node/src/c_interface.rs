//! C functions for `bun:ffi` and other loaders of plain shared libraries; they open the same file as Node-API does.
//!
//! As thin as the face for JavaScript, and over the same code: options, events and statistics are the same JSON. The
//! rules of the interface stand in `include/shoal.h`, which `npm run generate:header` makes of the doc comments here.

mod border;
mod device;
mod event_queue;
mod exit;
mod fabric;
mod member;
mod pending;
mod version;
