use super::*;
use crate::options::{Constraint, SamplingOptions, TokenBias};
use crate::sampling::draw::RowNeeds;
use crate::sampling::mask::TokenMaskFactories;
use crate::sampling::philox_uniform;
use crate::sampling::registration::Registration;

const VOCABULARY: usize = 1000;

/// Options of every kind, plain and together.
fn all_options() -> Vec<SamplingOptions> {
    let sampled = |temperature, top_k, top_p| SamplingOptions {
        temperature,
        top_k,
        top_p,
        seed: 11,
        ..SamplingOptions::default()
    };
    let constraint = |tokens: std::ops::Range<u32>| {
        Some(Constraint {
            kind: "allowed-tokens".to_owned(),
            specification: format!("{:?}", tokens.step_by(7).collect::<Vec<_>>()),
        })
    };
    let draws = [
        sampled(0.0, None, None),
        sampled(1.0, None, None),
        sampled(0.8, Some(50), Some(0.9)),
        sampled(1.2, None, Some(0.8)),
        sampled(1.0, Some(600), None),
        SamplingOptions {
            min_p: Some(0.1),
            ..sampled(1.5, Some(20), None)
        },
    ];
    let mut all = Vec::new();
    for options in draws {
        let changes: [fn(&mut SamplingOptions); 4] = [
            |_| {},
            |options| {
                options.repetition_penalty = Some(1.4);
                options.presence_penalty = Some(0.7);
                options.frequency_penalty = Some(0.3);
            },
            |options| {
                options.logit_bias = (0..50)
                    .map(|index| TokenBias {
                        token: index * 19,
                        bias: (index % 7) as f32 - 3.0,
                    })
                    .collect();
            },
            |options| options.repetition_penalty = Some(0.7),
        ];
        for (index, change) in changes.into_iter().enumerate() {
            for log_probabilities in [None, Some(0), Some(5)] {
                let mut options = SamplingOptions {
                    log_probabilities,
                    constraint: if index == 3 { constraint(150..900) } else { None },
                    ..options.clone()
                };
                change(&mut options);
                all.push(options);
            }
        }
    }
    all
}

/// A registry in which each kind of options has a sequence of some tokens, and a row of each.
fn sequences(options: &[SamplingOptions]) -> (Registry, Vec<OutputRow>) {
    let mut registry = Registry::new(TokenMaskFactories::built_in(), VOCABULARY as u32);
    let mut rows = Vec::new();
    for (index, options) in (0..).zip(options) {
        let log: Vec<u32> = (0..40)
            .map(|place| (philox_uniform(index, place) * 1000.0) as u32)
            .collect();
        rows.push(OutputRow {
            sampling_id: index,
            position: 41,
            previous: 7,
            needs: RowNeeds::of(options),
        });
        let registration = Registration {
            sampling_id: index,
            slot: index as u32,
            choice: index as u32 % 3,
            options: options.clone(),
            prompt_length: 20,
            log,
        };
        registry.insert(registration).unwrap();
    }
    (registry, rows)
}

fn part(rows: usize, from: usize, to: usize) -> Vec<f32> {
    let logit = |row: usize, token: usize| match (token * 31 + row) % 97 {
        // Some that nobody may draw.
        0 => f32::NEG_INFINITY,
        1 => f32::NAN,
        _ => (philox_uniform(row as u64, token as u64) * 8.0 - 2.0) as f32,
    };
    (0..rows)
        .flat_map(|row| (from..to).map(move |token| logit(row, token)))
        .collect()
}

fn own(logits: &[f32], from: usize, to: usize) -> OwnLogits<'_> {
    OwnLogits {
        logits,
        first_token: from as u32,
        width: to - from,
    }
}

fn close(split: &Drawn, whole: &Drawn) -> bool {
    let Drawn::Token {
        token: one,
        log_probabilities: first,
    } = split
    else {
        return split == whole;
    };
    let Drawn::Token {
        token: other,
        log_probabilities: second,
    } = whole
    else {
        return false;
    };
    let near = |one: f32, other: f32| (one - other).abs() <= 1e-6 * other.abs().max(1.0);
    one == other
        && match (first, second) {
            (None, None) => true,
            (Some(first), Some(second)) => {
                let pairs = || first.alternatives.iter().zip(&second.alternatives);
                near(first.log_probability, second.log_probability)
                    && first.alternatives.len() == second.alternatives.len()
                    && pairs().all(|(one, other)| {
                        one.token == other.token && near(one.log_probability, other.log_probability)
                    })
            }
            _ => false,
        }
}

#[test]
fn a_split_vocabulary_gives_what_a_whole_one_does() {
    let options = all_options();
    let count = options.len();
    let logits = part(count, 0, VOCABULARY);
    let mut scratch = Scratch::default();
    let (mut registry, rows) = sequences(&options);
    let whole = sample_rows(
        &rows,
        &mut registry,
        own(&logits, 0, VOCABULARY),
        &mut [],
        VOCABULARY,
        &mut scratch,
    )
    .unwrap();
    for cuts in [vec![0, 300, 300, 1000], vec![0, 1, 999, 1000], vec![0, 0, 500, 1000]] {
        let messages: Vec<Vec<u8>> = cuts
            .windows(2)
            .map(|cut| {
                let (mut registry, rows) = sequences(&options);
                let logits = part(count, cut[0], cut[1]);
                let mut bytes = Vec::new();
                let own = own(&logits, cut[0], cut[1]);
                write_shard(&rows, &mut registry, own, &mut scratch, &mut bytes).unwrap();
                bytes
            })
            .collect();
        let read = |index: usize| ShardReader::new(&messages[index], &rows, VOCABULARY as u64).unwrap();
        let mut check = |from: usize, to: usize, mut others: Vec<ShardReader<'_>>| {
            let (mut registry, rows) = sequences(&options);
            let logits = part(count, from, to);
            let own = own(&logits, from, to);
            let split = sample_rows(&rows, &mut registry, own, &mut others, VOCABULARY, &mut scratch).unwrap();
            for ((split, whole), options) in split.iter().zip(&whole).zip(&options) {
                assert!(close(split, whole), "{split:?} is not {whole:?} for {options:?}");
            }
        };
        check(cuts[0], cuts[1], vec![read(1), read(2)]);
        // The sampler may hold no logits itself, and ranges may come in any order.
        check(0, 0, vec![read(2), read(0), read(1)]);
    }
}

#[test]
fn log_probabilities_are_of_the_model_and_not_of_what_was_made_of_it() {
    let options = SamplingOptions {
        temperature: 0.2,
        top_k: Some(1),
        logit_bias: vec![TokenBias { token: 2, bias: 50.0 }],
        log_probabilities: Some(2),
        ..SamplingOptions::default()
    };
    let (mut registry, mut rows) = sequences(&[options]);
    rows[0].position = 41;
    let logits = [0.5_f32.ln(), 0.3_f32.ln(), 0.2_f32.ln()];
    let own = own(&logits, 0, 3);
    let drawn = sample_rows(&rows, &mut registry, own, &mut [], 3, &mut Scratch::default()).unwrap();
    let Drawn::Token {
        token,
        log_probabilities: Some(found),
    } = &drawn[0]
    else {
        panic!("{drawn:?}")
    };
    assert_eq!(*token, 2);
    assert!((found.log_probability - 0.2_f32.ln()).abs() < 1e-6);
    let alternatives: Vec<u32> = found.alternatives.iter().map(|one| one.token).collect();
    assert_eq!(alternatives, [0, 1]);
    assert!((found.alternatives[1].log_probability - 0.3_f32.ln()).abs() < 1e-6);
}

#[test]
fn what_a_constraint_leaves_is_drawn_and_nothing_is_told() {
    let allow = |tokens: &str| SamplingOptions {
        constraint: Some(Constraint {
            kind: "allowed-tokens".to_owned(),
            specification: tokens.to_owned(),
        }),
        ..SamplingOptions::default()
    };
    let (mut registry, rows) = sequences(&[allow("[1]"), allow("[3, 5]")]);
    let logits = [9.0, 1.0, 2.0, f32::NAN, 9.0, 1.0, 2.0, f32::NAN];
    let drawn = sample_rows(
        &rows,
        &mut registry,
        own(&logits, 0, 4),
        &mut [],
        4,
        &mut Scratch::default(),
    )
    .unwrap();
    assert!(
        matches!(drawn[..], [Drawn::Token { token: 1, .. }, Drawn::NothingAllowed]),
        "{drawn:?}"
    );
}

#[test]
fn messages_that_do_not_fit_are_refused() {
    let (mut registry, rows) = sequences(&[SamplingOptions::default()]);
    let mut bytes = Vec::new();
    let logits = [1.0, 2.0];
    write_shard(
        &rows,
        &mut registry,
        own(&logits, 10, 12),
        &mut Scratch::default(),
        &mut bytes,
    )
    .unwrap();
    assert!(ShardReader::new(&bytes, &rows, 12).is_some());
    assert!(ShardReader::new(&bytes, &rows, 11).is_none());
    assert!(ShardReader::new(&bytes[..15], &rows, 12).is_none());
    assert!(ShardReader::new(&bytes, &[], 12).is_none());
    assert!(ShardReader::new(&[], &rows, 12).is_none());
}

#[test]
fn rows_that_cannot_be_drawn_from_are_named() {
    let (mut registry, mut rows) = sequences(&[SamplingOptions::default(), SamplingOptions::default()]);
    let logits = [1.0, 2.0, f32::NAN, f32::NAN];
    let mut sample = |rows: &[OutputRow]| {
        let own = own(&logits, 0, 2);
        sample_rows(rows, &mut registry, own, &mut [], 2, &mut Scratch::default())
    };
    assert_eq!(sample(&rows), Err(SampleError::NoFiniteLogit { row: 1 }));
    rows[1].sampling_id = 99;
    assert_eq!(sample(&rows), Err(SampleError::UnknownSequence { row: 1 }));
}
