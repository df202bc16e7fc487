//! From logits to tokens: penalties and constraints, candidates of each vocabulary shard, filters, and the draw.

mod candidates;
mod choose;
#[cfg(test)]
mod distribution_tests;
mod draw;
mod limits;
mod log_probability;
mod mask;
mod philox;
mod registration;
mod registry;
mod sample;
mod sequence;
mod shard;
mod token_log;
mod token_message;

pub use candidates::Candidate;
pub use choose::choose;
pub(crate) use draw::{Drawn, OutputRow, RowNeeds, Scratch};
pub use log_probability::{Alternative, TokenLogProbabilities};
pub use mask::{AllowedTokens, TokenMask, TokenMaskFactories, TokenMaskFactory, TokenSet};
pub use philox::{philox_uniform, philox_uniform_of_choice};
pub(crate) use registration::{Registration, RegistrationLimits};
pub(crate) use registry::Registry;
pub(crate) use sample::{OwnLogits, SampleError, sample_rows, write_shard};
pub(crate) use shard::ShardReader;
pub(crate) use token_message::{decode_tokens, encode_tokens};
