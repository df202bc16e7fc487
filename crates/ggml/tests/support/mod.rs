//! Runs stages of members in one thread, exchanging values as the engine does.

#![allow(dead_code)] // each test file uses its part

pub mod generated;

use std::path::Path;
use std::sync::Arc;

use shoal_abi::backend::{Backend, Executable, Step, StepSequenceView, WeightSource};
use shoal_ggml::executor::OpenOptions;
use shoal_program::{Communication, CompileOptions, MemberProgram, ProgramInput};
use shoal_weights::{Checkpoint, ProgramWeights};

/// One member of a stage.
pub struct Member {
    pub program: MemberProgram,
    pub executable: Executable,
}

/// Compiles a member of a checkpoint.
pub fn compile(backend: &mut Backend, directory: &Path, program: MemberProgram, options: &CompileOptions) -> Member {
    let checkpoint = Arc::new(Checkpoint::open(directory).unwrap());
    let weights = WeightSource::export(ProgramWeights::new(checkpoint, &program).unwrap());
    let (json, options) = (program.to_json().unwrap(), serde_json::to_string(options).unwrap());
    let mut last = (0, 0);
    let mut progress = |loaded, total| {
        last = (loaded, total);
        true
    };
    let executable = backend.compile(&json, &options, &weights, &mut progress).unwrap();
    assert_eq!(last.0, last.1);
    Member { program, executable }
}

pub fn cpu() -> OpenOptions {
    OpenOptions {
        device: "CPU".to_owned(),
        threads: Some(1),
        ..OpenOptions::default()
    }
}

/// Runs a step over pipeline stages of tensor members, exchanging values as the engine does.
pub fn step(stages: &mut [Vec<Member>], sequences: &[StepSequenceView], tokens: &[u32]) -> Vec<Vec<f32>> {
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

pub fn sequence(slot: u32, start_position: u32, token_count: u32, output_rows: u32) -> StepSequenceView {
    StepSequenceView {
        slot,
        start_position,
        token_count,
        output_rows,
    }
}

/// Largest difference, relative to the largest logit of the reference.
pub fn difference(found: &[Vec<f32>], expected: &[Vec<f32>]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let scale = expected
        .iter()
        .flatten()
        .fold(0.0_f32, |largest, logit| largest.max(logit.abs()));
    let pairs = found.iter().flatten().zip(expected.iter().flatten());
    pairs.fold(0.0_f32, |largest, (found, expected)| {
        largest.max((found - expected).abs())
    }) / scale
}
