//! How weights get to a device: in pieces that come together, with smooth progress, and nothing left after a stop.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests are tests")]

use std::sync::{Mutex, PoisonError};

use serde_json::json;
use shoal_abi::backend::{
    Backend, BackendError, Executable, Step, StepSequenceView, WeightSource, WeightSourceImplementation,
};
use shoal_ggml::executor::{OpenOptions, open};
use shoal_program::{MemberProgram, StorageType};
use shoal_reference::ReferenceBackend;
use shoal_weights::encode_row;

/// One test at a time: one of them looks at the memory of the whole process.
static ALONE: Mutex<()> = Mutex::new(());

const INPUTS: u64 = 512;
const HIDDEN: u64 = 64;

/// Rows whose numbers follow from the weight's name and their place.
struct Noise;

impl WeightSourceImplementation for Noise {
    fn read(&self, name: &str, first_row: u64, rows: u64, storage: u32, into: &mut [u8]) -> Result<(), BackendError> {
        let storage = StorageType::from_number(storage).unwrap();
        let row_bytes = into.len() / rows as usize;
        let width = row_bytes as u64 / storage.block_bytes() * storage.block_elements();
        for (row, bytes) in into.chunks_exact_mut(row_bytes).enumerate() {
            let seed = (first_row + row as u64).wrapping_mul(0x9e37_79b9) ^ name.len() as u64;
            let values: Vec<f32> = (0..width)
                .map(|column| {
                    let mixed = (seed ^ column).wrapping_mul(0xff51_afd7_ed55_8ccd) >> 40;
                    mixed as f32 / (1 << 23) as f32 - 1.0
                })
                .collect();
            encode_row(&values, storage, bytes);
        }
        Ok(())
    }
}

/// Looks up a row of `INPUTS` numbers, multiplies it with `outputs` rows in the storage type.
fn program(outputs: u64, storage: StorageType) -> MemberProgram {
    let program = json!({
        "programVersion": 1, "family": "test", "layers": [0, 1], "member": 0, "memberCount": 1,
        "input": {"kind": "tokens"},
        "output": {"kind": "hidden", "value": "product"},
        "values": {"row": {"width": INPUTS, "rows": "tokens"}, "product": {"width": outputs, "rows": "tokens"}},
        "boundaryValues": ["product"],
        "weights": {
            "table": {"shape": [HIDDEN, INPUTS], "source": {"kind": "tensor", "name": "t"}, "role": "embedding", "storage": "f32"},
            "matrix": {"shape": [outputs, INPUTS], "source": {"kind": "tensor", "name": "m"}, "role": "matrix", "storage": storage.name()},
        },
        "states": {},
        "segments": [{"operations": [
            {"op": "embedding", "weight": "table", "output": "row"},
            {"op": "linear", "input": "row", "weight": "matrix", "output": "product"},
        ]}],
    });
    MemberProgram::parse(&program.to_string()).unwrap()
}

/// Looks up a row of `INPUTS` numbers, multiplies it with the rows of the same table; held as one weight or as two.
fn tied_program(rows: u64, storage: StorageType, is_one_weight: bool) -> MemberProgram {
    let weight = |role: &str| {
        let source = json!({"kind": "tensor", "name": "t"});
        json!({"shape": [rows, INPUTS], "source": source, "role": role, "storage": storage.name()})
    };
    // Names of one length have the same numbers.
    let (mut weights, head) = (
        json!({"table": weight("embedding")}),
        if is_one_weight { "table" } else { "other" },
    );
    weights[head] = weight("embedding");
    let program = json!({
        "programVersion": 1, "family": "test", "layers": [0, 1], "member": 0, "memberCount": 1,
        "input": {"kind": "tokens"},
        "output": {"kind": "hidden", "value": "product"},
        "values": {"row": {"width": INPUTS, "rows": "tokens"}, "product": {"width": rows, "rows": "tokens"}},
        "boundaryValues": ["product"],
        "weights": weights,
        "states": {},
        "segments": [{"operations": [
            {"op": "embedding", "weight": "table", "output": "row"},
            {"op": "linear", "input": "row", "weight": head, "output": "product"},
        ]}],
    });
    MemberProgram::parse(&program.to_string()).unwrap()
}

fn compile(
    backend: &mut Backend,
    program: &MemberProgram,
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<Executable, BackendError> {
    let options = r#"{"slotCount":1,"contextLength":16,"stateStorage":"f16","maximumStepTokens":4}"#;
    backend.compile(
        &program.to_json().unwrap(),
        options,
        &WeightSource::export(Noise),
        progress,
    )
}

fn product(executable: &mut Executable) -> Vec<f32> {
    let sequences = [StepSequenceView {
        slot: 0,
        start_position: 0,
        token_count: 2,
        output_rows: 0,
    }];
    let step = Step {
        number: 1,
        sequences: &sequences,
        tokens: &[3, 11],
    };
    executable.begin_step(&step).unwrap();
    executable.execute(0).unwrap();
    let product = executable.with_value(0, |values| values.to_vec()).unwrap();
    executable.end_step().unwrap();
    product
}

fn cpu(threads: usize) -> Backend {
    open(&OpenOptions {
        device: "CPU".to_owned(),
        threads: Some(threads),
        ..OpenOptions::default()
    })
    .unwrap()
}

#[test]
fn matrices_of_many_pieces_multiply_as_whole_ones() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    // Of the last size a remainder of rows does not fill a tile.
    for (storage, outputs) in [
        (StorageType::Q4_0, 8192 + 24),
        (StorageType::Q4K, 8192 + 24),
        (StorageType::Mxfp4, 8192 + 8),
        (StorageType::Q8_0, 4100),
        (StorageType::Bf16, 2051),
    ] {
        let program = program(outputs, storage);
        let mut seen = Vec::new();
        let mut progress = |done, total| {
            seen.push((done, total));
            true
        };
        let found = product(&mut compile(&mut cpu(2), &program, &mut progress).unwrap());
        let total = HIDDEN * INPUTS * 4 + outputs * storage.bytes(INPUTS).unwrap();
        assert!(seen.iter().all(|(_, all)| *all == total), "{storage:?}");
        assert!(seen.is_sorted(), "{storage:?}: {seen:?}");
        assert_eq!(seen.last(), Some(&(total, total)));
        let mut reference = Backend::export(ReferenceBackend);
        let expected = product(&mut compile(&mut reference, &program, &mut |_, _| true).unwrap());
        let largest = expected.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let error = (found - expected).abs() / largest;
            assert!(
                error < 1e-2,
                "{storage:?}, output {index}: {found} instead of {expected}"
            );
        }
    }
}

/// A tied embedding gives the numbers of two weights, bit for bit, in the memory of one.
#[test]
fn a_tied_table_is_held_once() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut saved = 0;
    for storage in StorageType::ALL {
        // The second number of rows does not fill tiles, so that rows cannot be read back where they are rearranged.
        for rows in [1024, 1024 + 8] {
            let mut backend = cpu(2);
            let mut run = |is_one_weight| {
                let program = tied_program(rows, storage, is_one_weight);
                let mut executable = compile(&mut backend, &program, &mut |_, _| true).unwrap();
                let product = product(&mut executable);
                let bits: Vec<u32> = product.iter().map(|number| number.to_bits()).collect();
                (bits, executable.statistics().unwrap().weight_bytes)
            };
            let ((one, one_bytes), (two, two_bytes)) = (run(true), run(false));
            assert_eq!(one, two, "{storage:?}, {rows} rows");
            assert!(one_bytes <= two_bytes, "{storage:?}, {rows} rows");
            let stored = rows * storage.bytes(INPUTS).unwrap();
            if one_bytes + stored / 2 < two_bytes {
                saved += 1;
            }
            // Where nothing is rearranged, and in the types that all processors' kernels rearrange alike.
            if rows == 1024 && matches!(storage, StorageType::F32 | StorageType::Q4_0 | StorageType::Q8_0) {
                assert!(
                    one_bytes + stored / 2 < two_bytes,
                    "{storage:?}: {one_bytes} and {two_bytes} bytes"
                );
            }
        }
    }
    assert!(saved >= 3, "{saved} types were held once");
}

/// Resident bytes that belong to no file.
#[cfg(target_os = "linux")]
fn anonymous_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

#[cfg(target_os = "linux")]
#[test]
fn a_load_that_is_stopped_gives_its_memory_back() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    // 128 MiB of BF16.
    let program = program(131_072, StorageType::Bf16);
    let before = anonymous_bytes();
    let mut at_stop = 0;
    let mut progress = |done: u64, total: u64| {
        at_stop = anonymous_bytes();
        done < total / 2
    };
    let error = compile(&mut cpu(2), &program, &mut progress).unwrap_err();
    assert_eq!(error.code, "ABORTED", "{error}");
    let after = anonymous_bytes();
    assert!(
        at_stop > before + (48 << 20),
        "half of the matrix was there: {before} {at_stop}"
    );
    assert!(after < before + (16 << 20), "{before} bytes before, {after} after");
}
