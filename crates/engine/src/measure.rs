//! How fast a device computes: timed on its own kernels, through the tables that members use, with weights laid out as a
//! member's are.
//!
//! Two programs stand for all others. Decoding is one row through many matrices, more bytes than caches hold; reading a
//! prompt is many rows through two of them. A third one, of operations without weights, shows what an operation costs
//! by itself, and a fourth what rows pay for the positions that they attend to.

use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Value, json};
use shoal_abi::backend::{
    Backend, BackendError, Executable, SlotOperation, Step, StepSequenceView, WeightSource, WeightSourceImplementation,
};
use shoal_program::{CompileOptions, StateStorage, StorageType};
use shoal_weights::encode_row;

use crate::error::EngineError;

/// Columns of the hidden state and of the wider one between two matrices: multiples of every storage block and tile.
const WIDTH: u64 = 2048;
const WIDE: u64 = 4096;
/// Rows of a prompt: enough that the matrices are read seldom against the arithmetic.
const PROMPT_ROWS: u32 = 128;
/// Operations of the program without weights.
const BARE_OPERATIONS: usize = 256;
/// Heads of queries and of keys in the program of attention, as many models have them, its positions, and rows of its
/// largest step. More layers or positions would give the same figures (within a tenth up to 4096), only later.
const QUERY_HEADS: u64 = 32;
const KEY_HEADS: u64 = 8;
const ATTENTION_POSITIONS: u32 = 512;
const ATTENTION_ROWS: u32 = 256;
/// Rounds that are timed: at least so many, whatever time they take.
const LEAST_ROUNDS: usize = 3;
const MOST_ROUNDS: usize = 200;

/// What to measure with.
#[derive(Debug, Clone, Copy)]
pub struct MeasureOptions {
    /// How the weights are stored.
    pub storage: StorageType,
    /// Bytes of weights to decode through, about: several times what the device's caches hold.
    pub weight_bytes: u64,
    /// Time for the rounds of each of the two programs, beside loading them.
    pub duration: Duration,
}

/// How fast a device is with one storage type.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MeasuredRates {
    /// Bytes of weights, as stored, that one row goes through in a second.
    pub decode_bytes_per_second: f64,
    /// Floating-point operations in a second with many rows.
    pub prefill_operations_per_second: f64,
}

/// How fast rows attend to stored keys and values, in half precision: floating-point operations in a second, four for each
/// element of a query head and each position that its row sees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MeasuredAttention {
    /// For one row.
    pub decode_operations_per_second: f64,
    /// For many rows of one sequence.
    pub prefill_operations_per_second: f64,
}

/// Times both ways of using weights. `go_on` is asked between pieces of work.
///
/// # Errors
/// Those of the backend; `ABORTED` when `go_on` says no.
pub fn measure_rates(
    backend: &mut Backend,
    options: MeasureOptions,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<MeasuredRates, EngineError> {
    let pair_bytes = 2 * options.storage.bytes(WIDTH * WIDE).unwrap_or(WIDTH * WIDE);
    let pairs = options.weight_bytes.div_ceil(pair_bytes).clamp(1, 256);
    let decode = {
        let mut runner = Runner::compile(backend, &products(pairs, options.storage), options.storage, 1, go_on)?;
        runner.undisturbed_seconds(options.duration, go_on)?
    };
    let prefill = {
        let mut runner = Runner::compile(
            backend,
            &products(1, options.storage),
            options.storage,
            PROMPT_ROWS,
            go_on,
        )?;
        runner.undisturbed_seconds(options.duration, go_on)?
    };
    let operations = 2.0 * (2 * WIDTH * WIDE) as f64 * f64::from(PROMPT_ROWS);
    Ok(MeasuredRates {
        decode_bytes_per_second: (pairs * pair_bytes) as f64 / decode,
        prefill_operations_per_second: operations / prefill,
    })
}

/// What an operation costs in a step of one row, in seconds, beside the weights that it reads.
///
/// # Errors
/// As for [`measure_rates`].
pub fn measure_operation_overhead(
    backend: &mut Backend,
    duration: Duration,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<f64, EngineError> {
    let mut runner = Runner::compile(backend, &bare_operations(), StorageType::F32, 1, go_on)?;
    Ok(runner.undisturbed_seconds(duration, go_on)? / BARE_OPERATIONS as f64)
}

/// Times attention with heads of one size.
///
/// # Errors
/// As for [`measure_rates`].
pub fn measure_attention(
    backend: &mut Backend,
    head_size: u64,
    duration: Duration,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<MeasuredAttention, EngineError> {
    let per_position = (4 * QUERY_HEADS * head_size) as f64;
    let positions = f64::from(ATTENTION_POSITIONS);
    let options = CompileOptions {
        slot_count: 1,
        context_length: ATTENTION_POSITIONS,
        state_storage: StateStorage::F16,
        maximum_step_tokens: ATTENTION_ROWS,
    };
    let mut runner = Runner::open(backend, &attention(head_size), options, StorageType::F32, go_on)?;
    let prompt = runner.undisturbed_seconds(duration, go_on)?;
    // Rows of the last part of a prompt, which see all that is before them and a half of their own part.
    let seen = f64::from(ATTENTION_ROWS) * (positions - f64::from(ATTENTION_ROWS) / 2.0);
    runner.rows = 1;
    runner.position = ATTENTION_POSITIONS - 1;
    runner.step()?;
    let token = runner.undisturbed_seconds(duration, go_on)?;
    Ok(MeasuredAttention {
        decode_operations_per_second: per_position * positions / token,
        prefill_operations_per_second: per_position * seen / prompt,
    })
}

/// A layer of nothing but attention.
fn attention(head_size: u64) -> Value {
    let (width, key_width) = (QUERY_HEADS * head_size, KEY_HEADS * head_size);
    let (mut operations, mut values) = (Vec::new(), json!({}));
    for (name, columns) in [
        ("input", width),
        ("key", key_width),
        ("value", key_width),
        ("output", width),
    ] {
        values[name] = json!({"width": columns, "rows": "tokens"});
    }
    for (name, from) in [("key", 0), ("value", key_width)] {
        operations.push(json!({"op": "slice", "input": "input", "from": from, "to": from + key_width, "output": name}));
    }
    operations.push(json!({
        "op": "attention", "query": "input", "key": "key", "value": "value", "state": "seen", "headSize": head_size,
        "scale": 0.125, "output": "output",
    }));
    let mut whole = program("output", json!({}), values, operations);
    whole["input"]["width"] = json!(width);
    whole["states"] =
        json!({"seen": {"kind": "key-value", "layer": 0, "keyWidth": key_width, "valueWidth": key_width}});
    whole
}

/// A program of `pairs` pairs of matrices, up and down again as in a feed-forward, all on the same input and added up: in
/// a chain numbers would grow or vanish, and numbers near 0 are slow on some processors.
fn products(pairs: u64, storage: StorageType) -> Value {
    let (mut weights, mut operations, mut values) = (json!({}), Vec::new(), values());
    let matrix = |rows: u64, columns: u64| {
        let source = json!({"kind": "tensor", "name": "noise"});
        json!({"shape": [rows, columns], "source": source, "role": "matrix", "storage": storage.name()})
    };
    let mut sum = "input".to_owned();
    for pair in 0..pairs {
        let [up, down, wide, narrow, next] =
            ["up", "down", "wide", "narrow", "sum"].map(|name| format!("{name}{pair}"));
        weights[&up] = matrix(WIDE, WIDTH);
        weights[&down] = matrix(WIDTH, WIDE);
        values[&wide] = json!({"width": WIDE, "rows": "tokens"});
        values[&narrow] = json!({"width": WIDTH, "rows": "tokens"});
        values[&next] = json!({"width": WIDTH, "rows": "tokens"});
        operations.push(json!({"op": "linear", "input": "input", "weight": up, "output": wide}));
        operations.push(json!({"op": "linear", "input": wide, "weight": down, "output": narrow}));
        operations.push(json!({"op": "add", "left": sum, "right": narrow, "output": next}));
        sum = next;
    }
    program(&sum, weights, values, operations)
}

/// A program of small operations on one row, as they stand between the matrices of a layer.
fn bare_operations() -> Value {
    let (mut operations, mut values) = (Vec::new(), values());
    let mut last = "input".to_owned();
    for index in 0..BARE_OPERATIONS {
        let next = format!("value{index}");
        values[&next] = json!({"width": WIDTH, "rows": "tokens"});
        operations.push(if index % 2 == 0 {
            json!({"op": "rms-norm", "input": last, "epsilon": 1e-5, "output": next})
        } else {
            json!({"op": "add", "left": last, "right": "input", "output": next})
        });
        last = next;
    }
    program(&last, json!({}), values, operations)
}

fn values() -> Value {
    json!({"input": {"width": WIDTH, "rows": "tokens"}})
}

fn program(output: &str, weights: Value, values: Value, operations: Vec<Value>) -> Value {
    json!({
        "programVersion": shoal_program::PROGRAM_VERSION, "family": "measurement", "layers": [0, 1],
        "member": 0, "memberCount": 1,
        "input": {"kind": "hidden", "value": "input", "width": WIDTH},
        "output": {"kind": "hidden", "value": output},
        "boundaryValues": ["input", output],
        "values": values, "weights": weights, "states": {},
        "segments": [{"operations": operations}],
    })
}

/// A compiled program and the steps that it is run in.
struct Runner {
    executable: Executable,
    rows: u32,
    /// Of the first row; what is stored before stays.
    position: u32,
    steps: u64,
}

impl Runner {
    fn compile(
        backend: &mut Backend,
        program: &Value,
        storage: StorageType,
        rows: u32,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Self, EngineError> {
        let options = CompileOptions {
            slot_count: 1,
            context_length: rows,
            state_storage: StateStorage::F32,
            maximum_step_tokens: rows,
        };
        Self::open(backend, program, options, storage, go_on)
    }

    /// Fills the context in the largest steps there are: the first one builds graphs, wakes threads and touches memory.
    fn open(
        backend: &mut Backend,
        program: &Value,
        options: CompileOptions,
        storage: StorageType,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Self, EngineError> {
        let (rows, context_length) = (options.maximum_step_tokens, options.context_length);
        let options = serde_json::to_string(&options)
            .map_err(|error| EngineError::new("INTERNAL", format!("compile options: {error}")))?;
        let source = WeightSource::export(Noise::new(storage));
        let executable = backend.compile(&program.to_string(), &options, &source, &mut |_, _| go_on())?;
        let mut runner = Self {
            executable,
            rows,
            position: 0,
            steps: 0,
        };
        for position in (0..context_length).step_by(rows.max(1) as usize) {
            runner.position = position;
            runner.step()?;
        }
        Ok(runner)
    }

    /// Seconds of a step that nothing disturbed, of four the quickest: what else a machine does only ever makes steps
    /// slower, and the very quickest of many is luck that no answer has all the time.
    fn undisturbed_seconds(&mut self, duration: Duration, go_on: &mut dyn FnMut() -> bool) -> Result<f64, EngineError> {
        let started = Instant::now();
        let mut seconds = Vec::new();
        while seconds.len() < LEAST_ROUNDS || (started.elapsed() < duration && seconds.len() < MOST_ROUNDS) {
            if !go_on() {
                return Err(EngineError::new("ABORTED", "the measurement was given up"));
            }
            seconds.push(self.step()?.as_secs_f64());
        }
        seconds.sort_unstable_by(f64::total_cmp);
        Ok(seconds[seconds.len() / 4].max(f64::MIN_POSITIVE))
    }

    fn step(&mut self) -> Result<Duration, BackendError> {
        self.executable.slot_operation(SlotOperation::Truncate {
            slot: 0,
            length: self.position,
        })?;
        self.steps += 1;
        let sequences = [StepSequenceView {
            slot: 0,
            start_position: self.position,
            token_count: self.rows,
            output_rows: 0,
        }];
        let tokens = vec![0; self.rows as usize];
        let started = Instant::now();
        self.executable.begin_step(&Step {
            number: self.steps,
            sequences: &sequences,
            tokens: &tokens,
        })?;
        self.executable.with_value(0, |input| input.fill(0.5))?;
        self.executable.execute(0)?;
        // Devices that compute later than they are asked to have done so when the result can be seen.
        self.executable.with_value(1, |_| ())?;
        self.executable.end_step()?;
        Ok(started.elapsed())
    }
}

/// Valid weights of small size: how fast a product is does not depend on its numbers, as long as they are ordinary.
struct Noise {
    storage: StorageType,
    /// Some blocks, which are repeated: encoding all of them would take longer than measuring.
    pattern: Vec<u8>,
}

const PATTERN_ELEMENTS: u64 = 4096;

impl Noise {
    fn new(storage: StorageType) -> Self {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let numbers: Vec<f32> = (0..PATTERN_ELEMENTS)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 40) as f32 / (1 << 24) as f32 * 0.04 - 0.02
            })
            .collect();
        let bytes = PATTERN_ELEMENTS / storage.block_elements() * storage.block_bytes();
        let mut pattern = vec![0; bytes as usize];
        encode_row(&numbers, storage, &mut pattern);
        Self { storage, pattern }
    }
}

impl WeightSourceImplementation for Noise {
    fn read(&self, _: &str, _: u64, _: u64, storage: u32, into: &mut [u8]) -> Result<(), BackendError> {
        if storage != self.storage.number() {
            return Err(BackendError::new(
                shoal_abi::ErrorCode::InvalidArgument.name(),
                format!(
                    "these weights are stored as {}, not under number {storage}",
                    self.storage.name()
                ),
            ));
        }
        for part in into.chunks_mut(self.pattern.len()) {
            part.copy_from_slice(&self.pattern[..part.len()]);
        }
        Ok(())
    }
}
