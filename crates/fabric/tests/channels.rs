//! Messages over real sockets.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::time::{Duration, Instant};

use shoal_fabric::{
    Channel, ChannelLimits, Deadline, Envelope, FrameKind, Incoming, Interest, MemberIndex, Outgoing, WaitOutcome,
    Waker, exchange, wait_for_message,
};
use support::{KINDS, in_parallel, soon, stage};

const FIRST: MemberIndex = MemberIndex { stage: 0, member: 0 };
const SECOND: MemberIndex = MemberIndex { stage: 0, member: 1 };

#[test]
fn messages_arrive_by_kind_and_tag() {
    for kind in KINDS {
        let meshes = stage(*kind, 2);
        let (first, second) = (meshes[0].channel(SECOND).unwrap(), meshes[1].channel(FIRST).unwrap());
        let token = Envelope::new(FrameKind::Token, 1).with_step(9);
        first
            .send(&Envelope::new(FrameKind::Activation, 5), b"later", soon())
            .unwrap();
        first.send(&token, b"one", soon()).unwrap();
        first.send(&token, b"", soon()).unwrap();

        let mut bytes = Vec::new();
        let info = second.receive(FrameKind::Token, 1, &mut bytes, soon()).unwrap();
        assert_eq!((info.envelope, info.length, bytes.as_slice()), (token, 3, &b"one"[..]));
        assert_eq!(
            second.receive(FrameKind::Token, 1, &mut bytes, soon()).unwrap().length,
            0
        );
        let mut memory = [0; 8];
        assert_eq!(
            second
                .receive_into(FrameKind::Activation, 5, &mut memory, soon())
                .unwrap()
                .length,
            5
        );
        assert_eq!(&memory[..5], b"later");
        assert_eq!(second.try_receive(FrameKind::Activation, 5).unwrap(), None);

        let statistics = first.statistics();
        assert!(
            statistics.sent_messages >= 3 && statistics.sent_bytes >= 3 * 48 + 8,
            "{statistics:?}"
        );
    }
}

#[test]
fn large_messages_in_both_directions_do_not_block_one_another() {
    const BYTES: usize = 8 << 20;
    for kind in KINDS {
        let meshes = stage(*kind, 2);
        in_parallel(&meshes, |rank, mesh| {
            let channel = mesh.channel(if rank == 0 { SECOND } else { FIRST }).unwrap();
            let envelope = Envelope::new(FrameKind::Bulk, 0);
            let (sent, mut received) = (vec![rank as u8 + 1; BYTES], vec![0; BYTES]);
            // Copied ahead, so that both sides have more on the way than any socket holds.
            channel.send(&envelope, &sent, soon()).unwrap();
            let outgoing = [Outgoing {
                channel: &channel,
                envelope,
                bytes: &sent,
            }];
            let mut incoming = [Incoming {
                channel: &channel,
                kind: FrameKind::Bulk,
                tag: 0,
                bytes: &mut received,
            }];
            exchange(&outgoing, &mut incoming, soon()).unwrap();
            assert_eq!(received, vec![2 - rank as u8; BYTES]);
            let mut second = Vec::new();
            channel.receive(FrameKind::Bulk, 0, &mut second, soon()).unwrap();
            assert_eq!(second, received);
        });
    }
}

#[test]
fn what_a_computing_sender_leaves_behind_is_sent_nevertheless() {
    let meshes = stage(KINDS[0], 2);
    let (first, second) = (meshes[0].channel(SECOND).unwrap(), meshes[1].channel(FIRST).unwrap());
    first
        .send(&Envelope::new(FrameKind::Activation, 0), &vec![3; 4 << 20], soon())
        .unwrap();
    // Nobody waits on the first mesh from here on.
    let mut bytes = vec![0; 4 << 20];
    second
        .receive_into(FrameKind::Activation, 0, &mut bytes, soon())
        .unwrap();
    assert!(bytes.iter().all(|byte| *byte == 3));
}

#[test]
fn a_full_inbox_holds_the_sender_back_and_loses_nothing() {
    let limits = ChannelLimits {
        inbox_bytes: 64 << 10,
        outbox_bytes: 64 << 10,
        ..ChannelLimits::default()
    };
    let (first, second) = Channel::memory_pair(FIRST, SECOND, limits).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..100_u64 {
                first
                    .send(
                        &Envelope::new(FrameKind::Bulk, 0).with_step(number),
                        &[1; 16 << 10],
                        soon(),
                    )
                    .unwrap();
            }
            first.send(&Envelope::new(FrameKind::Token, 0), b"end", soon()).unwrap();
            // The memory pair has no monitor: its owner keeps it going.
            let mut answer = Vec::new();
            first.receive(FrameKind::Control, 0, &mut answer, soon()).unwrap();
        });
        std::thread::sleep(Duration::from_millis(50));
        let mut bytes = Vec::new();
        for number in 0..100 {
            assert_eq!(
                second
                    .receive(FrameKind::Bulk, 0, &mut bytes, soon())
                    .unwrap()
                    .envelope
                    .step,
                number
            );
        }
        second.receive(FrameKind::Token, 0, &mut bytes, soon()).unwrap();
        second.send(&Envelope::new(FrameKind::Control, 0), b"", soon()).unwrap();
    });
}

#[test]
fn a_deadline_names_the_peer_and_leaves_the_channel_usable() {
    let meshes = stage(KINDS[0], 2);
    let (first, second) = (meshes[0].channel(SECOND).unwrap(), meshes[1].channel(FIRST).unwrap());
    let mut memory = [0; 4];
    let deadline = Deadline::after(Duration::from_millis(30));
    let error = second
        .receive_into(FrameKind::Token, 0, &mut memory, deadline)
        .unwrap_err();
    assert_eq!(error.code().name(), "TRANSPORT_TIMEOUT");
    assert_eq!(error.peer(), Some(FIRST));
    first
        .send(&Envelope::new(FrameKind::Token, 0), b"late", soon())
        .unwrap();
    second.receive_into(FrameKind::Token, 0, &mut memory, soon()).unwrap();
    assert_eq!(&memory, b"late");
}

#[test]
fn a_message_longer_than_its_memory_is_refused() {
    let meshes = stage(KINDS[0], 2);
    let (first, second) = (meshes[0].channel(SECOND).unwrap(), meshes[1].channel(FIRST).unwrap());
    first
        .send(&Envelope::new(FrameKind::Token, 0), b"too long", soon())
        .unwrap();
    first
        .send(&Envelope::new(FrameKind::Token, 0), b"fits", soon())
        .unwrap();
    let mut memory = [0; 4];
    let error = second
        .receive_into(FrameKind::Token, 0, &mut memory, soon())
        .unwrap_err();
    assert_eq!(error.code().name(), "TRANSPORT_FRAME_TOO_LARGE");
    second.receive_into(FrameKind::Token, 0, &mut memory, soon()).unwrap();
    assert_eq!(&memory, b"fits");
}

#[test]
fn the_head_waits_for_tokens_or_for_new_requests() {
    let meshes = stage(KINDS[0], 3);
    let head = &meshes[0];
    let third = MemberIndex::new(0, 2);
    let channels = [head.channel(SECOND).unwrap(), head.channel(third).unwrap()];
    let interests: Vec<_> = channels
        .iter()
        .map(|channel| Interest {
            channel,
            kind: FrameKind::Token,
            tag: 0,
        })
        .collect();
    let waker = Waker::new().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(30));
            waker.wake();
        });
        assert_eq!(
            wait_for_message(&interests, Some(&waker), soon()).unwrap(),
            WaitOutcome::Woken
        );
    });
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(30));
            let channel = meshes[2].channel(FIRST).unwrap();
            channel
                .send(&Envelope::new(FrameKind::Token, 0), b"42", soon())
                .unwrap();
        });
        let WaitOutcome::Message { index, message } = wait_for_message(&interests, Some(&waker), soon()).unwrap()
        else {
            panic!("a message was expected");
        };
        assert_eq!((index, message.payload.as_slice()), (1, &b"42"[..]));
    });
    let started = Instant::now();
    let deadline = Deadline::after(Duration::from_millis(20));
    assert_eq!(
        wait_for_message(&interests, Some(&waker), deadline).unwrap(),
        WaitOutcome::DeadlinePassed
    );
    assert!(started.elapsed() >= Duration::from_millis(20));
}

#[test]
fn threads_that_wait_on_one_channel_do_not_steal_from_each_other() {
    let meshes = stage(KINDS[0], 2);
    let (first, second) = (meshes[0].channel(SECOND).unwrap(), meshes[1].channel(FIRST).unwrap());
    std::thread::scope(|scope| {
        for tag in 0..4 {
            let second = &second;
            scope.spawn(move || {
                let mut bytes = Vec::new();
                for number in 0..200_u64 {
                    assert_eq!(
                        second
                            .receive(FrameKind::Control, tag, &mut bytes, soon())
                            .unwrap()
                            .envelope
                            .step,
                        number
                    );
                    second
                        .send(&Envelope::new(FrameKind::Control, tag), &[], soon())
                        .unwrap();
                }
            });
        }
        for number in 0..200 {
            for tag in (0..4).rev() {
                first
                    .send(&Envelope::new(FrameKind::Control, tag).with_step(number), b"x", soon())
                    .unwrap();
            }
            let mut bytes = Vec::new();
            for tag in 0..4 {
                first.receive(FrameKind::Control, tag, &mut bytes, soon()).unwrap();
            }
        }
    });
}
