//! What is said about a message beside its bytes.

use shoal_frame::{FrameHeader, FrameKind};

/// Largest tag that every channel carries. Sockets carry more; tables have one number for kind and tag.
pub const LARGEST_TAG: u64 = (1 << 48) - 1;

/// The fields of a message that its sender chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope {
    /// What the message is.
    pub kind: FrameKind,
    /// Sub-channel within the kind, at most [`LARGEST_TAG`].
    pub tag: u64,
    /// The forward pass that it belongs to.
    pub step: u64,
    /// Position in the series of a group's collectives.
    pub sequence: u32,
    /// Bits whose meaning depends on the kind.
    pub flags: u16,
}

impl Envelope {
    /// A message of a kind under a tag, with all else 0.
    pub fn new(kind: FrameKind, tag: u64) -> Self {
        Self {
            kind,
            tag,
            step: 0,
            sequence: 0,
            flags: 0,
        }
    }

    /// The same with a step.
    pub fn with_step(self, step: u64) -> Self {
        Self { step, ..self }
    }

    pub(crate) fn with_sequence(self, sequence: u32) -> Self {
        Self { sequence, ..self }
    }
}

/// The fields of a message that has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageInfo {
    /// What the sender wrote on it.
    pub envelope: Envelope,
    /// Length of the payload in bytes.
    pub length: usize,
}

impl MessageInfo {
    pub(crate) fn of(header: &FrameHeader) -> Self {
        Self {
            envelope: Envelope {
                kind: header.kind,
                tag: header.tag,
                step: header.step,
                sequence: header.sequence,
                flags: header.flags,
            },
            length: header.length as usize,
        }
    }
}

/// A message that has arrived, with its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What the sender wrote on it.
    pub info: MessageInfo,
    /// The payload.
    pub payload: Vec<u8>,
}

/// Which receiver a message belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) kind: FrameKind,
    pub(crate) tag: u64,
}
