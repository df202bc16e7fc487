//! What a member is started with and what it is asked for.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use shoal_abi::backend::{Backend, WeightSource};
use shoal_fabric::{AbortFlag, MemberIndex};
use shoal_program::{CompileOptions, MemberProgram};

use crate::event::EngineEvent;
use crate::links::Links;
use crate::sampling::TokenMaskFactories;

/// Receives events on a native thread; must not block.
pub type EventCallback = Arc<dyn Fn(EngineEvent) + Send + Sync>;

/// How tokens are drawn. The logits of a sequence pass, in this order: repetition penalty, presence and frequency
/// penalty, logit bias, constraint, temperature, top-k, top-p, min-p; from what is left, one token is drawn.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
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
    /// Divides positive and multiplies negative logits of tokens that occur in the prompt or the answer, as
    /// transformers and llama.cpp do (Keskar et al.: CTRL, 2019). Above 0; 1 changes nothing.
    #[serde(default)]
    pub repetition_penalty: Option<f64>,
    /// Subtracted from the logits of tokens that occur in the answer, as in OpenAI's interface. Within -2 and 2.
    #[serde(default)]
    pub presence_penalty: Option<f64>,
    /// Subtracted from the logits of tokens as often as they occur in the answer, as in OpenAI's interface. Within -2
    /// and 2.
    #[serde(default)]
    pub frequency_penalty: Option<f64>,
    /// Added to the logits of these tokens, as in OpenAI's interface. The same on all tokens that are not named: 0.
    #[serde(default)]
    pub logit_bias: Vec<TokenBias>,
    /// Which tokens may come next at all.
    #[serde(default)]
    pub constraint: Option<Constraint>,
    /// Asks for the log-probability of every drawn token, and of so many of the most probable in its place. They are
    /// the model's own: of the softmax over its logits, before anything of the above.
    #[serde(default)]
    pub log_probabilities: Option<u32>,
    /// Seed of the counter-based generator.
    #[serde(default)]
    pub seed: u64,
}

/// What is added to the logit of a token.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct TokenBias {
    /// The token.
    pub token: u32,
    /// Within -100 and 100.
    pub bias: f32,
}

/// A rule for what an answer may be, kept by a [`crate::TokenMask`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Constraint {
    /// Name under which its [`crate::TokenMaskFactory`] is registered.
    pub kind: String,
    /// In the factory's own language.
    pub specification: String,
}

/// One generation, or several of one prompt.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EngineRequest {
    /// Unique among the requests that have not ended.
    pub id: u64,
    /// Token ids of the prompt, at least one. May come apart from the rest.
    #[serde(default)]
    pub prompt_tokens: Vec<u32>,
    /// How many of the last prompt tokens are no prompt but the beginning of the answer, generated earlier: a
    /// generation goes on from its token log as if it had not been interrupted.
    #[serde(default)]
    pub resumed_tokens: u32,
    /// How many answers are generated, at least 1. They share the computation of the prompt and differ in their draws.
    #[serde(default = "one")]
    pub choices: u32,
    /// Number of the first of them; the draws of a choice follow from the seed and its number.
    #[serde(default)]
    pub first_choice: u32,
    /// Most tokens to generate for each choice, at least 1; resumed ones do not count.
    pub maximum_tokens: u32,
    /// A choice ends when one of these is sampled; it is reported like any other.
    #[serde(default)]
    pub stop_tokens: Vec<u32>,
    /// How long the request waits for a slot before it fails with `REQUEST_QUEUE_TIMEOUT`; absent: for ever.
    #[serde(default)]
    pub queue_timeout_milliseconds: Option<u64>,
    /// How tokens are drawn.
    #[serde(default)]
    pub sampling: SamplingOptions,
}

fn one() -> u32 {
    1
}

impl Default for EngineRequest {
    /// A request that only lacks its prompt.
    fn default() -> Self {
        Self {
            id: 0,
            prompt_tokens: Vec::new(),
            resumed_tokens: 0,
            choices: 1,
            first_choice: 0,
            maximum_tokens: 1,
            stop_tokens: Vec::new(),
            queue_timeout_milliseconds: None,
            sampling: SamplingOptions::default(),
        }
    }
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
    /// What constraints are made of; the same on all members.
    pub token_masks: TokenMaskFactories,
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
