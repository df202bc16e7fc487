//! Collectives over real sockets.

#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use shoal_fabric::{Deadline, Group, MemberIndex, Mesh};
use support::{KINDS, in_parallel, noise, soon, stage};

fn group(mesh: &Mesh, size: usize) -> Group {
    let members: Vec<MemberIndex> = (0..size).map(|member| MemberIndex::new(0, member as u16)).collect();
    mesh.group(1, &members).unwrap()
}

/// The sum that all-reduce promises: one addition after the other, in the order of the ranks.
fn sequential_sum(size: usize, count: usize) -> Vec<u32> {
    let mut sum = noise(1, count);
    for rank in 1..size {
        for (total, value) in sum.iter_mut().zip(noise(rank as u64 + 1, count)) {
            *total += value;
        }
    }
    sum.into_iter().map(f32::to_bits).collect()
}

#[test]
fn all_members_hold_the_bits_of_the_sequential_sum() {
    for kind in KINDS {
        for size in 2..=4 {
            let meshes = stage(*kind, size as u16);
            in_parallel(&meshes, |rank, mesh| {
                let mut group = group(mesh, size);
                for count in [0, 1, 3, 1000, 2048, 8192, 8193, 50_003, 1 << 20] {
                    let mut values = noise(rank as u64 + 1, count);
                    group.all_reduce_sum_f32(&mut values, soon()).unwrap();
                    let bits: Vec<u32> = values.into_iter().map(f32::to_bits).collect();
                    assert!(
                        bits == sequential_sum(size, count),
                        "{kind:?}, {size} members, {count} values, rank {rank}"
                    );
                }
            });
        }
    }
}

#[test]
fn gather_broadcast_and_barrier_move_the_right_bytes() {
    for size in 2..=4 {
        let meshes = stage(KINDS[0], size as u16);
        in_parallel(&meshes, |rank, mesh| {
            let mut group = group(mesh, size);
            assert_eq!((group.rank(), group.size()), (rank, size));
            // Rank 1 has nothing to contribute.
            let lengths: Vec<usize> = (0..size)
                .map(|rank| if rank == 1 { 0 } else { rank * 1000 + 7 })
                .collect();
            let contribution = vec![rank as u8; lengths[rank]];
            let expected: Vec<u8> = (0..size).flat_map(|rank| vec![rank as u8; lengths[rank]]).collect();
            let mut gathered = Vec::new();
            group
                .all_gather(&contribution, &lengths, &mut gathered, soon())
                .unwrap();
            assert_eq!(gathered, expected);
            group.gather(&contribution, &lengths, &mut gathered, soon()).unwrap();
            assert_eq!(gathered, if rank == 0 { expected } else { Vec::new() });
            for root in 0..size {
                let mut bytes = [rank as u8; 5];
                group.broadcast(root, &mut bytes, soon()).unwrap();
                assert_eq!(bytes, [root as u8; 5]);
            }
            group.barrier(soon()).unwrap();
        });
    }
}

#[test]
fn one_member_is_the_identity() {
    let meshes = stage(KINDS[0], 1);
    let mut group = group(&meshes[0], 1);
    let mut values = [1.5, -0.0];
    group.all_reduce_sum_f32(&mut values, soon()).unwrap();
    assert_eq!(values.map(f32::to_bits), [1.5_f32.to_bits(), (-0.0_f32).to_bits()]);
    let mut gathered = Vec::new();
    group.all_gather(b"ab", &[2], &mut gathered, soon()).unwrap();
    assert_eq!(gathered, b"ab");
    group.broadcast(0, &mut gathered, soon()).unwrap();
    group.barrier(soon()).unwrap();
}

#[test]
fn a_member_that_is_out_of_step_is_named() {
    let meshes = stage(KINDS[0], 2);
    let results = in_parallel(&meshes, |rank, mesh| {
        let mut group = group(mesh, 2);
        if rank == 1 {
            group.set_step(5);
        }
        group.all_reduce_sum_f32(&mut [1.0; 4], soon())
    });
    for (rank, result) in results.into_iter().enumerate() {
        let error = result.unwrap_err();
        assert_eq!(error.code().name(), "TRANSPORT_DESYNCHRONIZED");
        assert_eq!(error.peer(), Some(MemberIndex::new(0, 1 - rank as u16)));
    }
}

#[test]
fn members_with_different_lengths_are_out_of_step() {
    let meshes = stage(KINDS[0], 2);
    let results = in_parallel(&meshes, |rank, mesh| {
        group(mesh, 2)
            .all_reduce_sum_f32(&mut vec![1.0; 4 + rank], soon())
            .unwrap_err()
    });
    for error in results {
        assert_eq!(error.code().name(), "TRANSPORT_DESYNCHRONIZED");
    }
}

#[test]
fn a_missing_member_is_named_at_the_deadline() {
    let meshes = stage(KINDS[0], 3);
    let results = in_parallel(&meshes[..2], |_, mesh| {
        group(mesh, 3)
            .barrier(Deadline::after(Duration::from_secs(2)))
            .unwrap_err()
    });
    for error in results {
        assert_eq!(error.code().name(), "TRANSPORT_TIMEOUT");
        assert_eq!(error.peer(), Some(MemberIndex::new(0, 2)));
    }
}
