//! What a member tells its owner, as `EngineEvent` in `core/src/spec/engine.ts`.

use serde::Serialize;
use shoal_fabric::MemberIndex;

use crate::error::{EngineError, serialize_member};
use crate::sampling::TokenLogProbabilities;

/// Why a generation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FinishReason {
    /// One of the stop tokens was sampled.
    Stop,
    /// The request's or the context's length is reached.
    Length,
    /// The owner cancelled it.
    Cancelled,
}

/// An event; its JSON form is that of the TypeScript contract.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum EngineEvent {
    /// Weights are being read.
    LoadProgress {
        /// Bytes that are in place.
        loaded_bytes: u64,
        /// Bytes in all.
        total_bytes: u64,
    },
    /// A token was sampled.
    Token {
        /// The request.
        request_id: u64,
        /// Which of its answers.
        choice: u32,
        /// The token.
        token: u32,
        /// Position among the answer's tokens, from 0.
        index: u32,
        /// Where the request asks for them.
        #[serde(skip_serializing_if = "Option::is_none")]
        log_probabilities: Option<Box<TokenLogProbabilities>>,
    },
    /// An answer ended well. A request has ended when all its choices have.
    RequestFinished {
        /// The request.
        request_id: u64,
        /// Which of its answers.
        choice: u32,
        /// Why it ended.
        reason: FinishReason,
        /// Tokens of the prompt whose state was computed, or taken over from another choice.
        prompt_tokens: u32,
        /// Tokens that were sampled.
        generated_tokens: u32,
        /// From the first step to the first token.
        prefill_microseconds: u64,
        /// From the first token to the last.
        decode_microseconds: u64,
    },
    /// A request cannot be finished: none of its choices goes on.
    RequestFailed {
        /// The request.
        request_id: u64,
        /// Stable code.
        code: String,
        /// Who and what.
        message: String,
    },
    /// The member cannot go on; no event follows.
    MemberFailed {
        /// Stable code.
        code: String,
        /// Who and what.
        message: String,
        /// The guilty peer, where a peer is the cause.
        #[serde(skip_serializing_if = "Option::is_none", serialize_with = "serialize_member")]
        lost: Option<MemberIndex>,
    },
}

impl EngineEvent {
    /// The event as JSON.
    pub fn to_json(&self) -> String {
        // Maps with string keys and plain numbers: writing them to a string cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(crate) fn request_failed(request_id: u64, error: &EngineError) -> Self {
        Self::RequestFailed {
            request_id,
            code: error.code.clone(),
            message: error.message.clone(),
        }
    }

    pub(crate) fn member_failed(error: &EngineError) -> Self {
        Self::MemberFailed {
            code: error.code.clone(),
            message: error.message.clone(),
            lost: error.lost,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::Alternative;

    #[test]
    fn json_is_that_of_the_contract() {
        let event = EngineEvent::Token {
            request_id: 7,
            choice: 0,
            token: 42,
            index: 0,
            log_probabilities: None,
        };
        assert_eq!(
            event.to_json(),
            r#"{"kind":"token","requestId":7,"choice":0,"token":42,"index":0}"#
        );
        let explained = EngineEvent::Token {
            request_id: 7,
            choice: 0,
            token: 42,
            index: 0,
            log_probabilities: Some(Box::new(TokenLogProbabilities {
                log_probability: -0.5,
                alternatives: vec![Alternative {
                    token: 42,
                    log_probability: -0.5,
                }],
            })),
        };
        assert_eq!(
            explained.to_json(),
            r#"{"kind":"token","requestId":7,"choice":0,"token":42,"index":0,"logProbabilities":{"logProbability":-0.5,"alternatives":[{"token":42,"logProbability":-0.5}]}}"#
        );
        let finished = EngineEvent::RequestFinished {
            request_id: 1,
            choice: 2,
            reason: FinishReason::Stop,
            prompt_tokens: 2,
            generated_tokens: 3,
            prefill_microseconds: 4,
            decode_microseconds: 5,
        };
        assert_eq!(
            finished.to_json(),
            r#"{"kind":"request-finished","requestId":1,"choice":2,"reason":"stop","promptTokens":2,"generatedTokens":3,"prefillMicroseconds":4,"decodeMicroseconds":5}"#
        );
        let error = EngineError {
            lost: Some(MemberIndex::new(1, 2)),
            ..EngineError::new("TRANSPORT_PEER_LOST", "gone")
        };
        assert_eq!(
            EngineEvent::member_failed(&error).to_json(),
            r#"{"kind":"member-failed","code":"TRANSPORT_PEER_LOST","message":"gone","lost":{"stage":1,"member":2}}"#
        );
        let error = EngineError::new("BACKEND_FAILED", "x");
        assert!(!EngineEvent::member_failed(&error).to_json().contains("lost"));
    }
}
