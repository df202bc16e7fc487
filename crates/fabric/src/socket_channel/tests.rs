//! The channel against a peer that is nothing but bytes.

use proptest::collection::vec;
use proptest::prelude::*;
use shoal_frame::{FrameHeader, FrameKind, HEADER_BYTES};

use super::{ChannelLimits, Session, SocketChannel};
use crate::data_channel::DataChannel;
use crate::error::FabricError;
use crate::message::Envelope;
use crate::monitor::WatchedChannel;
use crate::peer::{MemberIndex, Peer};
use crate::signal::Signal;
use crate::stream::{MemoryStream, Stream};
use std::sync::Arc;

const PEER: MemberIndex = MemberIndex { stage: 1, member: 0 };
const LARGEST: u32 = 100_000;

/// A channel and the raw stream at its other end.
fn raw_peer() -> (Arc<SocketChannel>, Stream) {
    let signal = Signal::new();
    let (near, far) = MemoryStream::pair(&signal, &Signal::new());
    let session = Session {
        me: MemberIndex::new(0, 0),
        peer: Peer::new(PEER, "memory"),
        instance: 5,
        epoch: 2,
    };
    let limits = ChannelLimits {
        largest_message_bytes: LARGEST,
        inbox_bytes: 150_000,
        outbox_bytes: 150_000,
    };
    (
        SocketChannel::new(Stream::Memory(near), session, limits, signal).unwrap(),
        Stream::Memory(far),
    )
}

fn good_header(kind: FrameKind, length: usize) -> FrameHeader {
    FrameHeader {
        instance: 5,
        epoch: 2,
        stage: 1,
        length: length as u32,
        ..FrameHeader::new(kind)
    }
}

fn frame(header: FrameHeader, payload: &[u8]) -> Vec<u8> {
    [header.encode().as_slice(), payload].concat()
}

fn ended_with(channel: &SocketChannel) -> Option<&'static str> {
    channel.drive();
    channel.signal().failure().map(|failure| failure.code().name())
}

#[test]
fn every_breach_of_the_protocol_ends_the_channel_with_its_code() {
    let token = good_header(FrameKind::Token, 0);
    let cases = [
        (
            b"GET / HTTP/1.1 and so on until forty-eight bytes are full".to_vec(),
            "TRANSPORT_PROTOCOL",
        ),
        (
            frame(
                FrameHeader {
                    length: LARGEST + 1,
                    ..token
                },
                &[],
            ),
            "TRANSPORT_PROTOCOL",
        ),
        (
            frame(
                FrameHeader {
                    length: u32::MAX,
                    ..token
                },
                &[],
            ),
            "TRANSPORT_PROTOCOL",
        ),
        (frame(FrameHeader { member: 7, ..token }, &[]), "TRANSPORT_PROTOCOL"),
        (frame(good_header(FrameKind::Hello, 0), &[]), "TRANSPORT_PROTOCOL"),
        (frame(good_header(FrameKind::Heartbeat, 1), &[0]), "TRANSPORT_PROTOCOL"),
        (frame(good_header(FrameKind::Goodbye, 4096), &[]), "TRANSPORT_PROTOCOL"),
        (
            frame(FrameHeader { epoch: 3, ..token }, &[]),
            "TRANSPORT_EPOCH_MISMATCH",
        ),
        (
            frame(FrameHeader { instance: 6, ..token }, &[]),
            "TRANSPORT_EPOCH_MISMATCH",
        ),
    ];
    for (bytes, code) in cases {
        let (channel, mut peer) = raw_peer();
        peer.write(&bytes, &[]).unwrap();
        assert_eq!(ended_with(&channel), Some(code), "{bytes:?}");
        let error = channel.try_receive(FrameKind::Token, 0, &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("stage 1 member 0"), "{error}");
    }
}

#[test]
fn an_end_without_a_goodbye_is_a_loss_and_what_came_before_is_not_lost() {
    let (channel, mut peer) = raw_peer();
    peer.write(&frame(good_header(FrameKind::Token, 2), b"ok"), &[])
        .unwrap();
    drop(peer);
    // A short read is taken for the last of what is there; the end shows at the next look.
    channel.drive();
    channel.drive();
    let mut bytes = Vec::new();
    assert_eq!(
        channel
            .try_receive(FrameKind::Token, 0, &mut bytes)
            .unwrap()
            .unwrap()
            .length,
        2
    );
    let error = channel.try_receive(FrameKind::Token, 0, &mut bytes).unwrap_err();
    assert!(matches!(error, FabricError::PeerLost { peer, .. } if peer.index == PEER));
    assert!(channel.try_send(&Envelope::new(FrameKind::Token, 0), b"").is_err());
}

#[test]
fn older_epochs_are_dropped_whatever_their_length() {
    let (channel, mut peer) = raw_peer();
    for length in [0, 1, 70_000] {
        peer.write(
            &frame(
                FrameHeader {
                    epoch: 1,
                    ..good_header(FrameKind::Token, length)
                },
                &vec![1; length],
            ),
            &[],
        )
        .unwrap();
        channel.drive();
    }
    peer.write(&frame(good_header(FrameKind::Token, 3), b"new"), &[])
        .unwrap();
    channel.drive();
    let mut bytes = Vec::new();
    assert!(channel.try_receive(FrameKind::Token, 0, &mut bytes).unwrap().is_some());
    assert_eq!(
        (bytes.as_slice(), channel.statistics().dropped_frames),
        (&b"new"[..], 3)
    );
}

#[test]
fn tags_that_never_come_again_leave_nothing_behind() {
    let (channel, mut peer) = raw_peer();
    let mut bytes = Vec::new();
    for tag in 0..1000 {
        let header = FrameHeader {
            tag,
            ..good_header(FrameKind::Control, 1)
        };
        peer.write(&frame(header, &[1]), &[]).unwrap();
        channel.drive();
        channel
            .try_receive(FrameKind::Control, tag, &mut bytes)
            .unwrap()
            .unwrap();
    }
    assert!(crate::signal::lock(&channel.state).inbound.queue_count() < 100);
}

#[test]
fn a_full_inbox_stops_the_reading_and_keeps_the_peer_alive() {
    let (channel, mut peer) = raw_peer();
    let message = frame(good_header(FrameKind::Bulk, 60_000), &vec![4; 60_000]);
    for _ in 0..3 {
        peer.write(&message, &[]).unwrap();
        channel.drive();
    }
    peer.write(&frame(good_header(FrameKind::Token, 1), &[7]), &[]).unwrap();
    channel.drive();
    // The third does not fit, so what follows it has not been seen.
    let mut bytes = Vec::new();
    assert_eq!(channel.try_receive(FrameKind::Token, 0, &mut bytes).unwrap(), None);
    assert_eq!(channel.silence(), std::time::Duration::ZERO);
    for _ in 0..3 {
        assert!(channel.try_receive(FrameKind::Bulk, 0, &mut bytes).unwrap().is_some());
        channel.drive();
    }
    assert!(channel.try_receive(FrameKind::Token, 0, &mut bytes).unwrap().is_some());
}

#[test]
fn a_receive_may_be_posted_or_given_up_in_the_middle_of_its_message() {
    let (channel, mut peer) = raw_peer();
    let payload: Vec<u8> = (0..80_000_u32).map(|index| index as u8).collect();
    let message = frame(good_header(FrameKind::Activation, payload.len()), &payload);
    let mut memory = vec![0; payload.len()];

    peer.write(&message[..30_000], &[]).unwrap();
    channel.drive();
    // SAFETY: the memory outlives the operation, which is reported below.
    let operation =
        unsafe { channel.post_receive(FrameKind::Activation, 0, memory.as_mut_ptr(), memory.len()) }.unwrap();
    assert_eq!(channel.poll_operation(operation).unwrap(), None);
    peer.write(&message[30_000..], &[]).unwrap();
    channel.drive();
    assert_eq!(
        channel.poll_operation(operation).unwrap().unwrap().length,
        payload.len()
    );
    assert!(memory == payload);

    // SAFETY: the memory outlives the operation, which is cancelled below.
    let operation =
        unsafe { channel.post_receive(FrameKind::Activation, 0, memory.as_mut_ptr(), memory.len()) }.unwrap();
    peer.write(&message[..50_000], &[]).unwrap();
    channel.drive();
    channel.cancel(operation);
    memory.fill(0);
    peer.write(&message[50_000..], &[]).unwrap();
    channel.drive();
    assert!(memory.iter().all(|byte| *byte == 0), "the memory was given back");
    let mut bytes = Vec::new();
    channel
        .try_receive(FrameKind::Activation, 0, &mut bytes)
        .unwrap()
        .unwrap();
    assert!(bytes == payload);
}

#[test]
fn a_send_given_up_in_the_middle_is_still_sent_whole() {
    let (channel, mut peer) = raw_peer();
    // More than the pipe holds, so that the last of them is on the way when it is given up.
    let payload = vec![6; 90_000];
    let envelope = Envelope::new(FrameKind::Bulk, 0);
    let operations: Vec<_> = (0..4)
        // SAFETY: the payload outlives the operations, all of which end below.
        .map(|_| unsafe { channel.post_send(&envelope, payload.as_ptr(), payload.len()) }.unwrap())
        .collect();
    operations.iter().for_each(|operation| channel.cancel(*operation));
    drop(payload);
    let mut received = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count) = peer.read(&mut buffer) {
        received.extend_from_slice(&buffer[..count]);
        channel.drive();
    }
    // The fourth had not been started and was dropped.
    assert_eq!(received.len(), 3 * (HEADER_BYTES + 90_000));
    assert!(
        received
            .chunks(HEADER_BYTES + 90_000)
            .all(|frame| frame[HEADER_BYTES..].iter().all(|byte| *byte == 6))
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn messages_survive_any_fragmentation(
        messages in vec((0..3_u64, 0..30_000_usize, any::<u8>()), 1..12),
        pieces in vec(1..20_000_usize, 1..20),
        posted in any::<bool>(),
    ) {
        let (channel, mut peer) = raw_peer();
        let stream: Vec<u8> = messages.iter().flat_map(|(tag, length, value)| {
            frame(FrameHeader { tag: *tag, ..good_header(FrameKind::Control, *length) }, &vec![*value; *length])
        }).collect();
        let mut rest = stream.as_slice();
        let mut pieces = pieces.iter().cycle();
        let mut received = vec![0; messages.len()];
        for (index, (tag, length, value)) in messages.iter().enumerate() {
            let mut bytes = vec![0; if posted { *length } else { 0 }];
            // SAFETY: the memory outlives the operation, which the loop below waits for.
            let operation = posted.then(|| unsafe {
                channel.post_receive(FrameKind::Control, *tag, bytes.as_mut_ptr(), bytes.len())
            }.unwrap());
            loop {
                let done = match operation {
                    Some(operation) => channel.poll_operation(operation).unwrap(),
                    None => channel.try_receive(FrameKind::Control, *tag, &mut bytes).unwrap(),
                };
                if let Some(info) = done {
                    prop_assert_eq!(info.length, *length);
                    prop_assert!(bytes.len() == *length && bytes.iter().all(|byte| byte == value));
                    received[index] += 1;
                    break;
                }
                let piece = (*pieces.next().unwrap()).min(rest.len());
                let written = if piece == 0 { 0 } else { peer.write(&rest[..piece], &[]).unwrap_or(0) };
                rest = &rest[written..];
                channel.drive();
            }
        }
        prop_assert!(received.iter().all(|count| *count == 1));
    }

    #[test]
    fn hostile_bytes_never_panic_and_never_pass_the_bounds(
        good in vec((any::<u8>(), 0..400_usize), 0..6),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        tail in vec(any::<u8>(), 0..200),
    ) {
        let (channel, mut peer) = raw_peer();
        let mut bytes: Vec<u8> = good.iter().flat_map(|(kind, length)| {
            let kind = FrameKind::ALL[*kind as usize % FrameKind::ALL.len()];
            frame(good_header(kind, *length), &vec![1; *length])
        }).chain(tail).collect();
        for (at, value) in damage {
            if !bytes.is_empty() {
                let position = at.index(bytes.len());
                bytes[position] = value;
            }
        }
        peer.write(&bytes, &[]).unwrap();
        drop(peer);
        // The stream has ended, so the channel has too, for whichever reason came first.
        channel.drive();
        channel.drive();
        prop_assert!(channel.has_ended());
        prop_assert!(channel.statistics().received_bytes <= bytes.len() as u64);
    }
}
