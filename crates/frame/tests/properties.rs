//! Round trips and hostile bytes for every decoder of the crate.

#![allow(clippy::unwrap_used)]

use proptest::collection::vec;
use proptest::prelude::*;
use shoal_frame::{
    FRAME_MAGIC, FRAME_VERSION, FrameError, FrameHeader, FrameKind, HEADER_BYTES, SequenceStep, SlotOperation,
    StepDescriptor, StepLimits,
};

fn kind() -> impl Strategy<Value = FrameKind> {
    (0..FrameKind::ALL.len()).prop_map(|index| FrameKind::ALL[index])
}

prop_compose! {
    fn header()(
        kind in kind(), flags: u16, instance: u64, epoch: u32, sequence: u32, step: u64, stage: u16, member: u16,
        length in 0..1_000_000_u32, tag: u64,
    ) -> FrameHeader {
        FrameHeader { kind, flags, instance, epoch, sequence, step, stage, member, length, tag }
    }
}

fn operation() -> impl Strategy<Value = SlotOperation> {
    prop_oneof![
        any::<u32>().prop_map(|slot| SlotOperation::Free { slot }),
        any::<(u32, u32)>().prop_map(|(slot, length)| SlotOperation::Truncate { slot, length }),
        any::<(u32, u32, u32)>()
            .prop_filter("a fork has two slots", |(from, to, _)| from != to)
            .prop_map(|(from, to, length)| SlotOperation::Fork { from, to, length }),
    ]
}

prop_compose! {
    fn descriptor()(
        epoch: u32, step: u64, operations in vec(operation(), 0..8),
        sequences in vec((any::<u32>(), 0..1_000_000_u32, 1..20_u32, any::<u32>(), any::<u64>()), 0..8),
        token_seed: u32,
    ) -> StepDescriptor {
        let sequences: Vec<SequenceStep> = sequences.into_iter().map(
            |(slot, start_position, token_count, rows, sampling_id)| SequenceStep {
                slot, start_position, token_count, output_rows: rows % (token_count + 1), sampling_id,
            }
        ).collect();
        let count: u32 = sequences.iter().map(|sequence| sequence.token_count).sum();
        let tokens = (0..count).map(|index| token_seed.wrapping_mul(index + 1)).collect();
        StepDescriptor { epoch, step, sequences, tokens, operations }
    }
}

fn encoded(descriptor: &StepDescriptor) -> Vec<u8> {
    let mut bytes = Vec::new();
    descriptor.encode(&mut bytes).unwrap();
    bytes
}

proptest! {
    #[test]
    fn header_round_trips(header in header()) {
        prop_assert_eq!(FrameHeader::decode(&header.encode(), 1_000_000), Ok(header));
    }

    #[test]
    fn arbitrary_header_bytes_never_panic(bytes in any::<[u8; 32]>(), rest in any::<[u8; 16]>(), limit: u32) {
        let mut all = [0_u8; HEADER_BYTES];
        all[..32].copy_from_slice(&bytes);
        all[32..].copy_from_slice(&rest);
        let _ = FrameHeader::decode(&all, limit);
        all[..4].copy_from_slice(&FRAME_MAGIC.to_le_bytes());
        all[4] = FRAME_VERSION;
        all[5] %= 12;
        if let Ok(header) = FrameHeader::decode(&all, limit) {
            prop_assert!(header.length <= limit);
            prop_assert_eq!(header.encode(), all);
        }
    }

    #[test]
    fn descriptor_round_trips(descriptor in descriptor()) {
        let bytes = encoded(&descriptor);
        prop_assert_eq!(bytes.len(), descriptor.encoded_bytes());
        prop_assert_eq!(StepDescriptor::decode(&bytes, &StepLimits::default()), Ok(descriptor));
    }

    #[test]
    fn arbitrary_descriptor_bytes_never_panic(bytes in vec(any::<u8>(), 0..300)) {
        let _ = StepDescriptor::decode(&bytes, &StepLimits::default());
    }

    #[test]
    fn damaged_descriptors_are_refused_or_valid(descriptor in descriptor(), at: prop::sample::Index, byte: u8) {
        let mut bytes = encoded(&descriptor);
        let position = at.index(bytes.len());
        bytes[position] = byte;
        if let Ok(read) = StepDescriptor::decode(&bytes, &StepLimits::default()) {
            prop_assert_eq!(encoded(&read), bytes);
        }
    }

    #[test]
    fn every_proper_prefix_is_refused(descriptor in descriptor(), at: prop::sample::Index) {
        let bytes = encoded(&descriptor);
        let cut = at.index(bytes.len());
        prop_assert!(StepDescriptor::decode(&bytes[..cut], &StepLimits::default()).is_err());
    }
}

#[test]
fn header_refusals_name_the_field() {
    let good = FrameHeader {
        length: 100,
        ..FrameHeader::new(FrameKind::Bulk)
    };
    let mut magic = good.encode();
    magic[0] = b'G';
    assert!(matches!(
        FrameHeader::decode(&magic, 100),
        Err(FrameError::BadMagic { .. })
    ));
    let mut version = good.encode();
    version[4] = 9;
    assert_eq!(
        FrameHeader::decode(&version, 100),
        Err(FrameError::UnsupportedVersion { found: 9 })
    );
    let mut kind = good.encode();
    kind[5] = 0;
    assert_eq!(
        FrameHeader::decode(&kind, 100),
        Err(FrameError::UnknownKind { found: 0 })
    );
    assert_eq!(
        FrameHeader::decode(&good.encode(), 99),
        Err(FrameError::TooLarge {
            field: "payload length",
            value: 100,
            limit: 99
        })
    );
}

#[test]
fn a_count_beyond_the_bytes_is_refused_before_allocation() {
    let mut bytes = encoded(&StepDescriptor::default());
    bytes[24..28].copy_from_slice(&1_000_000_u32.to_le_bytes());
    assert!(matches!(
        StepDescriptor::decode(&bytes, &StepLimits::default()),
        Err(FrameError::Truncated { .. })
    ));
    bytes[24..28].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(
        StepDescriptor::decode(&bytes, &StepLimits::default()),
        Err(FrameError::TooLarge { .. })
    ));
}

#[test]
fn contradictions_are_refused() {
    let sequence = SequenceStep {
        slot: 0,
        start_position: 0,
        token_count: 2,
        output_rows: 1,
        sampling_id: 0,
    };
    let with = |sequence, tokens| StepDescriptor {
        sequences: vec![sequence],
        tokens,
        ..StepDescriptor::default()
    };
    let limits = StepLimits::default();
    assert_eq!(with(sequence, vec![1, 2]).validate(&limits), Ok(()));
    assert!(with(sequence, vec![1]).validate(&limits).is_err());
    assert!(
        with(
            SequenceStep {
                output_rows: 3,
                ..sequence
            },
            vec![1, 2]
        )
        .validate(&limits)
        .is_err()
    );
    assert!(
        with(
            SequenceStep {
                start_position: u32::MAX,
                ..sequence
            },
            vec![1, 2]
        )
        .validate(&limits)
        .is_err()
    );
    assert!(
        with(
            SequenceStep {
                token_count: 0,
                output_rows: 0,
                ..sequence
            },
            vec![]
        )
        .validate(&limits)
        .is_err()
    );
    let fork = SlotOperation::Fork {
        from: 3,
        to: 3,
        length: 1,
    };
    assert!(
        StepDescriptor {
            operations: vec![fork],
            ..StepDescriptor::default()
        }
        .validate(&limits)
        .is_err()
    );
}

#[test]
fn tokens_are_dealt_to_their_sequences() {
    let sequence = |slot, token_count| SequenceStep {
        slot,
        start_position: 0,
        token_count,
        output_rows: 1,
        sampling_id: 0,
    };
    let descriptor = StepDescriptor {
        sequences: vec![sequence(4, 2), sequence(9, 1)],
        tokens: vec![5, 6, 7],
        ..Default::default()
    };
    let dealt: Vec<(u32, Vec<u32>)> = descriptor
        .sequences_with_tokens()
        .map(|(sequence, tokens)| (sequence.slot, tokens.to_vec()))
        .collect();
    assert_eq!(dealt, [(4, vec![5, 6]), (9, vec![7])]);
    assert_eq!(descriptor.output_row_count(), 2);
}
