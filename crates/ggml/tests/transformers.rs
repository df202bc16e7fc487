//! Runs the member programs that the TypeScript side writes for the fixture checkpoints, and compares every logit with
//! what Hugging Face transformers computed: whole, cut into three uneven members, and two stages of two members.

#![allow(clippy::unwrap_used)] // helpers of tests

mod support;

use std::path::{Path, PathBuf};

use serde_json::Value;
use shoal_ggml::executor::open;
use shoal_program::{CompileOptions, MemberProgram, StateStorage};
use support::{Member, compile, cpu, difference, sequence, step};

/// Largest difference allowed, relative to the largest logit.
const TOLERANCE: f32 = 1e-4;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test/fixtures")
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn stages(checkpoint: &str, plan: &str) -> Vec<Vec<Member>> {
    let programs = read(&fixtures().join("programs").join(format!("{checkpoint}.{plan}.json")));
    let directory = fixtures().join("checkpoints").join(checkpoint);
    let options = CompileOptions {
        slot_count: 2,
        context_length: 96,
        state_storage: StateStorage::F32,
        maximum_step_tokens: 64,
    };
    let mut backend = open(&cpu()).unwrap();
    let mut member = |program: &Value| {
        let program = MemberProgram::parse(&program.to_string()).unwrap();
        compile(&mut backend, &directory, program, &options)
    };
    let stage = |members: &Value| members.as_array().unwrap().iter().map(&mut member).collect();
    programs.as_array().unwrap().iter().map(stage).collect()
}

fn floats(values: &Value) -> Vec<f32> {
    let values = values.as_array().unwrap().iter();
    values.map(|value| value.as_f64().unwrap() as f32).collect()
}

fn integers(values: &Value) -> Vec<u32> {
    let values = values.as_array().unwrap().iter();
    values
        .map(|value| u32::try_from(value.as_u64().unwrap()).unwrap())
        .collect()
}

/// The prompt's logits, then the greedy tokens one by one: each must be the likeliest where transformers is not in doubt.
fn check(checkpoint: &str, plan: &str) {
    let expected = read(&fixtures().join("checkpoints").join(checkpoint).join("expected.json"));
    let mut stages = stages(checkpoint, plan);
    for prompt in expected["prompts"].as_array().unwrap() {
        let ids = integers(&prompt["ids"]);
        let count = u32::try_from(ids.len()).unwrap();
        let mut found = step(&mut stages, &[sequence(0, 0, count, 1)], &ids);
        let distance = difference(&found, &[floats(&prompt["logits"])]);
        assert!(distance < TOLERANCE, "{checkpoint} {plan}: {distance}");
        let tokens = integers(&prompt["greedy"]["tokens"]);
        let margins = floats(&prompt["greedy"]["margins"]);
        for (index, (&token, &margin)) in tokens.iter().zip(&margins).enumerate() {
            let largest = found[0].iter().copied().fold(f32::MIN, f32::max);
            let chosen = found[0].iter().position(|&logit| logit >= largest).unwrap();
            if margin > largest.abs() * 2.0 * TOLERANCE {
                assert_eq!(chosen, token as usize, "{checkpoint} {plan}: token {index}");
            }
            let position = count + u32::try_from(index).unwrap();
            found = step(&mut stages, &[sequence(0, position, 1, 1)], &[token]);
        }
    }
}

#[test]
fn whole_models_agree_with_transformers() {
    check("llama-grouped-query", "whole");
    check("llama-scaled-rotation-tied", "whole");
}

#[test]
fn three_uneven_members_agree_with_transformers() {
    check("llama-grouped-query", "tensor-3");
    check("llama-scaled-rotation-tied", "tensor-3");
}

#[test]
fn two_stages_of_two_members_agree_with_transformers() {
    check("llama-grouped-query", "hybrid-2x2");
    check("llama-scaled-rotation-tied", "hybrid-2x2");
}
