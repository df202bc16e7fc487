//! Runs Llama programs on the processor, whole and cut, and compares with plain Rust.

#![allow(clippy::unwrap_used)] // helpers of tests

mod llama;

use std::collections::BTreeMap;

use llama::{Config, Share, Source, program, reference};
use shoal_abi::backend::{Executable, SlotOperation, Step, StepSequenceView, WeightSource};
use shoal_ggml::executor::{OpenOptions, open};
use shoal_program::{Communication, CompileOptions, MemberProgram, ProgramInput, StateStorage, StorageType};

const CONFIG: Config = Config {
    hidden: 64,
    inner: 96,
    heads: 6,
    key_heads: 3,
    head_size: 16,
    vocabulary: 96,
    layers: 3,
    tied: true,
};

/// One member of a stage.
struct Member {
    program: MemberProgram,
    executable: Executable,
}

fn compile(config: &Config, share: &Share, storage: StorageType, state: StateStorage) -> Member {
    let (program, parts) = program(config, share, storage);
    let options = CompileOptions {
        slot_count: 4,
        context_length: 600,
        state_storage: state,
        maximum_step_tokens: 64,
    };
    let open_options = OpenOptions {
        device: "CPU".to_owned(),
        threads: Some(1),
        ..OpenOptions::default()
    };
    let source = WeightSource::export(Source(parts));
    let mut last = (0, 0);
    let executable = open(&open_options)
        .unwrap()
        .compile(
            &program.to_json().unwrap(),
            &options_json(&options),
            &source,
            &mut |loaded, total| {
                last = (loaded, total);
                true
            },
        )
        .unwrap();
    assert!(last.0 == last.1 && last.1 > 0, "{last:?}");
    Member { program, executable }
}

fn options_json(options: &CompileOptions) -> String {
    serde_json::to_string(options).unwrap()
}

/// Runs a step over pipeline stages of tensor members, exchanging values as the engine does.
fn step(stages: &mut [Vec<Member>], sequences: &[StepSequenceView], tokens: &[u32]) -> Vec<Vec<f32>> {
    let mut hidden: Vec<f32> = Vec::new();
    let last = stages.len() - 1;
    let mut logits = Vec::new();
    for (index, members) in stages.iter_mut().enumerate() {
        for member in members.iter_mut() {
            member
                .executable
                .begin_step(&Step {
                    number: 1,
                    sequences,
                    tokens,
                })
                .unwrap();
            if let ProgramInput::Hidden { value, .. } = &member.program.input {
                let value = member.program.boundary_index(value).unwrap();
                member
                    .executable
                    .with_value(value, |target| target.copy_from_slice(&hidden))
                    .unwrap();
            }
        }
        for segment in 0..members[0].program.segments.len() {
            for member in members.iter_mut() {
                member.executable.execute(segment as u32).unwrap();
            }
            if let Some(Communication::AllReduceSum { value }) =
                members[0].program.segments[segment].communication.clone()
            {
                let number = members[0].program.boundary_index(&value).unwrap();
                let mut sum: Vec<f32> = Vec::new();
                for member in members.iter_mut() {
                    let part = member.executable.with_value(number, |part| part.to_vec()).unwrap();
                    sum.resize(part.len(), 0.0);
                    sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
                }
                for member in members.iter_mut() {
                    member
                        .executable
                        .with_value(number, |target| target.copy_from_slice(&sum))
                        .unwrap();
                }
            }
        }
        let mut outputs = Vec::new();
        for member in members.iter_mut() {
            let value = member.program.boundary_index(member.program.output.value()).unwrap();
            let width = member.program.values[member.program.output.value()].width as usize;
            outputs.push((
                width,
                member.executable.with_value(value, |output| output.to_vec()).unwrap(),
            ));
            member.executable.end_step().unwrap();
        }
        if index < last {
            hidden = outputs.swap_remove(0).1;
        } else {
            let rows = outputs[0].1.len() / outputs[0].0;
            let row = |row: usize| {
                outputs
                    .iter()
                    .flat_map(|(width, all)| all[row * width..][..*width].to_vec())
                    .collect()
            };
            logits = (0..rows).map(row).collect();
        }
    }
    logits
}

fn sequence(slot: u32, start_position: u32, token_count: u32, output_rows: u32) -> StepSequenceView {
    StepSequenceView {
        slot,
        start_position,
        token_count,
        output_rows,
    }
}

/// Largest difference, relative to the largest logit of the reference.
fn difference(found: &[Vec<f32>], expected: &[Vec<f64>]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let scale = expected
        .iter()
        .flatten()
        .fold(0.0_f64, |largest, logit| largest.max(logit.abs()));
    let pairs = found.iter().flatten().zip(expected.iter().flatten());
    pairs.fold(0.0_f64, |largest, (found, expected)| {
        largest.max((f64::from(*found) - expected).abs())
    }) / scale
}

fn tokens(count: usize, seed: u32) -> Vec<u32> {
    (0..count as u32)
        .map(|index| (index * 37 + seed * 11 + 5) % CONFIG.vocabulary as u32)
        .collect()
}

/// A prompt in two chunks, then single tokens, against the whole sequence computed at once.
fn run_sequence(stages: &mut [Vec<Member>], tolerance: f64) {
    let tokens = tokens(30, 1);
    let expected = reference(&CONFIG, &tokens);
    let mut found = step(stages, &[sequence(2, 0, 20, 20)], &tokens[..20]);
    found.extend(step(stages, &[sequence(2, 20, 6, 6)], &tokens[20..26]));
    for position in 26..30 {
        found.extend(step(
            stages,
            &[sequence(2, position, 1, 1)],
            &tokens[position as usize..][..1],
        ));
    }
    let difference = difference(&found, &expected);
    assert!(difference < tolerance, "{difference}");
}

#[test]
fn a_whole_model_is_right() {
    for (storage, state, tolerance) in [
        (StorageType::F32, StateStorage::F32, 1e-5),
        (StorageType::F32, StateStorage::F16, 1e-2),
        (StorageType::F16, StateStorage::F16, 2e-2),
        (StorageType::Bf16, StateStorage::F16, 0.15),
        (StorageType::Q8_0, StateStorage::F16, 0.15),
    ] {
        let mut stages = vec![vec![compile(&CONFIG, &CONFIG.whole(), storage, state)]];
        run_sequence(&mut stages, tolerance);
    }
}

fn cut(layers: &[(usize, usize)], heads: &[(usize, usize)], inner: &[(usize, usize)]) -> Vec<Vec<Member>> {
    let members = heads.len();
    let stage = |layers: &(usize, usize)| {
        let share = |member: usize| Share {
            layers: *layers,
            key_heads: heads[member],
            inner: inner[member],
            vocabulary: (
                CONFIG.vocabulary * member / members,
                CONFIG.vocabulary * (member + 1) / members,
            ),
            member,
            member_count: members,
        };
        let member = |member| compile(&CONFIG, &share(member), StorageType::F32, StateStorage::F32);
        (0..members).map(member).collect()
    };
    layers.iter().map(stage).collect()
}

#[test]
fn a_model_cut_into_stages_and_uneven_members_is_right() {
    run_sequence(&mut cut(&[(0, 1), (1, 3)], &[(0, 3)], &[(0, 96)]), 1e-5);
    run_sequence(&mut cut(&[(0, 3)], &[(0, 1), (1, 3)], &[(0, 32), (32, 96)]), 1e-5);
    run_sequence(
        &mut cut(
            &[(0, 2), (2, 3)],
            &[(0, 1), (1, 2), (2, 3)],
            &[(0, 32), (32, 64), (64, 96)],
        ),
        1e-5,
    );
}

#[test]
fn sequences_share_steps_and_forks_share_prefixes() {
    let mut stages = vec![vec![compile(
        &CONFIG,
        &CONFIG.whole(),
        StorageType::F32,
        StateStorage::F32,
    )]];
    let (first, second) = (tokens(9, 2), tokens(12, 3));
    // Two prompts of different length in one step; only the last row of each is asked for.
    let both: Vec<u32> = first[..5].iter().chain(&second[..7]).copied().collect();
    let found = step(&mut stages, &[sequence(0, 0, 5, 1), sequence(1, 0, 7, 1)], &both);
    let (expected_first, expected_second) = (reference(&CONFIG, &first), reference(&CONFIG, &second));
    assert!(difference(&found, &[expected_first[4].clone(), expected_second[6].clone()]) < 1e-5);

    // A prompt chunk whose outputs nobody wants, beside a decode in a slot further on.
    let mixed: Vec<u32> = first[5..7].iter().chain(&second[7..8]).copied().collect();
    let found = step(&mut stages, &[sequence(0, 5, 2, 0), sequence(1, 7, 1, 1)], &mixed);
    assert!(difference(&found, &[expected_second[7].clone()]) < 1e-5);

    // A batched decode in neighbouring slots.
    let decode = [first[7], second[8]];
    let found = step(&mut stages, &[sequence(0, 7, 1, 1), sequence(1, 8, 1, 1)], &decode);
    assert!(difference(&found, &[expected_first[7].clone(), expected_second[8].clone()]) < 1e-5);

    // Slot 3 goes on where slot 0 was after 8 positions, and slot 0 goes back to 4 of them.
    let executable = &mut stages[0][0].executable;
    executable
        .slot_operation(SlotOperation::Fork {
            from: 0,
            to: 3,
            length: 8,
        })
        .unwrap();
    executable
        .slot_operation(SlotOperation::Truncate { slot: 0, length: 4 })
        .unwrap();
    let again = [first[8], first[4]];
    let found = step(&mut stages, &[sequence(3, 8, 1, 1), sequence(0, 4, 1, 1)], &again);
    assert!(difference(&found, &[expected_first[8].clone(), expected_first[4].clone()]) < 1e-5);
}

#[test]
fn a_long_context_crosses_graph_sizes() {
    let config = Config {
        layers: 1,
        inner: 64,
        ..CONFIG
    };
    let mut stages = vec![vec![compile(
        &config,
        &config.whole(),
        StorageType::F32,
        StateStorage::F32,
    )]];
    let tokens = tokens(300, 4);
    let expected = reference(&config, &tokens);
    for (index, chunk) in tokens[..240].chunks(60).enumerate() {
        step(&mut stages, &[sequence(0, index as u32 * 60, 60, 0)], chunk);
    }
    for position in 240..300 {
        let found = step(
            &mut stages,
            &[sequence(0, position as u32, 1, 1)],
            &tokens[position..=position],
        );
        let difference = difference(&found, &expected[position..=position]);
        assert!(difference < 3e-5, "position {position}: {difference}");
    }
}

#[test]
fn misuse_is_an_error_and_leaves_the_executable_usable() {
    let mut stages = vec![vec![compile(
        &CONFIG,
        &CONFIG.whole(),
        StorageType::F32,
        StateStorage::F32,
    )]];
    let executable = &mut stages[0][0].executable;
    let mut begin = |sequences: &[StepSequenceView], tokens: &[u32]| {
        let result = executable.begin_step(&Step {
            number: 9,
            sequences,
            tokens,
        });
        executable.end_step().unwrap();
        result.map_err(|error| (error.code, error.message))
    };
    for (sequences, tokens, word) in [
        (vec![sequence(4, 0, 1, 1)], vec![1], "slot 4"),
        (vec![sequence(0, 3, 1, 1)], vec![1], "position 3"),
        (vec![sequence(0, 0, 1, 2)], vec![1], "counts"),
        (vec![sequence(0, 0, 1, 1), sequence(0, 0, 1, 1)], vec![1, 2], "twice"),
        (vec![sequence(0, 0, 1, 1)], vec![96], "token 96"),
        (vec![sequence(0, 0, 65, 1)], vec![1; 65], "65 tokens"),
    ] {
        let (code, message) = begin(&sequences, &tokens).unwrap_err();
        assert_eq!(code, "INTERNAL_INVALID_ARGUMENT");
        assert!(message.contains(word), "{message}");
    }
    assert!(executable.execute(0).is_err());
    assert!(executable.map(0).is_err());
    assert!(
        executable
            .slot_operation(SlotOperation::Fork {
                from: 0,
                to: 1,
                length: 5
            })
            .is_err()
    );
    run_sequence(&mut stages, 1e-5);
}

#[test]
fn a_stopped_load_and_a_missing_weight_are_errors() {
    let (program, parts) = program(&CONFIG, &CONFIG.whole(), StorageType::F32);
    let options = CompileOptions {
        slot_count: 1,
        context_length: 64,
        state_storage: StateStorage::F16,
        maximum_step_tokens: 8,
    };
    let open_options = OpenOptions {
        device: "CPU".to_owned(),
        threads: Some(1),
        ..OpenOptions::default()
    };
    let mut backend = open(&open_options).unwrap();
    let (json, options) = (program.to_json().unwrap(), options_json(&options));
    let stopped = backend.compile(&json, &options, &WeightSource::export(Source(parts)), &mut |_, _| false);
    assert_eq!(stopped.err().unwrap().code, "ABORTED");
    let missing = backend.compile(
        &json,
        &options,
        &WeightSource::export(Source(BTreeMap::new())),
        &mut |_, _| true,
    );
    assert_eq!(missing.err().unwrap().code, "MODEL_TENSOR_MISSING");
}
