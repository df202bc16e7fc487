//! The fixed header in front of every payload.

use crate::FrameError;

/// The first four bytes of a frame, `SHFR` as a little-endian integer.
pub const FRAME_MAGIC: u32 = u32::from_le_bytes(*b"SHFR");

/// Version of the header's layout and of the payloads that this crate defines.
pub const FRAME_VERSION: u8 = 1;

/// Size of an encoded [`FrameHeader`] in bytes.
pub const HEADER_BYTES: usize = 48;

/// What a frame carries. The kind decides with the tag which receiver a frame belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum FrameKind {
    /// Authentication, before anything else on a stream.
    Hello = 1,
    /// Proof of life, with the sender's state in the flags.
    Heartbeat = 2,
    /// A [`crate::StepDescriptor`] from the head.
    StepDescriptor = 3,
    /// Hidden states between two stages.
    Activation = 4,
    /// A part of an all-reduce, all-gather, gather, broadcast or barrier.
    Collective = 5,
    /// Sampled token ids on their way to the head.
    Token = 6,
    /// Control messages between workers (capacity, readiness, state).
    Control = 7,
    /// Weight and cache bytes, which yield to everything else.
    Bulk = 8,
    /// A clean leave, or the report of an abort.
    Goodbye = 9,
    /// A message of another library, whose tag means something to that library only.
    Opaque = 10,
}

impl FrameKind {
    /// All kinds, in the order of their codes.
    pub const ALL: [Self; 10] = [
        Self::Hello,
        Self::Heartbeat,
        Self::StepDescriptor,
        Self::Activation,
        Self::Collective,
        Self::Token,
        Self::Control,
        Self::Bulk,
        Self::Goodbye,
        Self::Opaque,
    ];

    /// The kind with this code on the wire.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == code)
    }

    /// The code on the wire.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The name that messages to people use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Heartbeat => "heartbeat",
            Self::StepDescriptor => "step descriptor",
            Self::Activation => "activation",
            Self::Collective => "collective",
            Self::Token => "token",
            Self::Control => "control",
            Self::Bulk => "bulk",
            Self::Goodbye => "goodbye",
            Self::Opaque => "opaque",
        }
    }
}

/// The fields in front of a payload.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 4 | magic |
/// | 4 | 1 | version |
/// | 5 | 1 | kind |
/// | 6 | 2 | flags |
/// | 8 | 8 | instance |
/// | 16 | 4 | epoch |
/// | 20 | 4 | sequence |
/// | 24 | 8 | step |
/// | 32 | 2 | stage |
/// | 34 | 2 | member |
/// | 36 | 4 | length |
/// | 40 | 8 | tag |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// What the payload is.
    pub kind: FrameKind,
    /// Bits whose meaning depends on the kind.
    pub flags: u16,
    /// The loaded instance that the frame belongs to.
    pub instance: u64,
    /// The instance's epoch: a frame of a lower one is stale and dropped.
    pub epoch: u32,
    /// Position in the series of collectives of one group; 0 for other kinds.
    pub sequence: u32,
    /// The forward pass that the frame belongs to; 0 where there is none.
    pub step: u64,
    /// Stage of the sender.
    pub stage: u16,
    /// Member (rank within the stage) of the sender.
    pub member: u16,
    /// Bytes of payload that follow.
    pub length: u32,
    /// Sub-channel within the kind, such as the group of a collective.
    pub tag: u64,
}

impl FrameHeader {
    /// A header of this kind with every other field 0.
    pub fn new(kind: FrameKind) -> Self {
        Self {
            kind,
            flags: 0,
            instance: 0,
            epoch: 0,
            sequence: 0,
            step: 0,
            stage: 0,
            member: 0,
            length: 0,
            tag: 0,
        }
    }

    /// The header's bytes.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0_u8; HEADER_BYTES];
        bytes[0..4].copy_from_slice(&FRAME_MAGIC.to_le_bytes());
        bytes[4] = FRAME_VERSION;
        bytes[5] = self.kind.code();
        bytes[6..8].copy_from_slice(&self.flags.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.instance.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.epoch.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.step.to_le_bytes());
        bytes[32..34].copy_from_slice(&self.stage.to_le_bytes());
        bytes[34..36].copy_from_slice(&self.member.to_le_bytes());
        bytes[36..40].copy_from_slice(&self.length.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.tag.to_le_bytes());
        bytes
    }

    /// Reads a header and refuses one whose payload is longer than `largest_payload` bytes.
    ///
    /// # Errors
    /// Magic, version, kind or length is not acceptable.
    pub fn decode(bytes: &[u8; HEADER_BYTES], largest_payload: u32) -> Result<Self, FrameError> {
        let magic = u32_at(bytes, 0);
        if magic != FRAME_MAGIC {
            return Err(FrameError::BadMagic { found: magic });
        }
        if bytes[4] != FRAME_VERSION {
            return Err(FrameError::UnsupportedVersion { found: bytes[4] });
        }
        let kind = FrameKind::from_code(bytes[5]).ok_or(FrameError::UnknownKind { found: bytes[5] })?;
        let length = u32_at(bytes, 36);
        if length > largest_payload {
            return Err(FrameError::TooLarge {
                field: "payload length",
                value: u64::from(length),
                limit: u64::from(largest_payload),
            });
        }
        Ok(Self {
            kind,
            flags: u16_at(bytes, 6),
            instance: u64_at(bytes, 8),
            epoch: u32_at(bytes, 16),
            sequence: u32_at(bytes, 20),
            step: u64_at(bytes, 24),
            stage: u16_at(bytes, 32),
            member: u16_at(bytes, 34),
            length,
            tag: u64_at(bytes, 40),
        })
    }
}

fn array_at<const N: usize>(bytes: &[u8; HEADER_BYTES], offset: usize) -> [u8; N] {
    let mut array = [0_u8; N];
    array.copy_from_slice(&bytes[offset..offset + N]);
    array
}

fn u16_at(bytes: &[u8; HEADER_BYTES], offset: usize) -> u16 {
    u16::from_le_bytes(array_at(bytes, offset))
}

fn u32_at(bytes: &[u8; HEADER_BYTES], offset: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, offset))
}

fn u64_at(bytes: &[u8; HEADER_BYTES], offset: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, offset))
}
