//! Choices, constraints, penalties and log-probabilities over whole and split instances.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests")]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use shoal_abi::backend::Backend;
use shoal_engine::{
    Constraint, EngineEvent, EngineRequest, FinishReason, SamplingOptions, TokenBias, TokenMask, TokenMaskFactories,
    TokenMaskFactory, TokenSet,
};
use shoal_reference::ReferenceBackend;
use support::{Instance, Sizes, Wire, request};

const VOCABULARY: u32 = 96;

/// What one choice of a request was given.
#[derive(Debug, Clone, Default, PartialEq)]
struct Answer {
    tokens: Vec<u32>,
    /// Of each token: its own log-probability, and the alternatives.
    log_probabilities: Vec<(f32, Vec<(u32, f32)>)>,
    reason: Option<FinishReason>,
}

/// Runs requests at once; answers by request and choice.
fn run(instance: &Instance, requests: &[EngineRequest]) -> BTreeMap<(u64, u32), Answer> {
    let mut answers = BTreeMap::new();
    for request in requests {
        let choices = request.first_choice..request.first_choice + request.choices;
        answers.extend(choices.map(|choice| ((request.id, choice), Answer::default())));
        instance.head().submit(request.clone()).unwrap();
    }
    while answers.values().any(|answer| answer.reason.is_none()) {
        match instance.next_event().1 {
            EngineEvent::Token {
                request_id,
                choice,
                token,
                index,
                log_probabilities,
            } => {
                let answer = answers.get_mut(&(request_id, choice)).unwrap();
                assert_eq!((index as usize, answer.reason), (answer.tokens.len(), None));
                answer.tokens.push(token);
                answer.log_probabilities.extend(log_probabilities.map(|found| {
                    let pair = |one: &shoal_engine::Alternative| (one.token, one.log_probability);
                    (found.log_probability, found.alternatives.iter().map(pair).collect())
                }));
            }
            EngineEvent::RequestFinished {
                request_id,
                choice,
                reason,
                generated_tokens,
                ..
            } => {
                let answer = answers.get_mut(&(request_id, choice)).unwrap();
                assert_eq!(generated_tokens as usize, answer.tokens.len());
                answer.reason = Some(reason);
            }
            event => panic!("unexpected {event:?}"),
        }
    }
    answers
}

/// Tokens may only rise, each by at most the number that the specification gives.
#[derive(Debug)]
struct Rising {
    last: Option<u32>,
    step: u32,
}

struct RisingFactory;

impl TokenMaskFactory for RisingFactory {
    fn create(&self, specification: &str, vocabulary: u32) -> Result<Box<dyn TokenMask>, String> {
        assert_eq!(vocabulary, VOCABULARY);
        let step = specification.parse().map_err(|_| "it must be a number".to_owned())?;
        Ok(Box::new(Rising { last: None, step }))
    }
}

impl TokenMask for Rising {
    fn allow(&mut self, allowed: &mut TokenSet) {
        let first = self.last.map_or(0, |last| last + 1);
        (first..first.saturating_add(self.step)).for_each(|token| allowed.insert(token));
    }
    fn accept(&mut self, token: u32) {
        self.last = Some(token);
    }
}

fn masks() -> TokenMaskFactories {
    TokenMaskFactories::built_in().with("rising", Arc::new(RisingFactory))
}

fn start(stages: &[Vec<u64>], wire: Wire, sizes: Sizes) -> Instance {
    Instance::start_with(stages, wire, sizes, &masks(), |_| Backend::export(ReferenceBackend))
}

fn rising(step: &str) -> Option<Constraint> {
    Some(Constraint {
        kind: "rising".to_owned(),
        specification: step.to_owned(),
    })
}

fn sampled(seed: u64) -> SamplingOptions {
    SamplingOptions {
        temperature: 1.3,
        seed,
        ..SamplingOptions::default()
    }
}

/// Requests that use everything there is.
fn requests() -> Vec<EngineRequest> {
    let penalized = SamplingOptions {
        repetition_penalty: Some(1.5),
        presence_penalty: Some(0.4),
        frequency_penalty: Some(0.3),
        log_probabilities: Some(3),
        ..SamplingOptions::default()
    };
    let biased = SamplingOptions {
        logit_bias: (0..40)
            .map(|index| TokenBias {
                token: index * 2,
                bias: -1.5 + (index % 5) as f32,
            })
            .collect(),
        top_k: Some(10),
        log_probabilities: Some(0),
        ..sampled(3)
    };
    let constrained = SamplingOptions {
        constraint: rising("40"),
        log_probabilities: Some(5),
        ..sampled(4)
    };
    let constrained_candidates = SamplingOptions {
        constraint: rising("9"),
        top_k: Some(3),
        ..sampled(5)
    };
    let three = EngineRequest {
        choices: 3,
        ..request(7, 21, 8, sampled(6))
    };
    vec![
        request(1, 5, 12, SamplingOptions::default()),
        request(2, 37, 9, penalized),
        request(3, 4, 12, biased),
        // A mask that ends: 96 tokens cannot rise that often by so much.
        request(4, 6, 3, constrained),
        request(5, 3, 8, constrained_candidates),
        EngineRequest {
            sampling: SamplingOptions {
                frequency_penalty: Some(1.0),
                top_p: Some(0.9),
                log_probabilities: Some(2),
                ..sampled(8)
            },
            choices: 2,
            ..request(6, 1, 9, SamplingOptions::default())
        },
        three,
    ]
}

fn near(one: &Answer, other: &Answer) -> bool {
    let close = |one: f32, other: f32| (one - other).abs() < 1e-3;
    let rows = || one.log_probabilities.iter().zip(&other.log_probabilities);
    one.tokens == other.tokens
        && one.reason == other.reason
        && one.log_probabilities.len() == other.log_probabilities.len()
        && rows().all(|((first, some), (second, others))| {
            close(*first, *second)
                && some.len() == others.len()
                && some.iter().zip(others).all(|(one, other)| close(one.1, other.1))
        })
}

#[test]
fn split_instances_draw_what_a_whole_one_does() {
    let requests = requests();
    let whole = run(&start(&[vec![1]], Wire::Memory, Sizes::default()), &requests);
    assert!(
        whole[&(2, 0)]
            .log_probabilities
            .iter()
            .all(|(_, alternatives)| alternatives.len() == 3)
    );
    assert!(whole[&(4, 0)].tokens.is_sorted_by(|one, next| one < next));
    assert!(
        whole[&(5, 0)]
            .tokens
            .windows(2)
            .all(|pair| pair[0] < pair[1] && pair[1] <= pair[0] + 9)
    );
    let choices: Vec<_> = (0..3).map(|choice| &whole[&(7, choice)].tokens).collect();
    assert!(choices[0] != choices[1] && choices[1] != choices[2], "{choices:?}");
    for (stages, wire) in [
        (vec![vec![1], vec![1]], Wire::Unix),
        (vec![vec![1, 2]], Wire::Memory),
        (vec![vec![1, 1], vec![1, 1]], Wire::Tcp),
        (vec![vec![1], vec![2, 0, 1]], Wire::Unix),
    ] {
        let instance = start(&stages, wire, Sizes::default());
        let split = run(&instance, &requests);
        for (key, answer) in &split {
            assert!(
                near(answer, &whole[key]),
                "{key:?} over {stages:?}: {answer:?} is not {:?}",
                whole[key]
            );
        }
        assert_all_freed(&instance);
    }
}

/// Waits until every member has freed its slots, which happens with the first step after the last answer.
fn assert_all_freed(instance: &Instance) {
    let deadline = std::time::Instant::now() + support::PATIENCE;
    for member in instance.members.iter().flatten() {
        while member.statistics().occupied_slots > 0 {
            assert!(std::time::Instant::now() < deadline, "{:?}", member.statistics());
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    assert_eq!(instance.head().statistics().resident_slots, 0);
    assert_eq!(instance.head().statistics().waiting_requests, 0);
}

#[test]
fn the_first_choice_is_the_answer_that_a_single_one_would_be() {
    let sizes = Sizes {
        slots: 2,
        ..Sizes::default()
    };
    let instance = start(&[vec![1, 1], vec![1]], Wire::Memory, sizes);
    let five = EngineRequest {
        choices: 5,
        ..request(1, 30, 10, sampled(9))
    };
    let together = run(&instance, std::slice::from_ref(&five));
    // More choices than slots: some fork, some come so late that they compute the prompt themselves.
    for choice in 0..5 {
        let alone = EngineRequest {
            id: 2,
            choices: 1,
            first_choice: choice,
            ..five.clone()
        };
        let alone = run(&instance, &[alone]);
        assert_eq!(alone[&(2, choice)], together[&(1, choice)], "choice {choice}");
    }
    // Greedy choices have nothing to differ in.
    let greedy = EngineRequest {
        sampling: SamplingOptions::default(),
        ..five
    };
    let answers = run(&instance, &[greedy]);
    assert!(answers.values().all(|answer| answer.tokens == answers[&(1, 0)].tokens));
    assert_all_freed(&instance);
}

#[test]
fn a_generation_goes_on_from_its_token_log() {
    let instance = start(&[vec![1], vec![1, 1]], Wire::Memory, Sizes::default());
    let penalized = |sampling: SamplingOptions| SamplingOptions {
        repetition_penalty: Some(1.3),
        frequency_penalty: Some(0.4),
        ..sampling
    };
    for sampling in [
        penalized(sampled(2)),
        SamplingOptions {
            constraint: rising("7"),
            ..sampled(3)
        },
        sampled(4),
    ] {
        let whole = request(1, 8, 12, sampling);
        let expected = run(&instance, std::slice::from_ref(&whole)).remove(&(1, 0)).unwrap();
        for done in [1, 5, 11] {
            let mut resumed = whole.clone();
            resumed.prompt_tokens.extend_from_slice(&expected.tokens[..done]);
            resumed.resumed_tokens = done as u32;
            resumed.maximum_tokens = 12 - done as u32;
            let answer = run(&instance, &[resumed]).remove(&(1, 0)).unwrap();
            assert_eq!(answer.tokens, expected.tokens[done..], "from token {done}");
        }
    }
}

#[test]
fn a_choice_is_cancelled_by_itself() {
    let sizes = Sizes {
        slots: 3,
        context: 100_000,
        step: 8,
    };
    let instance = start(&[vec![1], vec![1, 1]], Wire::Unix, sizes);
    let endless = EngineRequest {
        choices: 4,
        ..request(1, 12, 90_000, sampled(1))
    };
    instance.head().submit(endless).unwrap();
    let mut tokens = [0_usize; 4];
    let until = |tokens: &mut [usize; 4], wanted: &mut dyn FnMut(&EngineEvent, &[usize; 4]) -> bool| loop {
        let event = instance.next_event().1;
        if let EngineEvent::Token { choice, .. } = event {
            tokens[choice as usize] += 1;
        }
        if wanted(&event, tokens) {
            break;
        }
    };
    until(&mut tokens, &mut |_, tokens| tokens[..3].iter().all(|count| *count > 2));
    assert_eq!((tokens[3], instance.head().statistics().waiting_requests), (0, 1));
    instance.head().cancel_choice(1, 1);
    until(&mut tokens, &mut |event, _| {
        matches!(
            event,
            EngineEvent::RequestFinished {
                choice: 1,
                reason: FinishReason::Cancelled,
                ..
            }
        )
    });
    // The one that waited takes the slot, and its prompt from another.
    until(&mut tokens, &mut |_, tokens| tokens[3] > 2);
    instance.head().cancel(1);
    let mut ended = Vec::new();
    until(&mut tokens, &mut |event, _| {
        if let EngineEvent::RequestFinished { choice, .. } = event {
            ended.push(*choice);
        }
        ended.len() == 3
    });
    ended.sort_unstable();
    assert_eq!(ended, [0, 2, 3]);
    assert_all_freed(&instance);
}

#[test]
fn a_constraint_that_leaves_nothing_fails_its_request_and_no_other() {
    let instance = start(&[vec![1], vec![1, 1]], Wire::Memory, Sizes::default());
    let dead_end = SamplingOptions {
        constraint: rising("1"),
        ..SamplingOptions::default()
    };
    // 0, 1, 2 … 95, and then nothing rises any more; the context would hold more.
    let mut stuck = request(1, 2, 1000, dead_end);
    stuck.prompt_tokens.extend(0..50);
    stuck.resumed_tokens = 50;
    let skip = SamplingOptions {
        constraint: rising("96"),
        logit_bias: vec![TokenBias { token: 95, bias: 100.0 }],
        ..SamplingOptions::default()
    };
    instance
        .head()
        .submit(request(2, 5, 40, SamplingOptions::default()))
        .unwrap();
    instance.head().submit(request(3, 5, 9, skip)).unwrap();
    let mut failed = None;
    let mut finished = false;
    while failed.is_none() || !finished {
        match instance.next_event().1 {
            EngineEvent::RequestFailed { request_id, code, .. } => failed = Some((request_id, code)),
            EngineEvent::RequestFinished { request_id: 2, .. } => finished = true,
            EngineEvent::Token { .. } => {}
            event => panic!("unexpected {event:?}"),
        }
    }
    assert_eq!(failed, Some((3, "REQUEST_NO_TOKEN_ALLOWED".to_owned())));
    let answer = run(&instance, &[stuck]);
    assert_eq!(
        answer[&(1, 0)].tokens,
        (50..63).collect::<Vec<_>>(),
        "until the context is full"
    );
    assert_all_freed(&instance);
}

#[test]
fn constraints_are_checked_when_the_request_is_made() {
    let instance = start(&[vec![1], vec![1]], Wire::Memory, Sizes::default());
    let submit = |constraint: Option<Constraint>| {
        let sampling = SamplingOptions {
            constraint,
            ..SamplingOptions::default()
        };
        let error = instance.head().submit(request(1, 2, 2, sampling)).unwrap_err();
        assert_eq!(error.code, "REQUEST_INVALID");
        error.message
    };
    assert!(submit(rising("many")).contains("it must be a number"));
    let unknown = Constraint {
        kind: "nonsense".to_owned(),
        specification: String::new(),
    };
    assert!(submit(Some(unknown)).contains("allowed-tokens, rising"));
}

#[test]
fn a_full_queue_says_how_full_it_is() {
    let sizes = Sizes {
        slots: 2,
        context: 100_000,
        step: 8,
    };
    let instance = start(&[vec![1], vec![1]], Wire::Memory, sizes);
    let endless = |id, choices| EngineRequest {
        choices,
        ..request(id, 2, 90_000, SamplingOptions::default())
    };
    // Two slots and a queue of eight, of which each choice takes a place.
    instance.head().submit(endless(1, 6)).unwrap();
    let error = instance.head().submit(endless(2, 11)).unwrap_err();
    assert_eq!(error.code, "REQUEST_INVALID");
    let error = instance.head().submit(endless(2, 5)).unwrap_err();
    assert_eq!(error.code, "REQUEST_QUEUE_FULL");
    for part in ["2 of 2 slots", "4 of 8 places", "wants 5"] {
        assert!(error.message.contains(part), "{error}");
    }
    instance.head().submit(endless(2, 4)).unwrap();
    assert_eq!(
        instance.head().submit(endless(3, 1)).unwrap_err().code,
        "REQUEST_QUEUE_FULL"
    );
    instance.head().cancel(1);
    let mut ended = 0;
    while ended < 6 {
        ended += u32::from(matches!(instance.next_event().1, EngineEvent::RequestFinished { .. }));
    }
    instance.head().submit(endless(3, 6)).unwrap();
    let hasty = EngineRequest {
        queue_timeout_milliseconds: Some(1),
        ..endless(4, 0)
    };
    assert_eq!(instance.head().submit(hasty).unwrap_err().code, "REQUEST_INVALID");
}

#[test]
fn a_request_that_waits_too_long_is_told() {
    let sizes = Sizes {
        slots: 1,
        context: 100_000,
        step: 8,
    };
    let instance = start(&[vec![1]], Wire::Memory, sizes);
    instance
        .head()
        .submit(request(1, 2, 90_000, SamplingOptions::default()))
        .unwrap();
    let hasty = EngineRequest {
        queue_timeout_milliseconds: Some(20),
        ..request(2, 2, 5, SamplingOptions::default())
    };
    instance.head().submit(hasty).unwrap();
    loop {
        match instance.next_event().1 {
            EngineEvent::RequestFailed {
                request_id: 2,
                code,
                message,
            } => {
                assert!(
                    code == "REQUEST_QUEUE_TIMEOUT" && message.contains("20 ms"),
                    "{code}: {message}"
                );
                break;
            }
            EngineEvent::Token { request_id: 1, .. } => {}
            event => panic!("unexpected {event:?}"),
        }
    }
    instance.head().cancel(1);
}
