//! From logits to tokens: candidates of each vocabulary shard, filters, and the draw.

mod candidates;
mod choose;
mod philox;
mod registry;
mod shard;

pub use candidates::Candidate;
pub use choose::choose;
pub use philox::philox_uniform;
pub(crate) use registry::{Registration, Registry};
pub(crate) use shard::{OutputRow, ShardReader, sample_rows, write_shard};
