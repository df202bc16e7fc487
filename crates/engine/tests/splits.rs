//! Every way of splitting gives the tokens of the whole model.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests")]

mod support;

use shoal_engine::{EngineRequest, SamplingOptions};
use support::{Instance, Sizes, Wire, request};

fn requests() -> Vec<EngineRequest> {
    let sampled = |seed| SamplingOptions {
        temperature: 0.9,
        top_k: Some(20),
        seed,
        ..SamplingOptions::default()
    };
    let nucleus = |seed| SamplingOptions {
        temperature: 1.1,
        top_p: Some(0.9),
        seed,
        ..SamplingOptions::default()
    };
    vec![
        request(1, 5, 12, SamplingOptions::default()),
        request(2, 37, 9, SamplingOptions::default()),
        request(3, 1, 15, sampled(4)),
        request(4, 20, 6, nucleus(5)),
        request(
            5,
            3,
            10,
            SamplingOptions {
                temperature: 1.0,
                seed: 6,
                ..SamplingOptions::default()
            },
        ),
        request(6, 18, 10, SamplingOptions::default()),
    ]
}

fn whole() -> Vec<Vec<u32>> {
    Instance::start(&[vec![1]], Wire::Memory, Sizes::default()).run(&requests())
}

fn check(stages: &[Vec<u64>], wire: Wire) {
    let instance = Instance::start(stages, wire, Sizes::default());
    assert_eq!(instance.run(&requests()), whole(), "{stages:?} over {wire:?}");
    let statistics = instance.head().statistics();
    assert!(
        statistics.steps > 10 && statistics.wire_bytes_sent > 1000,
        "{statistics:?}"
    );
}

#[test]
fn the_whole_model_gives_the_same_however_steps_are_packed() {
    let expected = whole();
    assert!(
        expected
            .iter()
            .zip(requests())
            .all(|(tokens, request)| tokens.len() == request.maximum_tokens as usize)
    );
    for sizes in [
        Sizes {
            slots: 1,
            ..Sizes::default()
        },
        Sizes {
            step: 3,
            ..Sizes::default()
        },
    ] {
        assert_eq!(
            Instance::start(&[vec![1]], Wire::Memory, sizes).run(&requests()),
            expected,
            "{sizes:?}"
        );
    }
}

#[test]
fn pipelines_of_two_and_three() {
    check(&[vec![1], vec![1]], Wire::Memory);
    check(&[vec![1], vec![1]], Wire::Unix);
    check(&[vec![1], vec![1], vec![1]], Wire::Tcp);
}

#[test]
fn tensor_groups_of_two_and_three_uneven_members() {
    check(&[vec![1, 2]], Wire::Memory);
    check(&[vec![2, 1]], Wire::Tcp);
    check(&[vec![1, 3, 2]], Wire::Unix);
}

#[test]
fn a_member_without_a_share_takes_part() {
    check(&[vec![1, 0, 1]], Wire::Unix);
    check(&[vec![0, 1]], Wire::Memory);
}

#[test]
fn hybrids() {
    check(&[vec![1, 1], vec![1, 2]], Wire::Unix);
    check(&[vec![1], vec![1, 1, 1]], Wire::Unix);
    check(&[vec![1, 2, 1], vec![1, 1]], Wire::Tcp);
}
