//! What a member is started with and what it is asked for.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use shoal_abi::backend::{Backend, WeightSource};
use shoal_fabric::{AbortFlag, MemberIndex};
use shoal_program::{CompileOptions, MemberProgram};

use crate::event::EngineEvent;
use crate::links::Links;

/// Receives events on a native thread; must not block.
pub type EventCallback = Arc<dyn Fn(EngineEvent) + Send + Sync>;

/// How tokens are drawn. Filters apply in this order: temperature, top-k, top-p, min-p.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SamplingOptions {
    /// Divides the logits; 0 takes the largest logit (of equal ones the lowest token).
    #[serde(default)]
    pub temperature: f64,
    /// Keeps the so many largest; absent or 0 keeps all.
    #[serde(default)]
    pub top_k: Option<u32>,
    /// Keeps the smallest set of the most probable whose probabilities reach this sum.
    #[serde(default)]
    pub top_p: Option<f64>,
    /// Keeps those at least this fraction as probable as the most probable.
    #[serde(default)]
    pub min_p: Option<f64>,
    /// Seed of the counter-based generator.
    #[serde(default)]
    pub seed: u64,
}

/// One generation.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EngineRequest {
    /// Unique among the requests that have not ended.
    pub id: u64,
    /// Token ids of the prompt, at least one. May come apart from the rest.
    #[serde(default)]
    pub prompt_tokens: Vec<u32>,
    /// Most tokens to generate, at least 1.
    pub maximum_tokens: u32,
    /// Generation ends when one of these is sampled; it is reported like any other.
    #[serde(default)]
    pub stop_tokens: Vec<u32>,
    /// How tokens are drawn.
    #[serde(default)]
    pub sampling: SamplingOptions,
}

/// All that a member needs.
pub struct MemberOptions {
    /// Which member this is.
    pub member: MemberIndex,
    /// Members of each stage.
    pub stage_sizes: Vec<u16>,
    /// Epoch of the load.
    pub epoch: u32,
    /// What it runs; parsed and validated.
    pub program: MemberProgram,
    /// The open device.
    pub backend: Backend,
    /// The program's weights, such as an exported [`shoal_weights::ProgramWeights`].
    pub weights: WeightSource,
    /// Channels to all other members; [`Links::none`] for a member on its own.
    pub links: Links,
    /// Slots, context, state type and step size; the same on all members.
    pub compile: CompileOptions,
    /// Requests that may wait beyond those in slots.
    pub queue_capacity: usize,
    /// Longest wait within a step for a peer that is alive. Dead peers are noticed by heartbeats long before.
    pub step_deadline: Duration,
    /// Stops the load.
    pub abort: AbortFlag,
    /// Hears of progress, tokens and failures.
    pub on_event: EventCallback,
}

impl MemberOptions {
    /// Most requests that wait, unless said otherwise.
    pub const QUEUE_CAPACITY: usize = 256;
    /// Longest wait within a step, unless said otherwise: a prefill of a large model on a small machine is slow.
    pub const STEP_DEADLINE: Duration = Duration::from_secs(600);
}
