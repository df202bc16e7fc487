//! Last words: a clean leave, or the cause for which a member gives the whole instance up.
//!
//! The cause travels with the guilty member, so that everybody names the same one, whether it noticed by itself or
//! was told first.

use shoal_abi::ErrorCode;
use shoal_frame::FrameKind;

use crate::error::FabricError;
use crate::message::Envelope;
use crate::peer::{MemberIndex, Peer};
use crate::signal::Signal;

/// Flag: the sender gives the whole instance up. The sequence is then the error's number, and the payload
/// begins with the place of the guilty member.
const GOODBYE_ABORT: u16 = 1;

/// Longest text of a cause.
pub(crate) const LONGEST_GOODBYE_BYTES: usize = 512;

/// The message that says goodbye.
pub(crate) fn write(cause: Option<&FabricError>) -> (Envelope, Vec<u8>) {
    let envelope = Envelope::new(FrameKind::Goodbye, 0);
    let Some(cause) = cause else {
        return (envelope, Vec::new());
    };
    let text = match cause {
        FabricError::PeerLost { reason, .. } | FabricError::Aborted { reason } => reason.clone(),
        other => other.to_string(),
    };
    let guilty = cause
        .peer()
        .map_or([u16::MAX; 2], |guilty| [guilty.stage, guilty.member]);
    let mut bytes: Vec<u8> = guilty.iter().flat_map(|part| part.to_le_bytes()).collect();
    bytes.extend(text.bytes().take(LONGEST_GOODBYE_BYTES - bytes.len()));
    let flags = GOODBYE_ABORT;
    let envelope = Envelope { flags, ..envelope }.with_sequence(cause.code().number().unsigned_abs());
    (envelope, bytes)
}

/// What a goodbye from `sender` means for the member `me`.
pub(crate) fn read(envelope: &Envelope, bytes: &[u8], me: MemberIndex, sender: &Peer, signal: &Signal) -> FabricError {
    if envelope.flags & GOODBYE_ABORT == 0 {
        return FabricError::Closed { peer: sender.clone() };
    }
    let (guilty, text) = bytes
        .split_first_chunk::<4>()
        .map_or((None, bytes), |([a, b, c, d], text)| {
            let index = MemberIndex::new(u16::from_le_bytes([*a, *b]), u16::from_le_bytes([*c, *d]));
            ((index != MemberIndex::new(u16::MAX, u16::MAX)).then_some(index), text)
        });
    let text = String::from_utf8_lossy(text);
    let code = i32::try_from(envelope.sequence).ok().and_then(ErrorCode::from_number);
    match (code, guilty) {
        (Some(ErrorCode::TransportPeerLost), Some(guilty)) if guilty == me => {
            let reason = format!("{sender} counts this member as lost: {text}");
            FabricError::Aborted { reason }
        }
        (Some(ErrorCode::TransportPeerLost), Some(guilty)) => FabricError::PeerLost {
            peer: signal
                .find_peer(guilty)
                .unwrap_or_else(|| Peer::new(guilty, "an unknown address")),
            reason: format!("{text} (noticed by {})", sender.index),
        },
        (Some(ErrorCode::TransportAborted), _) => FabricError::Aborted {
            reason: text.into_owned(),
        },
        _ => FabricError::Aborted {
            reason: format!("{sender} gave up: {text}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: MemberIndex = MemberIndex { stage: 0, member: 0 };

    fn through(cause: Option<&FabricError>) -> FabricError {
        let (envelope, bytes) = write(cause);
        let sender = Peer::new(MemberIndex::new(1, 0), "memory");
        read(&envelope, &bytes, ME, &sender, &Signal::new())
    }

    #[test]
    fn the_guilty_member_is_passed_on() {
        let peer = Peer::new(MemberIndex::new(2, 1), "memory");
        let lost = FabricError::PeerLost {
            peer,
            reason: "silent".to_owned(),
        };
        let told = through(Some(&lost));
        assert_eq!((told.code(), told.peer()), (lost.code(), lost.peer()));
        assert!(told.to_string().contains("noticed by stage 1 member 0"), "{told}");
    }

    #[test]
    fn being_called_lost_oneself_names_the_caller() {
        let lost = FabricError::PeerLost {
            peer: Peer::new(ME, "memory"),
            reason: "silent".to_owned(),
        };
        let told = through(Some(&lost));
        assert_eq!(told.code(), ErrorCode::TransportAborted);
        assert!(told.to_string().contains("stage 1 member 0"), "{told}");
    }

    #[test]
    fn leaves_aborts_and_other_causes_are_told_apart() {
        assert_eq!(through(None).code(), ErrorCode::TransportClosed);
        let abort = FabricError::Aborted {
            reason: "enough".to_owned(),
        };
        assert_eq!(through(Some(&abort)), abort);
        let other = FabricError::InvalidArgument {
            reason: "x".repeat(9999),
        };
        let told = through(Some(&other));
        assert_eq!(told.code(), ErrorCode::TransportAborted);
        assert!(told.to_string().len() < 2 * LONGEST_GOODBYE_BYTES);
    }
}
