//! Runs member programs on a ggml device, behind the backend and executable tables.
//!
//! A program's segments become one graph each, built per shape of a step and kept for the next step of that shape.
//! Values that cross a segment's border have fixed places that the driver maps in place ([`values`]); all else lives in
//! memory that the graphs share. Keys and values are rows of equal-stride slots ([`states`]), weights are uploaded once
//! ([`weights`]), and a step's tokens, positions and masks are inputs at fixed places ([`inputs`]).

mod backend;
mod executable;
mod inputs;
mod lower;
mod plan;
mod states;
mod values;
mod weights;

pub use backend::{OPERATIONS, OpenOptions, open};
