//! Many Llama and Mistral configurations on ggml: against transformers in F32, F16 and BF16, against the reference backend
//! on the same quantized weights in every block type. Programs are those that the TypeScript side writes.
//!
//! Differences are the largest of a step's logits, relative to the largest logit that was expected.

#![allow(clippy::unwrap_used)] // helpers of tests

mod support;

use std::path::{Path, PathBuf};

use serde_json::Value;
use shoal_abi::backend::Backend;
use shoal_ggml::executor::open;
use shoal_program::{CompileOptions, MemberProgram, StateStorage, StorageType};
use shoal_reference::ReferenceBackend;
use support::{Member, compile, cpu, difference, generated, sequence, step};

/// How far ggml may be from transformers, and from the reference backend on the same blocks: it rounds activations to 16
/// bits, or to 8 bits for blocks.
fn tolerance(storage: StorageType) -> f32 {
    match storage {
        StorageType::F32 => 1e-4,
        StorageType::F16 | StorageType::Bf16 | StorageType::Q8_0 => 2e-2,
        _ => 6e-2,
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test/fixtures")
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// A folder that is removed when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("shoal-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Members of the plan whose programs are in this file; see [`Variant::load`].
fn load(
    backend: &mut Backend,
    programs: &str,
    storage: StorageType,
    options: &CompileOptions,
    directory: &Path,
) -> Option<Vec<Vec<Member>>> {
    let programs = read(&fixtures().join("programs").join(format!("{programs}.json")));
    let mut stages = Vec::new();
    for members in programs.as_array().unwrap() {
        let mut stage = Vec::new();
        for program in members.as_array().unwrap() {
            let mut program = MemberProgram::parse(&program.to_string()).unwrap();
            for weight in program.weights.values_mut().filter(|weight| weight.shape.len() == 2) {
                storage.bytes(weight.row_elements())?;
                weight.storage = storage;
            }
            stage.push(compile(backend, directory, program, options));
        }
        stages.push(stage);
    }
    Some(stages)
}

struct Variant {
    name: String,
    expected: Value,
}

/// All variants whose programs are there; the spelling of config.json does not reach programs.
fn variants() -> Vec<Variant> {
    let mut found: Vec<Variant> = std::fs::read_dir(fixtures().join("variants"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| Variant {
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            expected: read(&path),
        })
        .filter(|variant| !variant.name.ends_with("-older-spelling"))
        .collect();
    found.sort_by(|left, right| left.name.cmp(&right.name));
    assert!(found.len() >= 25, "{} variants", found.len());
    found
}

impl Variant {
    fn numbers(&self, field: &str) -> Vec<u32> {
        let numbers = self.expected[field].as_array().unwrap().iter();
        numbers
            .map(|number| u32::try_from(number.as_u64().unwrap()).unwrap())
            .collect()
    }

    /// The prompt's logits at the recorded positions.
    fn expected_logits(&self) -> Vec<Vec<f32>> {
        let row = |row: &Value| {
            row.as_array()
                .unwrap()
                .iter()
                .map(|value| value.as_f64().unwrap() as f32)
                .collect()
        };
        self.expected["logits"].as_array().unwrap().iter().map(row).collect()
    }

    /// Members with matrices and embeddings in a storage type; none where rows are no whole blocks of it.
    fn load(
        &self,
        backend: &mut Backend,
        plan: &str,
        storage: StorageType,
        state: StateStorage,
        directory: &Path,
    ) -> Option<Vec<Vec<Member>>> {
        let options = CompileOptions {
            slot_count: 2,
            context_length: u32::try_from(self.expected["contextLength"].as_u64().unwrap()).unwrap(),
            state_storage: state,
            maximum_step_tokens: u32::try_from(self.numbers("ids").len()).unwrap(),
        };
        load(
            backend,
            &format!("variant-{}.{plan}", self.name),
            storage,
            &options,
            directory,
        )
    }

    /// Logits of the prompt at the recorded positions: the prompt in one step, then in two with a cached half.
    fn prompt_logits(&self, stages: &mut [Vec<Member>], parts: &[usize]) -> Vec<Vec<f32>> {
        let ids = self.numbers("ids");
        let mut rows = Vec::new();
        for part in parts.windows(2) {
            let count = (part[1] - part[0]) as u32;
            let sequences = [sequence(0, part[0] as u32, count, count)];
            rows.extend(step(stages, &sequences, &ids[part[0]..part[1]]));
        }
        self.numbers("positions")
            .iter()
            .map(|position| rows[*position as usize].clone())
            .collect()
    }
}

#[test]
fn every_variant_agrees_with_transformers() {
    let mut backend = open(&cpu()).unwrap();
    let mut reference = Backend::export(ReferenceBackend);
    for variant in variants() {
        let expected = variant.expected_logits();
        let ids = variant.numbers("ids").len();
        let types = [
            (StorageType::F32, StateStorage::F32),
            (StorageType::F16, StateStorage::F16),
            (StorageType::Bf16, StateStorage::F16),
        ];
        for (storage, state) in types {
            let folder = Folder::new(&format!("{}-{}", variant.name, storage.name()));
            generated::write(&variant.expected["tensors"], storage, 0, &folder.0);
            let mut stages = variant.load(&mut backend, "whole", storage, state, &folder.0).unwrap();
            let found = variant.prompt_logits(&mut stages, &[0, ids]);
            let distance = difference(&found, &expected);
            assert!(
                distance < tolerance(storage),
                "{} {storage:?}: {distance}",
                variant.name
            );
            // The second half sees the first in the cache.
            let found = variant.prompt_logits(&mut stages, &[0, ids / 2 + 1, ids]);
            let distance = difference(&found, &expected);
            assert!(
                distance < tolerance(storage),
                "{} {storage:?}, in two steps: {distance}",
                variant.name
            );
            if storage == StorageType::F32 {
                let mut stages = variant
                    .load(&mut reference, "whole", storage, state, &folder.0)
                    .unwrap();
                let distance = difference(&variant.prompt_logits(&mut stages, &[0, ids]), &expected);
                assert!(
                    distance < tolerance(storage),
                    "{} on the reference: {distance}",
                    variant.name
                );
            }
        }
    }
}

#[test]
fn split_variants_agree_with_transformers() {
    let mut backend = open(&cpu()).unwrap();
    for variant in variants() {
        if !fixtures()
            .join("programs")
            .join(format!("variant-{}.hybrid-2x2.json", variant.name))
            .exists()
        {
            continue;
        }
        let folder = Folder::new(&format!("{}-split", variant.name));
        generated::write(&variant.expected["tensors"], StorageType::F32, 0, &folder.0);
        let stages = variant.load(
            &mut backend,
            "hybrid-2x2",
            StorageType::F32,
            StateStorage::F32,
            &folder.0,
        );
        let mut stages = stages.unwrap();
        let ids = variant.numbers("ids").len();
        let distance = difference(
            &variant.prompt_logits(&mut stages, &[0, ids]),
            &variant.expected_logits(),
        );
        assert!(distance < tolerance(StorageType::F32), "{}: {distance}", variant.name);
    }
}

#[test]
fn every_block_type_agrees_with_the_reference_backend_on_the_same_weights() {
    let mut backend = open(&cpu()).unwrap();
    let mut reference = Backend::export(ReferenceBackend);
    let mut loaded = std::collections::BTreeMap::new();
    for variant in variants() {
        let ids = variant.numbers("ids").len();
        let folder = Folder::new(&format!("{}-blocks", variant.name));
        // Matrices half as large: random ones amplify the rounding of activations, as trained ones do not.
        generated::write(&variant.expected["tensors"], StorageType::Bf16, 1, &folder.0);
        for storage in StorageType::ALL.into_iter().filter(|storage| storage.is_quantized()) {
            let Some(mut stages) = variant.load(&mut backend, "whole", storage, StateStorage::F16, &folder.0) else {
                continue;
            };
            let found = variant.prompt_logits(&mut stages, &[0, ids]);
            let mut stages = variant
                .load(&mut reference, "whole", storage, StateStorage::F32, &folder.0)
                .unwrap();
            let expected = variant.prompt_logits(&mut stages, &[0, ids]);
            let distance = difference(&found, &expected);
            assert!(
                distance < tolerance(storage),
                "{} {}: {distance}",
                variant.name,
                storage.name()
            );
            *loaded.entry(storage.name()).or_insert(0) += 1;
        }
    }
    assert_eq!(loaded.len(), 9, "{loaded:?}");
    assert!(loaded["q8_0"] >= 20 && loaded["q4_0"] >= 20, "{loaded:?}");
}

#[test]
fn a_trained_model_agrees_with_the_reference_backend_in_every_block_type() {
    let directory = fixtures().join("../../models/shoal-tiny-chat");
    let mut backend = open(&cpu()).unwrap();
    let mut reference = Backend::export(ReferenceBackend);
    let ids: Vec<u32> = (0..64).map(|index| (37 * index + 11) % 768).collect();
    let count = u32::try_from(ids.len()).unwrap();
    let logits = |backend: &mut Backend, storage, state| {
        let options = CompileOptions {
            slot_count: 1,
            context_length: 96,
            state_storage: state,
            maximum_step_tokens: count,
        };
        let mut stages = load(backend, "shoal-tiny-chat.whole", storage, &options, &directory)?;
        Some(step(&mut stages, &[sequence(0, 0, count, count)], &ids))
    };
    for storage in StorageType::ALL {
        let Some(found) = logits(&mut backend, storage, StateStorage::F16) else {
            assert_eq!(storage.block_elements(), 256, "{storage:?}");
            continue;
        };
        let expected = logits(&mut reference, storage, StateStorage::F32).unwrap();
        let distance = difference(&found, &expected);
        let allowed = tolerance(storage).max(2e-2);
        assert!(distance < allowed, "{}: {distance}", storage.name());
    }
}
