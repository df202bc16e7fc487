//! What the fuzz targets of `test/fuzz` need to know to speak to a member, compiled for them alone (`--cfg fuzzing`).

use crate::tags;

/// Hidden rows between stages, within `FrameKind::Activation`.
pub const HIDDEN_TAG: u64 = tags::HIDDEN_TAG;
/// Logits on their way to the sampler, within `FrameKind::Activation`.
pub const LOGITS_TAG: u64 = tags::LOGITS_TAG;
/// Sampling options of a new sequence, within `FrameKind::Control`.
pub const REGISTRATION_TAG: u64 = tags::REGISTRATION_TAG;
/// The one tag within `FrameKind::Token` and `FrameKind::StepDescriptor`.
pub const ONLY_TAG: u64 = tags::ONLY_TAG;
