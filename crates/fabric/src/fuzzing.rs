//! Ways in for the fuzz targets of `test/fuzz`, compiled for them alone (`--cfg fuzzing`).

use std::time::Duration;

use shoal_frame::FrameKind;

use crate::channel::Channel;
use crate::deadline::Deadline;
use crate::handshake::{Credentials, Negotiation, Secret};
use crate::message::Envelope;
use crate::peer::{MemberIndex, Peer};
use crate::signal::Signal;
use crate::socket_channel::{ChannelLimits, Session, SocketChannel};
use crate::stream::{MemoryStream, Stream};

const ME: MemberIndex = MemberIndex { stage: 0, member: 0 };
const OTHER: MemberIndex = MemberIndex { stage: 1, member: 0 };
const INSTANCE: u64 = 5;
const EPOCH: u32 = 2;

/// A stream on which somebody says `bytes` and then nothing more.
#[expect(clippy::expect_used, reason = "a fuzz target ends where its ground is missing")]
fn saying(bytes: &[u8], own_signal: &std::sync::Arc<Signal>) -> (Stream, Stream) {
    let (near, far) = MemoryStream::pair(own_signal, &Signal::new());
    let mut far = Stream::Memory(far);
    far.write(&[], bytes).expect("memory takes what fits");
    far.finish();
    (Stream::Memory(near), far)
}

/// Both sides of the handshake with a stranger, who must not get in.
pub fn greet_stranger(bytes: &[u8]) {
    let credentials = Credentials {
        me: ME,
        instance: INSTANCE,
        epoch: EPOCH,
        secret: Secret([3; 32]),
    };
    let negotiate = |body: &dyn Fn(&mut Negotiation<'_>) -> bool| {
        let (mut stream, _far) = saying(bytes, &Signal::new());
        let mut negotiation = Negotiation {
            stream: &mut stream,
            address: "memory",
            deadline: Deadline::after(Duration::from_secs(5)),
            given_up: &|| false,
        };
        assert!(!body(&mut negotiation), "a stranger got in");
    };
    negotiate(&|negotiation| negotiation.accept(&credentials, |_, _| Ok(())).is_ok());
    negotiate(&|negotiation| negotiation.connect(&credentials, OTHER).is_ok());
}

/// An authentic member that says `bytes`: with memory posted for some of its messages, and without.
#[expect(clippy::expect_used, reason = "a fuzz target ends where its ground is missing")]
pub fn hear_member(bytes: &[u8]) {
    let signal = Signal::new();
    let (stream, _far) = saying(bytes, &signal);
    let session = Session {
        me: ME,
        peer: Peer::new(OTHER, "memory"),
        instance: INSTANCE,
        epoch: EPOCH,
    };
    let limits = ChannelLimits {
        largest_message_bytes: 1 << 12,
        inbox_bytes: 1 << 13,
        outbox_bytes: 1 << 13,
    };
    let channel = Channel::new(SocketChannel::new(stream, session, limits, signal).expect("memory"));
    let soon = Deadline::after(Duration::ZERO);
    let mut memory = [0_u8; 64];
    let mut taken = 0;
    for round in 0..64_u64 {
        for kind in FrameKind::ALL {
            let received = match round % 2 {
                0 => channel
                    .receive_into(kind, round / 2 % 3, &mut memory, soon)
                    .map(|info| info.length),
                _ => match channel.try_receive(kind, round / 2 % 3) {
                    Ok(Some(message)) => Ok(message.payload.len()),
                    Ok(None) => continue,
                    Err(error) => Err(error),
                },
            };
            taken += received.unwrap_or(0);
        }
    }
    assert!(taken <= bytes.len(), "{taken} bytes arrived out of {}", bytes.len());
    // The answer may fail, as the peer has hung up, but it must say so.
    let _ = channel.send(&Envelope::new(FrameKind::Token, 0), &[1, 2, 3], soon);
}
