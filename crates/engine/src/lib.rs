//! The native step driver: scheduling, sampling, state slots, the head and member loops.
//!
//! A [`Member`] is one member of one stage of an instance, loaded and running on a native thread of its own. Member 0
//! of stage 0 is the **head**: it alone orders work. It takes requests, packs them into steps, sends a descriptor of
//! each step to every other member and gets the sampled tokens back from member 0 of the last stage. All others
//! follow the descriptors. Nothing on a token's path leaves native threads; the owner hears of tokens by a callback.
//!
//! ```no_run
//! use std::sync::Arc;
//! use shoal_engine::{EngineEvent, EngineRequest, Links, Member, MemberOptions, SamplingOptions};
//!
//! # fn options() -> MemberOptions { unimplemented!() }
//! let options: MemberOptions = options();
//! let member = Member::start(options)?; // reads the weights, blocks until the member is ready
//! member.submit(EngineRequest {
//!     id: 1,
//!     prompt_tokens: vec![1, 2, 3],
//!     maximum_tokens: 16,
//!     stop_tokens: vec![2],
//!     sampling: SamplingOptions { temperature: 0.7, seed: 1, ..SamplingOptions::default() },
//!     ..EngineRequest::default()
//! })?;
//! // … EngineEvent::Token and EngineEvent::RequestFinished arrive at `MemberOptions::on_event` …
//! member.close();
//! # Ok::<(), shoal_engine::EngineError>(())
//! ```
//!
//! # Threads
//! [`Member::start`] compiles on the calling thread and then starts one thread that owns the executable, the channels
//! and the loop. `on_event` is called on that thread (load progress: on the caller's) and must not block.
//! Every other call returns at once, except [`Member::close`], which waits for the running step.

mod answers;
mod bytes;
mod driver;
mod error;
mod event;
#[cfg(fuzzing)]
pub mod fuzzing;
mod head;
mod inbox;
mod links;
mod logits;
mod measure;
mod member;
mod member_loop;
mod options;
mod sampling;
mod scheduler;
mod statistics;
mod tags;

pub use error::EngineError;
pub use event::{EngineEvent, FinishReason};
pub use links::Links;
pub use measure::{
    MeasureOptions, MeasuredAttention, MeasuredRates, measure_attention, measure_operation_overhead, measure_rates,
};
pub use member::Member;
pub use options::{Constraint, EngineRequest, EventCallback, MemberOptions, SamplingOptions, TokenBias};
pub use sampling::{
    AllowedTokens, Alternative, Candidate, TokenLogProbabilities, TokenMask, TokenMaskFactories, TokenMaskFactory,
    TokenSet, choose, philox_uniform, philox_uniform_of_choice,
};
pub use shoal_fabric::MemberIndex;
pub use statistics::MemberStatistics;
