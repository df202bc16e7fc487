//! Sub-channels within the kinds of messages.

/// Hidden rows between stages, within `FrameKind::Activation`.
pub(crate) const HIDDEN_TAG: u64 = 0;
/// Logits on their way to the sampler, within `FrameKind::Activation`.
pub(crate) const LOGITS_TAG: u64 = 1;
/// Sampling options of a new sequence, within `FrameKind::Control`.
pub(crate) const REGISTRATION_TAG: u64 = 1;
/// Nothing is ever sent under it, within `FrameKind::Control`: waiting for it is waiting for a failure.
pub(crate) const NOTHING_TAG: u64 = 2;
/// The one tag within `FrameKind::Token` and `FrameKind::StepDescriptor`.
pub(crate) const ONLY_TAG: u64 = 0;
