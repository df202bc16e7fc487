//! Who takes part in an instance.

use std::fmt;
use std::sync::Arc;

/// A member's place in the plan. The order (stage first) decides who connects to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MemberIndex {
    /// Stage of the pipeline.
    pub stage: u16,
    /// Rank within the stage.
    pub member: u16,
}

impl MemberIndex {
    /// The member `member` of stage `stage`.
    pub fn new(stage: u16, member: u16) -> Self {
        Self { stage, member }
    }
}

impl fmt::Display for MemberIndex {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "stage {} member {}", self.stage, self.member)
    }
}

/// The other end of a channel, as errors name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Place in the plan.
    pub index: MemberIndex,
    /// Where it was reached, as text.
    pub address: Arc<str>,
}

impl Peer {
    /// A peer at an address.
    pub fn new(index: MemberIndex, address: &str) -> Self {
        Self {
            index,
            address: address.into(),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at {}", self.index, self.address)
    }
}
