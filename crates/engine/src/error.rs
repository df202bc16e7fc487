//! One error type for all that a member can run into.

use std::fmt;

use serde::{Serialize, Serializer};
use shoal_abi::backend::BackendError;
use shoal_fabric::{FabricError, MemberIndex};
use shoal_program::ProgramError;
use shoal_weights::WeightError;

/// An error with its stable code and, where a peer is the cause, that peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineError {
    /// Stable code, such as `TRANSPORT_PEER_LOST`; text, because backends and transports may have codes of their own.
    pub code: String,
    /// Who and what.
    pub message: String,
    /// The guilty peer.
    pub lost: Option<MemberIndex>,
}

impl EngineError {
    /// An error without a guilty peer.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            lost: None,
        }
    }

    /// The same error with the place it was found in put before it.
    #[must_use]
    pub fn within(mut self, place: impl fmt::Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// `REQUEST_INVALID`.
    pub(crate) fn request(message: impl Into<String>) -> Self {
        Self::new("REQUEST_INVALID", message)
    }

    /// `TRANSPORT_DESYNCHRONIZED`: a peer sent what the protocol does not expect here.
    pub(crate) fn desynchronized(peer: MemberIndex, message: impl Into<String>) -> Self {
        Self {
            lost: Some(peer),
            ..Self::new("TRANSPORT_DESYNCHRONIZED", format!("{peer}: {}", message.into()))
        }
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for EngineError {}

impl From<FabricError> for EngineError {
    fn from(error: FabricError) -> Self {
        Self {
            code: error.code().name().to_owned(),
            message: error.to_string(),
            lost: error.peer(),
        }
    }
}

impl From<BackendError> for EngineError {
    fn from(error: BackendError) -> Self {
        Self::new(error.code, error.message)
    }
}

impl From<ProgramError> for EngineError {
    fn from(error: ProgramError) -> Self {
        Self::new(error.code.name(), error.message)
    }
}

impl From<WeightError> for EngineError {
    fn from(error: WeightError) -> Self {
        Self::new(error.code.name(), error.message)
    }
}

/// Writes a member as `{"stage": …, "member": …}`, the `MemberAddress` of the TypeScript contract.
pub(crate) fn serialize_member<S: Serializer>(member: &Option<MemberIndex>, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Address {
        stage: u16,
        member: u16,
    }
    member
        .map(|index| Address {
            stage: index.stage,
            member: index.member,
        })
        .serialize(serializer)
}
