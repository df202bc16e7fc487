//! Member programs as data: parsing and validation.
//!
//! A [`MemberProgram`] is what one member of one stage runs: operations over named values with local widths, local
//! weights as expressions over checkpoint tensors, declared state, cut into segments between communication points. It
//! is plain JSON, written by the strategy's side (`core/src/spec/program.ts` and `operations.ts`); the types here are
//! the same word for word.
//!
//! [`MemberProgram::parse`] is the only way in for foreign bytes: it bounds sizes and validates, so that a backend may
//! rely on what [`MemberProgram::validate`] promises.

mod error;
mod operation;
mod options;
mod parse;
mod program;
mod storage;
mod validate;
mod width;

pub use error::{ErrorCode, ProgramError};
pub use operation::{ElementwiseFunction, Operation, RotaryStyle, Unsupported};
pub use options::{CompileOptions, StateStorage};
pub use parse::ProgramLimits;
pub use program::{
    Communication, MemberOutput, MemberProgram, MemberState, MemberValue, MemberWeight, PROGRAM_VERSION, ProgramInput,
    Range, Segment, ValueRows, WeightExpression, WeightRole,
};
pub use storage::StorageType;
