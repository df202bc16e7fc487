use shoal_frame::SequenceStep;

use super::*;
use crate::options::{Constraint, SamplingOptions};

fn limits() -> SchedulerLimits {
    SchedulerLimits {
        slot_count: 1,
        context_length: 32,
        maximum_step_tokens: 8,
        epoch: 5,
        vocabulary: 1000,
    }
}

pub(super) fn scheduler(slot_count: u32, maximum_step_tokens: u32) -> Scheduler {
    Scheduler::new(SchedulerLimits {
        slot_count,
        maximum_step_tokens,
        ..limits()
    })
}

pub(super) fn request(id: u64, prompt: u32, maximum_tokens: u32) -> EngineRequest {
    EngineRequest {
        id,
        prompt_tokens: (0..prompt).map(|token| token + 100 * id as u32).collect(),
        maximum_tokens,
        stop_tokens: vec![7],
        ..EngineRequest::default()
    }
}

fn choices(id: u64, prompt: u32, count: u32) -> EngineRequest {
    EngineRequest {
        choices: count,
        ..request(id, prompt, 3)
    }
}

/// (slot, start, tokens, output rows) of each sequence.
fn shape(step: &PlannedStep) -> Vec<(u32, u32, u32, u32)> {
    let describe = |one: &SequenceStep| (one.slot, one.start_position, one.token_count, one.output_rows);
    step.descriptor.sequences.iter().map(describe).collect()
}

/// Gives every output of a step this token.
pub(super) fn apply(scheduler: &mut Scheduler, step: &PlannedStep, token: u32) -> Vec<EngineEvent> {
    let drawn = Drawn::Token {
        token,
        log_probabilities: None,
    };
    scheduler.apply(&step.outputs, vec![drawn; step.outputs.len()], Instant::now())
}

fn token(request_id: u64, choice: u32, token: u32, index: u32) -> EngineEvent {
    EngineEvent::Token {
        request_id,
        choice,
        token,
        index,
        log_probabilities: None,
    }
}

#[test]
fn a_prompt_is_cut_and_decodes_come_first() {
    let now = Instant::now();
    let mut scheduler = scheduler(2, 4);
    scheduler.submit(request(1, 6, 3), now);
    let step = scheduler.plan(now).unwrap();
    assert_eq!(shape(&step), [(0, 0, 4, 0)]);
    assert_eq!((step.registrations.len(), step.outputs.len()), (1, 0));
    assert_eq!((step.descriptor.epoch, step.descriptor.step), (5, 1));
    let step = scheduler.plan(now).unwrap();
    assert_eq!(shape(&step), [(0, 4, 2, 1)]);
    assert_eq!(step.descriptor.tokens, [104, 105]);
    assert!(step.registrations.is_empty());
    assert_eq!(apply(&mut scheduler, &step, 42), [token(1, 0, 42, 0)]);
    scheduler.submit(request(2, 6, 1), now);
    let step = scheduler.plan(now).unwrap();
    assert_eq!(shape(&step), [(0, 6, 1, 1), (1, 0, 3, 0)]);
    assert_eq!(step.descriptor.tokens, [42, 200, 201, 202]);
    step.descriptor.validate(&shoal_frame::StepLimits::default()).unwrap();
}

#[test]
fn a_short_prompt_passes_a_long_one() {
    let now = Instant::now();
    let mut scheduler = scheduler(3, 8);
    scheduler.submit(request(1, 30, 9), now);
    scheduler.plan(now).unwrap();
    scheduler.submit(request(2, 3, 9), now);
    scheduler.submit(request(3, 12, 9), now);
    let step = scheduler.plan(now).unwrap();
    assert_eq!(shape(&step), [(0, 8, 3, 0), (1, 0, 2, 0), (2, 0, 3, 0)]);
    let step = scheduler.plan(now).unwrap();
    assert_eq!(shape(&step), [(0, 11, 4, 0), (1, 2, 1, 1), (2, 3, 3, 0)]);
    apply(&mut scheduler, &step, 1);
    let step = scheduler.plan(now).unwrap();
    assert_eq!(shape(&step), [(1, 3, 1, 1), (0, 15, 4, 0), (2, 6, 3, 0)]);
}

#[test]
fn stop_and_length_free_the_slot_with_the_next_step() {
    let now = Instant::now();
    let mut scheduler = scheduler(1, 8);
    scheduler.submit(request(1, 2, 2), now);
    scheduler.submit(request(2, 2, 9), now);
    let step = scheduler.plan(now).unwrap();
    assert_eq!(scheduler.waiting_count(), 1);
    apply(&mut scheduler, &step, 1);
    let step = scheduler.plan(now).unwrap();
    let events = apply(&mut scheduler, &step, 1);
    assert!(matches!(
        events[1],
        EngineEvent::RequestFinished {
            reason: FinishReason::Length,
            prompt_tokens: 2,
            generated_tokens: 2,
            ..
        }
    ));
    let step = scheduler.plan(now).unwrap();
    assert_eq!(step.descriptor.operations, [SlotOperation::Free { slot: 0 }]);
    assert_eq!(
        (shape(&step), step.registrations[0].sampling_id),
        (vec![(0, 0, 2, 1)], 2)
    );
    let events = apply(&mut scheduler, &step, 7);
    assert!(matches!(
        events[1],
        EngineEvent::RequestFinished {
            reason: FinishReason::Stop,
            ..
        }
    ));
    // The last slot is freed without a forward pass, and then there is nothing to do.
    let step = scheduler.plan(now).unwrap();
    assert!(shape(&step).is_empty() && step.outputs.is_empty());
    assert!(scheduler.plan(now).is_none());
    assert_eq!((scheduler.resident_slots(), scheduler.waiting_count()), (0, 0));
}

#[test]
fn the_context_ends_a_generation() {
    let now = Instant::now();
    let mut scheduler = scheduler(1, 64);
    scheduler.submit(request(1, 30, 99), now);
    let mut reasons = Vec::new();
    while let Some(step) = scheduler.plan(now) {
        for event in apply(&mut scheduler, &step, 1) {
            if let EngineEvent::RequestFinished {
                reason,
                generated_tokens,
                ..
            } = event
            {
                reasons.push((reason, generated_tokens));
            }
        }
    }
    // Positions 30 and 31 hold two tokens; the third is sampled from the last position.
    assert_eq!(reasons, [(FinishReason::Length, 3)]);
}

#[test]
fn cancelling_works_at_every_stage() {
    let now = Instant::now();
    let mut scheduler = scheduler(1, 4);
    scheduler.submit(request(1, 6, 9), now);
    scheduler.submit(request(2, 6, 9), now);
    assert!(matches!(
        scheduler.cancel(2, None, now)[..],
        [EngineEvent::RequestFinished { prompt_tokens: 0, .. }]
    ));
    scheduler.plan(now).unwrap();
    let cancelled = scheduler.cancel(1, None, now);
    assert!(
        matches!(cancelled[..], [EngineEvent::RequestFinished { prompt_tokens: 4, .. }]),
        "{cancelled:?}"
    );
    assert_eq!(scheduler.cancel(1, None, now), []);
    assert_eq!(
        scheduler.plan(now).unwrap().descriptor.operations,
        [SlotOperation::Free { slot: 0 }]
    );
}

#[test]
fn more_sequences_than_a_step_holds_take_turns() {
    let now = Instant::now();
    let mut scheduler = scheduler(5, 2);
    (1..=5).for_each(|id| scheduler.submit(request(id, 1, 20), now));
    let mut served = [0; 6];
    for _ in 0..60 {
        let Some(step) = scheduler.plan(now) else { break };
        assert!(step.descriptor.tokens.len() <= 2);
        for event in apply(&mut scheduler, &step, 1) {
            if let EngineEvent::Token { request_id, .. } = event {
                served[request_id as usize] += 1;
            }
        }
    }
    assert_eq!(served, [0, 20, 20, 20, 20, 20]);
}

#[test]
fn those_who_decode_do_not_starve_a_prompt() {
    let now = Instant::now();
    let mut scheduler = scheduler(3, 2);
    scheduler.submit(request(1, 1, 99), now);
    scheduler.submit(request(2, 1, 99), now);
    let step = scheduler.plan(now).unwrap();
    apply(&mut scheduler, &step, 1);
    scheduler.submit(request(3, 4, 9), now);
    let first = (0..20).find(|_| {
        let step = scheduler.plan(now).unwrap();
        let events = apply(&mut scheduler, &step, 1);
        events
            .iter()
            .any(|event| matches!(event, EngineEvent::Token { request_id: 3, .. }))
    });
    assert!(first.is_some_and(|steps| steps < 8), "{first:?}");
}

#[test]
fn choices_compute_the_prompt_once_and_go_on_together() {
    let now = Instant::now();
    let mut scheduler = scheduler(4, 4);
    scheduler.submit(choices(1, 6, 3), now);
    scheduler.submit(request(2, 1, 9), now);
    let step = scheduler.plan(now).unwrap();
    // One choice computes; the others wait in their slots.
    assert_eq!(shape(&step), [(0, 0, 3, 0), (3, 0, 1, 1)]);
    apply(&mut scheduler, &step, 1);
    let step = scheduler.plan(now).unwrap();
    // The last token of the prompt stays for all of them.
    assert_eq!(shape(&step), [(3, 1, 1, 1), (0, 3, 2, 0)]);
    apply(&mut scheduler, &step, 7);
    let step = scheduler.plan(now).unwrap();
    let fork = |to| SlotOperation::Fork { from: 0, to, length: 5 };
    assert_eq!(
        step.descriptor.operations,
        [SlotOperation::Free { slot: 3 }, fork(1), fork(2)]
    );
    assert_eq!(shape(&step), [(0, 5, 1, 1), (1, 5, 1, 1), (2, 5, 1, 1)]);
    assert_eq!(step.descriptor.tokens, [105; 3]);
    let registered: Vec<u32> = step.registrations.iter().map(|one| one.choice).collect();
    assert_eq!(registered, [1, 2]);
    assert_eq!(
        apply(&mut scheduler, &step, 9),
        [token(1, 0, 9, 0), token(1, 1, 9, 0), token(1, 2, 9, 0)]
    );
    // Each ends by itself.
    let events = scheduler.cancel(1, Some(1), now);
    assert!(matches!(
        events[..],
        [EngineEvent::RequestFinished {
            choice: 1,
            prompt_tokens: 6,
            ..
        }]
    ));
    let step = scheduler.plan(now).unwrap();
    assert_eq!(shape(&step), [(0, 6, 1, 1), (2, 6, 1, 1)]);
    apply(&mut scheduler, &step, 9);
    assert_eq!(scheduler.cancel(1, None, now).len(), 2);
}

#[test]
fn choices_that_come_later_take_the_prompt_from_one_that_runs_or_compute_it() {
    let now = Instant::now();
    let mut scheduler = scheduler(1, 8);
    scheduler.submit(choices(1, 3, 2), now);
    // Alone in a slot, the first computes the whole prompt; the second comes when it has ended, and finds no state.
    let step = scheduler.plan(now).unwrap();
    assert_eq!(shape(&step), [(0, 0, 3, 1)]);
    apply(&mut scheduler, &step, 7);
    let step = scheduler.plan(now).unwrap();
    assert_eq!(shape(&step), [(0, 0, 3, 1)]);
    assert_eq!(step.registrations[0].choice, 1);

    let mut scheduler = self::scheduler(2, 8);
    scheduler.submit(request(9, 2, 1), now);
    scheduler.submit(choices(1, 3, 2), now);
    let step = scheduler.plan(now).unwrap();
    assert_eq!(shape(&step), [(0, 0, 2, 1), (1, 0, 3, 1)]);
    apply(&mut scheduler, &step, 1);
    let step = scheduler.plan(now).unwrap();
    let fork = SlotOperation::Fork {
        from: 1,
        to: 0,
        length: 2,
    };
    assert_eq!(step.descriptor.operations, [SlotOperation::Free { slot: 0 }, fork]);
    assert_eq!(shape(&step), [(1, 3, 1, 1), (0, 2, 1, 1)]);
}

#[test]
fn a_prompt_of_one_token_has_nothing_to_share() {
    let now = Instant::now();
    let mut scheduler = scheduler(3, 8);
    scheduler.submit(choices(1, 1, 3), now);
    let step = scheduler.plan(now).unwrap();
    assert_eq!(shape(&step), [(0, 0, 1, 1), (1, 0, 1, 1), (2, 0, 1, 1)]);
    assert_eq!(step.descriptor.operations, []);
}

#[test]
fn a_cancelled_first_choice_leaves_the_prompt_to_the_next() {
    let now = Instant::now();
    let mut scheduler = scheduler(3, 2);
    scheduler.submit(choices(1, 6, 3), now);
    assert_eq!(shape(&scheduler.plan(now).unwrap()), [(0, 0, 2, 0)]);
    scheduler.cancel(1, Some(0), now);
    assert_eq!(shape(&scheduler.plan(now).unwrap()), [(1, 0, 2, 0)]);
    assert_eq!(shape(&scheduler.plan(now).unwrap()), [(1, 2, 2, 0)]);
    assert_eq!(shape(&scheduler.plan(now).unwrap()), [(1, 4, 1, 0)]);
    let step = scheduler.plan(now).unwrap();
    assert_eq!(shape(&step), [(1, 5, 1, 1), (2, 5, 1, 1)]);
}

#[test]
fn a_registration_carries_the_log_where_the_draw_depends_on_it() {
    let now = Instant::now();
    let mut scheduler = scheduler(2, 8);
    let resumed = EngineRequest {
        resumed_tokens: 2,
        first_choice: 4,
        sampling: SamplingOptions {
            frequency_penalty: Some(0.5),
            ..SamplingOptions::default()
        },
        ..request(1, 5, 3)
    };
    scheduler.submit(resumed, now);
    scheduler.submit(request(2, 3, 3), now);
    let step = scheduler.plan(now).unwrap();
    let [first, second] = &step.registrations[..] else {
        panic!("{step:?}")
    };
    assert_eq!((first.choice, first.prompt_length, first.log.len()), (4, 3, 5));
    assert_eq!((second.choice, second.prompt_length, second.log.len()), (0, 3, 0));
}

#[test]
fn where_nothing_is_allowed_all_choices_fail() {
    let now = Instant::now();
    let mut scheduler = scheduler(2, 8);
    let constrained = EngineRequest {
        sampling: SamplingOptions {
            constraint: Some(Constraint {
                kind: "grammar".to_owned(),
                specification: String::new(),
            }),
            ..SamplingOptions::default()
        },
        ..choices(1, 1, 3)
    };
    scheduler.submit(constrained, now);
    let step = scheduler.plan(now).unwrap();
    let drawn = vec![Drawn::NothingAllowed; step.outputs.len()];
    let events = scheduler.apply(&step.outputs, drawn, now);
    let [
        EngineEvent::RequestFailed {
            request_id: 1,
            code,
            message,
        },
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert!(
        code == "REQUEST_NO_TOKEN_ALLOWED" && message.contains("grammar"),
        "{code}: {message}"
    );
    assert_eq!((scheduler.resident_slots(), scheduler.waiting_count()), (0, 0));
    assert_eq!(scheduler.plan(now).unwrap().descriptor.operations.len(), 2);
}

#[test]
fn a_request_waits_for_a_slot_only_as_long_as_it_says() {
    let now = Instant::now();
    let later = |milliseconds| now + Duration::from_millis(milliseconds);
    let mut scheduler = scheduler(2, 8);
    let patient = |id| EngineRequest {
        queue_timeout_milliseconds: Some(50),
        ..choices(id, 1, 2)
    };
    scheduler.submit(request(1, 1, 9), now);
    scheduler.submit(patient(2), now);
    scheduler.submit(patient(3), now);
    scheduler.plan(now).unwrap();
    assert_eq!(
        scheduler.waiting_count(),
        3,
        "a choice of 2 has a slot, the other waits"
    );
    assert_eq!(scheduler.expire(later(49)), []);
    let events = scheduler.expire(later(50));
    let [
        EngineEvent::RequestFailed {
            request_id: 3, code, ..
        },
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!(code, "REQUEST_QUEUE_TIMEOUT");
    assert_eq!(scheduler.waiting_count(), 1, "a request that has begun goes on");
    assert_eq!(scheduler.expire(later(500)), []);
}

#[test]
fn bad_requests_are_named() {
    let problem = |request: &EngineRequest| check(&limits(), request).unwrap_err();
    assert_eq!(problem(&request(1, 32, 1)).code, "REQUEST_TOO_LONG");
    check(&limits(), &request(1, 31, 1)).unwrap();
    type Change = fn(&mut EngineRequest);
    let wrong: [(&str, Change); 10] = [
        ("prompt", |request| request.prompt_tokens.clear()),
        ("maximumTokens", |request| request.maximum_tokens = 0),
        ("choices", |request| request.choices = 0),
        ("choices", |request| request.choices = 129),
        ("firstChoice", |request| request.first_choice = u32::MAX),
        ("resumedTokens", |request| request.resumed_tokens = 3),
        ("stopTokens", |request| request.stop_tokens = vec![1; 1025]),
        ("token 1000", |request| request.prompt_tokens[1] = 1000),
        ("logitBias: token 1000", |request| {
            request.sampling.logit_bias = vec![crate::options::TokenBias { token: 1000, bias: 1.0 }];
        }),
        ("temperature", |request| request.sampling.temperature = -1.0),
    ];
    for (name, change) in wrong {
        let mut one = request(1, 3, 1);
        change(&mut one);
        let error = problem(&one);
        assert!(
            error.code == "REQUEST_INVALID" && error.message.contains(name),
            "{error}"
        );
    }
}
