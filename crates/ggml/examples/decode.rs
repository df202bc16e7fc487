//! Decode and prefill speed of a random Llama-3.2-1B shape through the executor, without the engine around it.
//!
//! `cargo run --release -p shoal-ggml --example decode -- --storage q4_0 --threads 1 [--layers 16] [--head] [--segments]
//! [--variant x64] [--position 127] [--steps 40] [--prefill 512]`

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a program for developers

use std::time::Instant;

use shoal_abi::backend::{
    BackendError, Executable, SlotOperation, Step, StepSequenceView, WeightSource, WeightSourceImplementation,
};
use shoal_ggml::LoadOptions;
use shoal_ggml::executor::{OpenOptions, open};
use shoal_program::{CompileOptions, MemberProgram, StateStorage, StorageType};
use shoal_reference::llama::{LlamaConfig, member_program, shards};
use shoal_weights::encode_row;

/// Bytes that are valid weights of small size in any storage type; their values do not matter here.
struct Noise;

impl WeightSourceImplementation for Noise {
    fn read(&self, _: &str, first: u64, _: u64, storage: u32, into: &mut [u8]) -> Result<(), BackendError> {
        let mut state = first.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let small = |bits: u64| (bits >> 40) as f32 / (1 << 24) as f32 * 0.04 - 0.02;
        match StorageType::from_number(storage).unwrap() {
            StorageType::F32 => {
                into.chunks_exact_mut(4)
                    .for_each(|bytes| bytes.copy_from_slice(&small(next()).to_le_bytes()));
            }
            StorageType::Bf16 => into.chunks_exact_mut(2).for_each(|bytes| {
                bytes.copy_from_slice(&((small(next()).to_bits() >> 16) as u16).to_le_bytes());
            }),
            // Half-precision numbers and scales of about 2⁻⁷.
            StorageType::F16 => into.chunks_exact_mut(2).for_each(|bytes| {
                bytes.copy_from_slice(&(0x2000 | (next() as u16 & 0x83FF)).to_le_bytes());
            }),
            // One block over and over: how fast a product is does not depend on its numbers.
            blocks => {
                let numbers: Vec<f32> = (0..blocks.block_elements()).map(|_| small(next())).collect();
                let mut block = vec![0; blocks.block_bytes() as usize];
                encode_row(&numbers, blocks, &mut block);
                into.chunks_exact_mut(block.len())
                    .for_each(|bytes| bytes.copy_from_slice(&block));
            }
        }
        Ok(())
    }
}

fn main() {
    let argument = |name: &str| {
        let mut arguments = std::env::args().skip_while(|argument| argument != name);
        arguments.next().map(|_| arguments.next().unwrap_or_default())
    };
    let number = |name: &str, default: usize| argument(name).map_or(default, |text| text.parse().unwrap());
    let storage = argument("--storage").unwrap_or_else(|| "q4_0".to_owned());
    let storage = StorageType::ALL
        .into_iter()
        .find(|known| known.name() == storage)
        .unwrap();
    let (threads, steps) = (number("--threads", 1), number("--steps", 40));
    let (position, prefill) = (number("--position", 127), number("--prefill", 512));
    let whole = LlamaConfig::llama_3_2_1b();
    let vocabulary = if argument("--head").is_some() {
        whole.vocabulary
    } else {
        256
    };
    let config = LlamaConfig {
        layers: number("--layers", 16) as u64,
        vocabulary,
        ..whole
    };
    let mut shard = shards(&config, &[vec![1]], storage)[0][0].clone();
    // With `--segments` the same work is cut at the borders that two tensor members would have.
    shard.member_count = if argument("--segments").is_some() { 2 } else { 1 };
    let program = member_program(&config, &shard);
    let open_options = OpenOptions {
        library: LoadOptions {
            cpu_variant: argument("--variant"),
            ..LoadOptions::default()
        },
        device: "CPU".to_owned(),
        threads: Some(threads),
    };
    let options = CompileOptions {
        slot_count: 1,
        context_length: 1024,
        state_storage: StateStorage::F16,
        maximum_step_tokens: 512,
    };
    let started = Instant::now();
    let mut backend = open(&open_options).unwrap();
    let options = serde_json::to_string(&options).unwrap();
    let source = WeightSource::export(Noise);
    let mut executable = backend
        .compile(&program.to_json().unwrap(), &options, &source, &mut |_, _| true)
        .unwrap();
    let bytes = executable.statistics().unwrap().weight_bytes;
    println!(
        "compiled in {:.1} s, {:.0} MB of weights",
        started.elapsed().as_secs_f64(),
        bytes as f64 / 1e6
    );

    let mut runner = Runner {
        program: &program,
        executable: &mut executable,
        number: 0,
    };
    if prefill > 0 {
        let mut best = f64::MAX;
        for _ in 0..3 {
            runner
                .executable
                .slot_operation(SlotOperation::Free { slot: 0 })
                .unwrap();
            best = best.min(runner.step(0, prefill));
        }
        println!(
            "prefill {prefill}: {:.1} ms, {:.0} tokens/s",
            best * 1e3,
            prefill as f64 / best
        );
    }
    runner
        .executable
        .slot_operation(SlotOperation::Free { slot: 0 })
        .unwrap();
    runner.step(0, position);
    let mut processor_times = Vec::new();
    let mut times: Vec<f64> = (0..steps)
        .map(|_| {
            runner
                .executable
                .slot_operation(SlotOperation::Truncate {
                    slot: 0,
                    length: position as u32,
                })
                .unwrap();
            let before = processor_seconds();
            let time = runner.step(position, 1);
            processor_times.push(processor_seconds() - before);
            time
        })
        .collect();
    times.sort_by(f64::total_cmp);
    processor_times.sort_by(f64::total_cmp);
    let (best, median) = (times[0], times[times.len() / 2]);
    println!(
        "decode at {position}: best {:.2} ms, median {:.2} ms, {:.1} GB/s at best; this thread computed for {:.2} ms at \
         best, {:.2} ms at the median",
        best * 1e3,
        median * 1e3,
        bytes as f64 / best / 1e9,
        processor_times[0] * 1e3,
        processor_times[processor_times.len() / 2] * 1e3
    );
}

/// Seconds that this thread has been on a processor, which a busy machine disturbs less; 0 where the system does not say.
fn processor_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ')
        .next()
        .and_then(|number| number.parse::<f64>().ok())
        .unwrap_or(0.0)
        / 1e9
}

struct Runner<'run> {
    program: &'run MemberProgram,
    executable: &'run mut Executable,
    number: u64,
}

impl Runner<'_> {
    /// Seconds for one step of `count` tokens; the last one's logits are computed.
    fn step(&mut self, start: usize, count: usize) -> f64 {
        let tokens: Vec<u32> = (0..count as u32).map(|index| index % 256).collect();
        let sequence = StepSequenceView {
            slot: 0,
            start_position: start as u32,
            token_count: count as u32,
            output_rows: 1,
        };
        self.number += 1;
        let started = Instant::now();
        let step = Step {
            number: self.number,
            sequences: &[sequence],
            tokens: &tokens,
        };
        self.executable.begin_step(&step).unwrap();
        for segment in 0..self.program.segments.len() {
            self.executable.execute(segment as u32).unwrap();
        }
        self.executable.end_step().unwrap();
        started.elapsed().as_secs_f64()
    }
}
