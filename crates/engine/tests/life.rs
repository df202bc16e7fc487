//! Cancelling, queueing, closing and losing members.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests")]

mod support;

use std::ptr::NonNull;

use shoal_abi::backend::{
    Backend, BackendError, BackendImplementation, ExecutableImplementation, ExecutableStatistics, SlotOperation, Step,
    WeightSource,
};
use shoal_engine::{EngineEvent, FinishReason, MemberIndex, SamplingOptions};
use shoal_reference::ReferenceBackend;
use support::{Instance, Sizes, Wire, request};

fn greedy() -> SamplingOptions {
    SamplingOptions::default()
}

/// Long enough that nothing ends by itself while a test looks.
fn endless() -> Sizes {
    Sizes {
        slots: 2,
        context: 100_000,
        step: 8,
    }
}

#[test]
fn a_stop_token_ends_a_generation_and_is_reported() {
    let instance = Instance::start(&[vec![1]], Wire::Memory, Sizes::default());
    let tokens = instance.run(&[request(1, 4, 20, greedy())]).remove(0);
    let mut stopped = request(2, 4, 20, greedy());
    stopped.prompt_tokens = request(1, 4, 20, greedy()).prompt_tokens;
    stopped.stop_tokens = vec![tokens[3]];
    let first = tokens.iter().position(|token| *token == tokens[3]).unwrap();
    assert_eq!(instance.run(&[stopped]).remove(0), tokens[..=first]);
}

#[test]
fn cancelling_ends_a_request_soon_and_frees_its_slot() {
    let instance = Instance::start(&[vec![1], vec![1]], Wire::Unix, endless());
    for id in 1..=3 {
        instance.head().submit(request(id, 3, 90_000, greedy())).unwrap();
    }
    let mut tokens = [0; 4];
    while tokens[1] < 5 || tokens[2] < 5 {
        if let EngineEvent::Token { request_id, .. } = instance.next_event().1 {
            tokens[request_id as usize] += 1;
        }
    }
    assert_eq!(tokens[3], 0, "two slots hold two requests");
    instance.head().cancel(1);
    let mut after = 0;
    loop {
        match instance.next_event().1 {
            EngineEvent::Token { request_id: 1, .. } => after += 1,
            EngineEvent::RequestFinished {
                request_id: 1, reason, ..
            } => {
                assert_eq!(reason, FinishReason::Cancelled);
                break;
            }
            _ => {}
        }
    }
    // Some may have been on their way here before the cancel was made, but never all of them.
    assert!(after < 80_000, "{after} tokens after the cancel");
    while !matches!(instance.next_event().1, EngineEvent::Token { request_id: 3, .. }) {}
    instance.head().cancel(2);
    instance.head().cancel(3);
    instance.head().cancel(77);
    let mut cancelled = 0;
    while cancelled < 2 {
        cancelled += u32::from(matches!(instance.next_event().1, EngineEvent::RequestFinished { .. }));
    }
}

#[test]
fn many_requests_of_mixed_lengths_all_end_and_the_queue_is_bounded() {
    let instance = Instance::start(&[vec![1], vec![1, 1]], Wire::Unix, Sizes::default());
    let requests: Vec<_> = (0..12)
        .map(|id| request(id, 1 + (id as u32 * 7) % 30, 1 + id as u32 % 9, greedy()))
        .collect();
    let tokens = instance.run(&requests);
    assert!(
        tokens
            .iter()
            .zip(&requests)
            .all(|(tokens, request)| tokens.len() == request.maximum_tokens as usize)
    );
    for round in 0..3 {
        let again: Vec<_> = requests
            .iter()
            .rev()
            .map(|one| shoal_engine::EngineRequest {
                id: one.id + 100 * round,
                ..one.clone()
            })
            .collect();
        let found = instance.run(&again);
        assert!(found.iter().rev().eq(tokens.iter()));
    }
    assert_eq!(instance.head().statistics().resident_slots, 0);
}

#[test]
fn bad_requests_are_refused_with_their_code() {
    let instance = Instance::start(&[vec![1], vec![1]], Wire::Memory, endless());
    let submit = |request| instance.head().submit(request).map_err(|error| error.code);
    assert_eq!(submit(request(1, 0, 1, greedy())), Err("REQUEST_INVALID".to_owned()));
    assert_eq!(
        submit(request(1, 100_000, 1, greedy())),
        Err("REQUEST_TOO_LONG".to_owned())
    );
    let mut unknown = request(1, 3, 1, greedy());
    unknown.prompt_tokens[1] = 96;
    assert_eq!(submit(unknown), Err("REQUEST_INVALID".to_owned()));
    // Two slots and a queue of eight.
    for id in 0..10 {
        submit(request(id, 1, 90_000, greedy())).unwrap();
    }
    assert_eq!(submit(request(3, 1, 1, greedy())), Err("REQUEST_QUEUE_FULL".to_owned()));
    instance.head().cancel(9);
    while !matches!(
        instance.next_event().1,
        EngineEvent::RequestFinished { request_id: 9, .. }
    ) {}
    assert_eq!(submit(request(3, 1, 1, greedy())), Err("REQUEST_INVALID".to_owned()));
    let member = instance.members[1].as_ref().unwrap();
    assert_eq!(
        member.submit(request(50, 1, 1, greedy())).unwrap_err().code,
        "ARGUMENT_INVALID"
    );
}

#[test]
fn closing_fails_what_has_not_ended_and_is_idempotent() {
    let mut instance = Instance::start(&[vec![1], vec![1]], Wire::Unix, endless());
    instance.head().submit(request(1, 3, 90_000, greedy())).unwrap();
    while !matches!(instance.next_event().1, EngineEvent::Token { .. }) {}
    instance.head().close();
    instance.head().close();
    assert_eq!(
        instance.head().submit(request(2, 1, 1, greedy())).unwrap_err().code,
        "ENGINE_ABORTED"
    );
    loop {
        match instance.next_event() {
            (_, EngineEvent::Token { .. }) => {}
            (
                _,
                EngineEvent::RequestFailed {
                    request_id: 1, code, ..
                },
            ) => break assert_eq!(code, "ENGINE_ABORTED"),
            event => panic!("unexpected {event:?}"),
        }
    }
    // The other member hears the goodbye and ends without a failure.
    instance.members[0] = None;
    instance.meshes[0] = None;
    instance.members[1].as_ref().unwrap().close();
}

/// Ends the mesh of one member under a running instance, as the death of its process would, and gives the events of
/// the head that follow.
fn lose(stages: &[Vec<u64>], position: usize, lost: MemberIndex) {
    let mut instance = Instance::start(stages, Wire::Unix, endless());
    for id in 1..=4 {
        instance.head().submit(request(id, 3, 90_000, greedy())).unwrap();
    }
    while !matches!(instance.next_event().1, EngineEvent::Token { .. }) {}
    instance.meshes[position]
        .take()
        .unwrap()
        .abort("the test ends this member");
    let (mut failed, head) = (Vec::new(), MemberIndex::new(0, 0));
    loop {
        match instance.next_event() {
            (
                member,
                EngineEvent::RequestFailed {
                    request_id,
                    code,
                    message,
                },
            ) if member == head => {
                assert!(code.starts_with("TRANSPORT_"), "{code}");
                assert!(message.contains(&lost.to_string()), "{message}");
                assert!(
                    !message.contains("no sign of life"),
                    "at once, not after its silence: {message}"
                );
                failed.push(request_id);
            }
            (member, EngineEvent::MemberFailed { code, message, .. }) if member == head => {
                assert!(
                    code.starts_with("TRANSPORT_") && message.contains(&lost.to_string()),
                    "{code}: {message}"
                );
                break;
            }
            (_, EngineEvent::Token { .. } | EngineEvent::MemberFailed { .. }) => {}
            event => panic!("unexpected {event:?}"),
        }
    }
    failed.sort_unstable();
    assert_eq!(failed, [1, 2, 3, 4]);
    let error = instance.head().submit(request(9, 1, 1, greedy())).unwrap_err();
    assert!(error.code.starts_with("TRANSPORT_"), "{error}");
}

#[test]
fn a_lost_stage_fails_all_requests_by_its_name() {
    lose(&[vec![1], vec![1]], 1, MemberIndex::new(1, 0));
    lose(&[vec![1], vec![1], vec![1]], 1, MemberIndex::new(1, 0));
}

#[test]
fn a_lost_tensor_member_fails_all_requests_by_its_name() {
    lose(&[vec![1, 2]], 1, MemberIndex::new(0, 1));
    lose(&[vec![1, 1], vec![1, 1]], 3, MemberIndex::new(1, 1));
}

/// A device that fails at its tenth step.
struct FailingBackend;

struct FailingExecutable {
    inner: Box<dyn ExecutableImplementation>,
    steps: u32,
}

impl BackendImplementation for FailingBackend {
    fn compile(
        &mut self,
        program: &str,
        options: &str,
        weights: &WeightSource,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<Box<dyn ExecutableImplementation>, BackendError> {
        let inner = ReferenceBackend.compile(program, options, weights, progress)?;
        Ok(Box::new(FailingExecutable { inner, steps: 0 }))
    }
}

impl ExecutableImplementation for FailingExecutable {
    fn slot_operation(&mut self, operation: SlotOperation) -> Result<(), BackendError> {
        self.inner.slot_operation(operation)
    }
    fn begin_step(&mut self, step: &Step<'_>) -> Result<(), BackendError> {
        self.steps += 1;
        self.inner.begin_step(step)
    }
    fn execute(&mut self, segment: u32) -> Result<(), BackendError> {
        if self.steps == 10 {
            return Err(BackendError::failed("the device caught fire"));
        }
        self.inner.execute(segment)
    }
    fn map(&mut self, value: u32) -> Result<NonNull<[f32]>, BackendError> {
        self.inner.map(value)
    }
    fn unmap(&mut self, value: u32) -> Result<(), BackendError> {
        self.inner.unmap(value)
    }
    fn end_step(&mut self) -> Result<(), BackendError> {
        self.inner.end_step()
    }
    fn statistics(&self) -> ExecutableStatistics {
        self.inner.statistics()
    }
}

#[test]
fn a_device_that_fails_ends_the_instance_with_its_reason() {
    let broken = MemberIndex::new(1, 0);
    let instance = Instance::start_on(&[vec![1], vec![1, 1]], Wire::Unix, endless(), |member| {
        match member == broken {
            true => Backend::export(FailingBackend),
            false => Backend::export(ReferenceBackend),
        }
    });
    instance.head().submit(request(1, 3, 90_000, greedy())).unwrap();
    let (mut tokens, mut failures, mut request_failure) = (0, Vec::new(), None);
    while failures.len() < 3 {
        match instance.next_event() {
            (_, EngineEvent::Token { .. }) => tokens += 1,
            (
                _,
                EngineEvent::RequestFailed {
                    request_id: 1, message, ..
                },
            ) => request_failure = Some(message),
            (member, EngineEvent::MemberFailed { code, message, .. }) => failures.push((member, code, message)),
            event => panic!("unexpected {event:?}"),
        }
    }
    assert_eq!(tokens, 9);
    failures.sort();
    assert_eq!(failures[1].0, broken);
    assert_eq!(failures[1].1, "BACKEND_FAILED");
    assert!(failures[1].2.contains("caught fire"));
    // The others say who gave up and why, whichever way they heard of it.
    for (_, code, message) in [&failures[0], &failures[2]] {
        assert!(
            code.starts_with("TRANSPORT_") && message.contains("stage 1 member 0"),
            "{code}: {message}"
        );
    }
    assert!(request_failure.unwrap().contains("stage 1 member 0"));
}

#[test]
fn an_idle_head_notices_a_member_that_leaves() {
    let mut instance = Instance::start(&[vec![1], vec![1]], Wire::Unix, Sizes::default());
    instance.members[1] = None;
    instance.meshes[1] = None;
    let (member, event) = instance.next_event();
    assert_eq!(member, MemberIndex::new(0, 0));
    let EngineEvent::MemberFailed { code, lost, .. } = event else {
        panic!("unexpected {event:?}")
    };
    assert_eq!(
        (code.as_str(), lost),
        ("TRANSPORT_CLOSED", Some(MemberIndex::new(1, 0)))
    );
}
