//! Errors of the data plane and their stable codes.

use std::fmt;
use std::io;
use std::time::Duration;

use shoal_abi::{ErrorCode, Status};

use crate::peer::{MemberIndex, Peer};

/// Why a data-plane operation did not succeed. [`FabricError::code`] gives the stable code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FabricError {
    /// The peer is gone or silent; nothing more can be exchanged with it.
    PeerLost {
        /// Who.
        peer: Peer,
        /// How it was noticed.
        reason: String,
    },
    /// The deadline passed while the peers still showed signs of life.
    Timeout {
        /// What was waited for.
        operation: String,
        /// Who had not answered.
        peers: Vec<Peer>,
        /// How long the wait was.
        waited: Duration,
    },
    /// The other side could not prove who it is.
    Unauthenticated {
        /// The address of the other side.
        address: String,
        /// What was wrong.
        reason: String,
    },
    /// The other side is authentic but belongs to another instance or epoch.
    EpochMismatch {
        /// The address of the other side.
        address: String,
        /// Instance and epoch here.
        expected: (u64, u32),
        /// Instance and epoch there.
        found: (u64, u32),
    },
    /// A member is at another point of the series of collectives than this one.
    Desynchronized {
        /// The member.
        peer: Peer,
        /// What was expected and what came instead.
        reason: String,
    },
    /// Bytes arrived that are no frame of this protocol.
    Protocol {
        /// The address of the sender.
        address: String,
        /// What was wrong.
        reason: String,
    },
    /// A message exceeds the channel's limit or the receiver's buffer.
    MessageTooLarge {
        /// The other side.
        peer: Peer,
        /// Length of the message in bytes.
        length: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The work was given up on purpose.
    Aborted {
        /// Who gave it up and why.
        reason: String,
    },
    /// The peer left cleanly.
    Closed {
        /// Who.
        peer: Peer,
    },
    /// Not every member could be connected within the deadline.
    Unreachable {
        /// Members that are missing.
        missing: Vec<MemberIndex>,
        /// The last obstacle for each.
        reason: String,
    },
    /// An address cannot be read or is not supported on this platform.
    InvalidAddress {
        /// The address.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The caller broke a rule of the interface.
    InvalidArgument {
        /// Which one.
        reason: String,
    },
    /// The operating system refused an operation on a socket.
    InputOutput {
        /// What was tried, with the address.
        operation: String,
        /// The system's message.
        reason: String,
    },
    /// A channel of another library reported a failure.
    Foreign {
        /// The peer of the channel.
        peer: Peer,
        /// The code that the library gave.
        code: ErrorCode,
        /// The library's message.
        reason: String,
    },
}

impl FabricError {
    /// The stable code; the only place where errors are mapped to codes.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::PeerLost { .. } => ErrorCode::TransportPeerLost,
            Self::Timeout { .. } => ErrorCode::TransportTimeout,
            Self::Unauthenticated { .. } => ErrorCode::TransportUnauthenticated,
            Self::EpochMismatch { .. } => ErrorCode::TransportEpochMismatch,
            Self::Desynchronized { .. } => ErrorCode::TransportDesynchronized,
            Self::Protocol { .. } => ErrorCode::TransportProtocol,
            Self::MessageTooLarge { .. } => ErrorCode::TransportFrameTooLarge,
            Self::Aborted { .. } => ErrorCode::TransportAborted,
            Self::Closed { .. } => ErrorCode::TransportClosed,
            Self::Unreachable { .. } => ErrorCode::TransportUnreachable,
            Self::InvalidAddress { .. } => ErrorCode::TransportAddressInvalid,
            Self::InvalidArgument { .. } => ErrorCode::InvalidArgument,
            Self::InputOutput { .. } => ErrorCode::TransportInputOutput,
            Self::Foreign { code, .. } => *code,
        }
    }

    /// The error that a status from a channel table of `peer` stands for, or nothing for success.
    pub fn from_status(status: Status, peer: &Peer, message: &str) -> Option<Self> {
        let reason = message.to_owned();
        let peer = peer.clone();
        Some(match status.error()? {
            ErrorCode::TransportPeerLost => Self::PeerLost { peer, reason },
            ErrorCode::TransportTimeout => Self::Timeout {
                operation: reason,
                peers: vec![peer],
                waited: Duration::ZERO,
            },
            ErrorCode::TransportAborted => Self::Aborted { reason },
            ErrorCode::TransportClosed => Self::Closed { peer },
            ErrorCode::TransportDesynchronized => Self::Desynchronized { peer, reason },
            code => Self::Foreign { peer, code, reason },
        })
    }

    /// The guilty member, where one can be named.
    pub fn peer(&self) -> Option<MemberIndex> {
        match self {
            Self::PeerLost { peer, .. }
            | Self::Desynchronized { peer, .. }
            | Self::MessageTooLarge { peer, .. }
            | Self::Closed { peer }
            | Self::Foreign { peer, .. } => Some(peer.index),
            Self::Timeout { peers, .. } => peers.first().map(|peer| peer.index),
            Self::Unreachable { missing, .. } => missing.first().copied(),
            _ => None,
        }
    }

    pub(crate) fn input_output(operation: impl Into<String>, error: &io::Error) -> Self {
        Self::InputOutput {
            operation: operation.into(),
            reason: error.to_string(),
        }
    }
}

fn list<T: fmt::Display>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for FabricError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PeerLost { peer, reason } => write!(formatter, "{peer} is lost: {reason}"),
            Self::Timeout {
                operation,
                peers,
                waited,
            } => write!(
                formatter,
                "{operation}: no answer within {} ms from {}; it is alive but slow or at another point of the work",
                waited.as_millis(),
                list(peers)
            ),
            Self::Unauthenticated { address, reason } => {
                write!(
                    formatter,
                    "{address} could not prove that it belongs to this load: {reason}"
                )
            }
            Self::EpochMismatch {
                address,
                expected,
                found,
            } => write!(
                formatter,
                "{address} belongs to instance {:016x} epoch {}, expected was instance {:016x} epoch {}: \
                 load the model again",
                found.0, found.1, expected.0, expected.1
            ),
            Self::Desynchronized { peer, reason } => {
                write!(formatter, "{peer} is out of step: {reason}; load the model again")
            }
            Self::Protocol { address, reason } => write!(formatter, "{address} broke the protocol: {reason}"),
            Self::MessageTooLarge { peer, length, limit } => {
                write!(
                    formatter,
                    "a message of {length} bytes between here and {peer} exceeds the limit of {limit}"
                )
            }
            Self::Aborted { reason } => write!(formatter, "aborted: {reason}"),
            Self::Closed { peer } => write!(formatter, "{peer} has left"),
            Self::Unreachable { missing, reason } => {
                write!(formatter, "no connection with {} in time: {reason}", list(missing))
            }
            Self::InvalidAddress { address, reason } => {
                write!(formatter, "the address {address} is not usable: {reason}")
            }
            Self::InvalidArgument { reason } => formatter.write_str(reason),
            Self::InputOutput { operation, reason } => write!(formatter, "{operation}: {reason}"),
            Self::Foreign { peer, code, reason } => {
                write!(formatter, "the channel to {peer} failed with {code}: {reason}")
            }
        }
    }
}

impl std::error::Error for FabricError {}

impl From<&FabricError> for Status {
    fn from(error: &FabricError) -> Self {
        error.code().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_survive_the_way_through_a_status() {
        let peer = Peer::new(MemberIndex { stage: 1, member: 2 }, "tcp:127.0.0.1:9");
        for code in ErrorCode::ALL {
            let error = FabricError::from_status(Status::from(*code), &peer, "why").map(|error| error.code());
            assert_eq!(error, Some(*code));
        }
        assert_eq!(FabricError::from_status(Status::OK, &peer, ""), None);
    }

    #[test]
    fn every_error_has_a_code_and_names_the_guilty() {
        let peer = Peer::new(MemberIndex { stage: 1, member: 2 }, "tcp:127.0.0.1:9");
        let address = "tcp:127.0.0.1:9".to_owned();
        let reason = "why".to_owned();
        let cases = [
            (
                FabricError::PeerLost {
                    peer: peer.clone(),
                    reason: reason.clone(),
                },
                "TRANSPORT_PEER_LOST",
            ),
            (
                FabricError::Timeout {
                    operation: reason.clone(),
                    peers: vec![peer.clone()],
                    waited: Duration::ZERO,
                },
                "TRANSPORT_TIMEOUT",
            ),
            (
                FabricError::Unauthenticated {
                    address: address.clone(),
                    reason: reason.clone(),
                },
                "TRANSPORT_UNAUTHENTICATED",
            ),
            (
                FabricError::EpochMismatch {
                    address: address.clone(),
                    expected: (1, 2),
                    found: (1, 1),
                },
                "TRANSPORT_EPOCH_MISMATCH",
            ),
            (
                FabricError::Desynchronized {
                    peer: peer.clone(),
                    reason: reason.clone(),
                },
                "TRANSPORT_DESYNCHRONIZED",
            ),
            (
                FabricError::Protocol {
                    address: address.clone(),
                    reason: reason.clone(),
                },
                "TRANSPORT_PROTOCOL",
            ),
            (
                FabricError::MessageTooLarge {
                    peer: peer.clone(),
                    length: 2,
                    limit: 1,
                },
                "TRANSPORT_FRAME_TOO_LARGE",
            ),
            (FabricError::Aborted { reason: reason.clone() }, "TRANSPORT_ABORTED"),
            (FabricError::Closed { peer: peer.clone() }, "TRANSPORT_CLOSED"),
            (
                FabricError::Unreachable {
                    missing: vec![peer.index],
                    reason: reason.clone(),
                },
                "TRANSPORT_UNREACHABLE",
            ),
            (
                FabricError::InvalidAddress {
                    address,
                    reason: reason.clone(),
                },
                "TRANSPORT_ADDRESS_INVALID",
            ),
            (
                FabricError::InvalidArgument { reason: reason.clone() },
                "INTERNAL_INVALID_ARGUMENT",
            ),
            (
                FabricError::InputOutput {
                    operation: reason.clone(),
                    reason: reason.clone(),
                },
                "TRANSPORT_INPUT_OUTPUT",
            ),
            (
                FabricError::Foreign {
                    peer,
                    code: ErrorCode::Panic,
                    reason,
                },
                "INTERNAL_PANIC",
            ),
        ];
        for (error, name) in cases {
            assert_eq!(error.code().name(), name);
            let text = error.to_string();
            if error.peer().is_some() {
                assert!(text.contains("stage 1 member 2"), "{text}");
            }
        }
    }
}
