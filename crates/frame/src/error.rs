//! What can be wrong with bytes that claim to be a frame.

use std::fmt;

/// A reason to refuse bytes from the wire. Refusing is the only reaction: the stream that carried them is not usable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameError {
    /// The first four bytes are not [`crate::FRAME_MAGIC`]: the peer speaks another protocol.
    BadMagic {
        /// The four bytes found, read as a little-endian integer.
        found: u32,
    },
    /// The peer speaks another version of this format.
    UnsupportedVersion {
        /// The version found.
        found: u8,
    },
    /// The kind byte names no known kind of frame.
    UnknownKind {
        /// The byte found.
        found: u8,
    },
    /// The length field or a count exceeds the configured limit.
    TooLarge {
        /// Which field.
        field: &'static str,
        /// Its value.
        value: u64,
        /// The largest value accepted.
        limit: u64,
    },
    /// The bytes end before the value does.
    Truncated {
        /// How many bytes were needed.
        needed: usize,
        /// How many there were.
        available: usize,
    },
    /// The bytes go on after the value has ended.
    TrailingBytes {
        /// How many bytes are left over.
        count: usize,
    },
    /// A field has a value that contradicts another field or the format.
    Invalid {
        /// Which field.
        field: &'static str,
        /// The value found.
        value: u64,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::BadMagic { found } => write!(formatter, "the bytes are not a frame: magic {found:#010x}"),
            Self::UnsupportedVersion { found } => {
                write!(
                    formatter,
                    "frame version {found} is not supported, this program speaks {}",
                    crate::FRAME_VERSION
                )
            }
            Self::UnknownKind { found } => write!(formatter, "frame kind {found} is unknown"),
            Self::TooLarge { field, value, limit } => write!(formatter, "{field} is {value}, the limit is {limit}"),
            Self::Truncated { needed, available } => {
                write!(formatter, "{needed} bytes are needed, there are {available}")
            }
            Self::TrailingBytes { count } => write!(formatter, "{count} bytes follow the end of the value"),
            Self::Invalid { field, value } => write!(formatter, "{field} has the invalid value {value}"),
        }
    }
}

impl std::error::Error for FrameError {}
