//! Runs Llama programs on the processor, whole and cut, and compares with the reference backend.

#![allow(clippy::unwrap_used)] // helpers of tests

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use shoal_abi::backend::{
    Backend, BackendError, SlotOperation, Step, StepSequenceView, WeightSource, WeightSourceImplementation,
};
use shoal_ggml::executor::open;
use shoal_program::{CompileOptions, StateStorage, StorageType};
use shoal_reference::ReferenceBackend;
use shoal_reference::llama::{LlamaConfig, LlamaShard, member_program, shards, write_checkpoint};
use shoal_weights::{Checkpoint, ProgramWeights};
use support::{Member, compile, cpu, difference, sequence, step};

/// A model with random weights in a folder of its own.
struct Model {
    config: LlamaConfig,
    directory: PathBuf,
}

impl Model {
    fn new(name: &str, config: LlamaConfig) -> Self {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&directory).unwrap();
        write_checkpoint(&config, StorageType::F32, 7, &directory).unwrap();
        Self { config, directory }
    }

    fn compile(&self, backend: &mut Backend, shard: &LlamaShard, options: &CompileOptions) -> Member {
        compile(backend, &self.directory, member_program(&self.config, shard), options)
    }

    /// The members of each stage, given by their weights, on the processor.
    fn stages(&self, stages: &[Vec<u64>], storage: StorageType, state: StateStorage) -> Vec<Vec<Member>> {
        let mut backend = open(&cpu()).unwrap();
        let mut member = |shard: &LlamaShard| self.compile(&mut backend, shard, &compile_options(state));
        shards(&self.config, stages, storage)
            .iter()
            .map(|stage| stage.iter().map(&mut member).collect())
            .collect()
    }

    fn whole(&self) -> Vec<Vec<Member>> {
        self.stages(&[vec![1]], StorageType::F32, StateStorage::F32)
    }

    /// Logits of every position of one sequence, by the reference backend.
    fn expected(&self, tokens: &[u32]) -> Vec<Vec<f32>> {
        let mut backend = Backend::export(ReferenceBackend);
        let shard = &shards(&self.config, &[vec![1]], StorageType::F32)[0][0];
        let options = CompileOptions {
            maximum_step_tokens: 600,
            ..compile_options(StateStorage::F32)
        };
        let mut stages = vec![vec![self.compile(&mut backend, shard, &options)]];
        let count = tokens.len() as u32;
        step(&mut stages, &[sequence(0, 0, count, count)], tokens)
    }
}

fn compile_options(state_storage: StateStorage) -> CompileOptions {
    CompileOptions {
        slot_count: 4,
        context_length: 600,
        state_storage,
        maximum_step_tokens: 64,
    }
}

fn tokens(count: usize, seed: u32) -> Vec<u32> {
    (0..count as u32)
        .map(|index| (index * 37 + seed * 11 + 5) % 96)
        .collect()
}

/// A prompt in two chunks, then single tokens, against the whole sequence computed at once.
fn run_sequence(model: &Model, stages: &mut [Vec<Member>], tolerance: f32) {
    let tokens = tokens(30, 1);
    let mut found = step(stages, &[sequence(2, 0, 20, 20)], &tokens[..20]);
    found.extend(step(stages, &[sequence(2, 20, 6, 6)], &tokens[20..26]));
    for position in 26..30 {
        found.extend(step(
            stages,
            &[sequence(2, position, 1, 1)],
            &tokens[position as usize..][..1],
        ));
    }
    let difference = difference(&found, &model.expected(&tokens));
    assert!(difference < tolerance, "{difference}");
}

#[test]
fn a_whole_model_is_right() {
    let model = Model::new("whole", LlamaConfig::tiny());
    for (storage, state, tolerance) in [
        (StorageType::F32, StateStorage::F32, 1e-5),
        (StorageType::F32, StateStorage::F16, 1e-2),
        (StorageType::F16, StateStorage::F16, 2e-2),
        (StorageType::Bf16, StateStorage::F16, 0.1),
        (StorageType::Q8_0, StateStorage::F16, 0.1),
    ] {
        run_sequence(&model, &mut model.stages(&[vec![1]], storage, state), tolerance);
    }
}

#[test]
fn a_model_cut_into_stages_and_uneven_members_is_right() {
    let model = Model::new("cut", LlamaConfig::tiny());
    for cut in [
        vec![vec![1], vec![1]],
        vec![vec![1, 2]],
        vec![vec![1, 1, 1], vec![2, 1]],
    ] {
        run_sequence(
            &model,
            &mut model.stages(&cut, StorageType::F32, StateStorage::F32),
            1e-5,
        );
    }
}

#[test]
fn sequences_share_steps_and_forks_share_prefixes() {
    let model = Model::new("batch", LlamaConfig::tiny());
    let mut stages = model.whole();
    let (first, second) = (tokens(9, 2), tokens(12, 3));
    let (expected_first, expected_second) = (model.expected(&first), model.expected(&second));
    // Two prompts of different length in one step; only the last row of each is asked for.
    let both: Vec<u32> = first[..5].iter().chain(&second[..7]).copied().collect();
    let found = step(&mut stages, &[sequence(0, 0, 5, 1), sequence(1, 0, 7, 1)], &both);
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
    let model = Model::new(
        "long",
        LlamaConfig {
            layers: 1,
            ..LlamaConfig::tiny()
        },
    );
    let mut stages = model.whole();
    let tokens = tokens(300, 4);
    let expected = model.expected(&tokens);
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
        // Angles of far positions are rounded to single precision.
        assert!(difference < 3e-5, "position {position}: {difference}");
    }
}

#[test]
fn misuse_is_an_error_and_leaves_the_executable_usable() {
    let model = Model::new("misuse", LlamaConfig::tiny());
    let mut stages = model.whole();
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
    run_sequence(&model, &mut stages, 1e-5);
}

#[test]
fn sizes_that_no_machine_has_are_errors() {
    let model = Model::new("sizes", LlamaConfig::tiny());
    let program = member_program(
        &model.config,
        &shards(&model.config, &[vec![1]], StorageType::F32)[0][0],
    );
    let mut backend = open(&cpu()).unwrap();
    let usual = compile_options(StateStorage::F32);
    for (options, code) in [
        (CompileOptions { slot_count: 0, ..usual }, "INTERNAL_INVALID_ARGUMENT"),
        (
            CompileOptions {
                context_length: u32::MAX,
                ..usual
            },
            "INTERNAL_INVALID_ARGUMENT",
        ),
        (
            CompileOptions {
                slot_count: 1 << 20,
                context_length: 1 << 28,
                ..usual
            },
            "BACKEND_OUT_OF_MEMORY",
        ),
        (
            CompileOptions {
                maximum_step_tokens: 1 << 20,
                context_length: 1 << 28,
                ..usual
            },
            "BACKEND_OUT_OF_MEMORY",
        ),
    ] {
        let options = serde_json::to_string(&options).unwrap();
        let weights = WeightSource::export(Nothing);
        let result = backend.compile(&program.to_json().unwrap(), &options, &weights, &mut |_, _| true);
        assert_eq!(result.err().unwrap().code, code, "{options}");
    }
}

/// A source without weights.
struct Nothing;

impl WeightSourceImplementation for Nothing {
    fn read(&self, name: &str, _: u64, _: u64, _: u32, _: &mut [u8]) -> Result<(), BackendError> {
        Err(BackendError::new("MODEL_TENSOR_MISSING", name))
    }
}

#[test]
fn a_stopped_load_and_a_missing_weight_are_errors() {
    let model = Model::new("stopped", LlamaConfig::tiny());
    let program = member_program(
        &model.config,
        &shards(&model.config, &[vec![1]], StorageType::F32)[0][0],
    );
    let options = serde_json::to_string(&compile_options(StateStorage::F16)).unwrap();
    let (mut backend, json) = (open(&cpu()).unwrap(), program.to_json().unwrap());
    let missing = backend.compile(&json, &options, &WeightSource::export(Nothing), &mut |_, _| true);
    assert_eq!(missing.err().unwrap().code, "MODEL_TENSOR_MISSING");
    let checkpoint = Arc::new(Checkpoint::open(&model.directory).unwrap());
    let weights = WeightSource::export(ProgramWeights::new(checkpoint, &program).unwrap());
    let stopped = backend.compile(&json, &options, &weights, &mut |_, _| false);
    assert_eq!(stopped.err().unwrap().code, "ABORTED");
}
