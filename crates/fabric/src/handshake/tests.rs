//! The handshake against a peer that is nothing but bytes, and against somebody in the middle.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Credentials, Negotiation, Refusal, Secret};
use crate::deadline::Deadline;
use crate::error::FabricError;
use crate::peer::MemberIndex;
use crate::signal::Signal;
use crate::stream::{MemoryStream, Stream};

const CONNECTING: MemberIndex = MemberIndex { stage: 0, member: 0 };
const ACCEPTING: MemberIndex = MemberIndex { stage: 0, member: 1 };

/// Bytes of the four messages, in the order in which they are sent.
const MESSAGE_BYTES: [usize; 4] = [80, 112, 80, 80];

fn credentials(me: MemberIndex) -> Credentials {
    Credentials {
        me,
        instance: 5,
        epoch: 2,
        secret: Secret([3; 32]),
    }
}

fn streams() -> (Stream, Stream) {
    let (first, second) = MemoryStream::pair(&Signal::new(), &Signal::new());
    (Stream::Memory(first), Stream::Memory(second))
}

fn negotiate<T>(stream: &mut Stream, limit: Duration, body: impl FnOnce(&mut Negotiation<'_>) -> T) -> T {
    body(&mut Negotiation {
        stream,
        address: "memory",
        deadline: Deadline::after(limit),
        given_up: &|| false,
    })
}

fn accept(stream: &mut Stream, limit: Duration) -> Result<MemberIndex, Refusal> {
    negotiate(stream, limit, |negotiation| {
        negotiation.accept(&credentials(ACCEPTING), |_, _| Ok(()))
    })
}

fn connect(stream: &mut Stream) -> Result<(), FabricError> {
    negotiate(stream, Duration::from_secs(10), |negotiation| {
        negotiation.connect(&credentials(CONNECTING), ACCEPTING)
    })
}

/// Both sides with somebody in the middle who changes one bit of one message.
fn through_a_middle(message: usize, byte: usize, mask: u8) -> (Result<(), FabricError>, Result<MemberIndex, Refusal>) {
    let (mut near, mut near_middle) = streams();
    let (mut far_middle, mut far) = streams();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        // Each side hangs up when it is finished, as it would in earnest.
        let connecting = scope.spawn(move || connect(&mut near));
        let accepting = scope.spawn(move || accept(&mut far, Duration::from_secs(10)));
        scope.spawn(|| {
            for (index, length) in MESSAGE_BYTES.into_iter().enumerate() {
                let (from, to) = if index % 2 == 0 {
                    (&mut near_middle, &mut far_middle)
                } else {
                    (&mut far_middle, &mut near_middle)
                };
                let mut bytes = vec![0; length];
                let mut filled = 0;
                while filled < length && !done.load(Ordering::Acquire) {
                    match from.read(&mut bytes[filled..]) {
                        Ok(0) => break,
                        Ok(count) => filled += count,
                        Err(_) => thread::sleep(Duration::from_micros(50)),
                    }
                }
                if index == message {
                    bytes[byte % length] ^= mask;
                }
                let _ = to.write(&bytes[..filled], &[]);
                if filled < length {
                    break;
                }
            }
            // What is still expected will not come.
            near_middle.finish();
            far_middle.finish();
        });
        let results = (connecting.join().unwrap(), accepting.join().unwrap());
        done.store(true, Ordering::Release);
        results
    })
}

#[test]
fn the_handshake_succeeds_through_a_faithful_middle() {
    let (connected, accepted) = through_a_middle(0, 0, 0);
    connected.unwrap();
    assert_eq!(accepted.unwrap(), CONNECTING);
}

#[test]
fn a_proof_cannot_be_sent_back_to_its_maker() {
    // A stranger without the secret answers with what it has been sent.
    let (mut near, mut mirror) = streams();
    thread::scope(|scope| {
        let connecting = scope.spawn(move || connect(&mut near));
        let mut hello = vec![0; 80];
        while mirror.read(&mut hello).is_err() {
            thread::sleep(Duration::from_micros(50));
        }
        mirror.write(&[hello.as_slice(), &[0; 32]].concat(), &[]).unwrap();
        assert!(connecting.join().unwrap().is_err());
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_bit_can_be_changed_unnoticed(message in 0..4_usize, byte in 0..112_usize, bit in 0..8_u32) {
        let (connected, accepted) = through_a_middle(message, byte, 1 << bit);
        prop_assert!(connected.is_err(), "message {message}, byte {byte}, bit {bit}: {accepted:?}");
    }

    #[test]
    fn arbitrary_bytes_are_refused_without_panic(bytes in vec(any::<u8>(), 0..300), honest_start in any::<bool>()) {
        let (mut near, mut stranger) = streams();
        if honest_start {
            let hello = credentials(CONNECTING).header(super::NONCE_BYTES).encode();
            stranger.write(&hello, &bytes).unwrap();
        } else {
            stranger.write(&bytes, &[]).unwrap();
        }
        stranger.finish();
        prop_assert!(accept(&mut near, Duration::from_secs(5)).is_err());
    }
}
