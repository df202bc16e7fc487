//! Checkpoints whose tensors hold quantized blocks: written, listed, read in parts.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use std::sync::Arc;

use serde_json::json;
use shoal_program::{MemberProgram, StorageType};
use shoal_weights::{
    Checkpoint, Conversion, ElementType, ErrorCode, ProgramWeights, WeightError, convert_checkpoint, decode_row,
    encode_row,
};
use support::{Folder, write_checkpoint};

const ROWS: u64 = 6;
const COLUMNS: u64 = 512;

/// A program with one weight of this source and shape; nothing else of it matters here.
fn program(source: &serde_json::Value, shape: &[u64], storage: StorageType) -> MemberProgram {
    let program = json!({
        "programVersion": 1, "family": "test", "layers": [0, 0], "member": 0, "memberCount": 1,
        "input": {"kind": "tokens"}, "output": {"kind": "hidden", "value": "out"},
        "values": {"out": {"width": shape[shape.len() - 1], "rows": "tokens"}}, "boundaryValues": ["out"],
        "weights": {"w": {"shape": shape, "source": source, "role": "embedding", "storage": storage.name()}},
        "states": {}, "segments": [{"operations": [{"op": "embedding", "weight": "w", "output": "out"}]}],
    });
    MemberProgram::parse(&program.to_string()).unwrap()
}

fn read(
    folder: &Folder,
    source: &serde_json::Value,
    shape: &[u64],
    storage: StorageType,
) -> Result<Vec<u8>, WeightError> {
    let checkpoint = Arc::new(Checkpoint::open(folder.path()).unwrap());
    let weights = ProgramWeights::new(checkpoint, &program(source, shape, storage))?;
    let mut bytes = vec![0; (shape[0] * storage.bytes(shape[1]).unwrap()) as usize];
    weights.read("w", 0, shape[0], storage, &mut bytes)?;
    Ok(bytes)
}

/// A checkpoint of matrix `m` and vector `v` in F32, and the same with the matrix in blocks.
fn quantized(storage: StorageType) -> (Folder, Folder) {
    let (plain, blocks) = (Folder::new(), Folder::new());
    write_checkpoint(
        &plain,
        "model.safetensors",
        &[
            ("m", StorageType::F32, &[ROWS, COLUMNS]),
            ("v", StorageType::Bf16, &[3]),
            ("unused", StorageType::F32, &[5]),
        ],
    );
    let checkpoint = Checkpoint::open(plain.path()).unwrap();
    let conversion = |tensor: &str, storage| Conversion {
        tensor: tensor.to_owned(),
        storage,
    };
    let conversions = [conversion("m", Some(storage)), conversion("v", None)];
    let mut seen = Vec::new();
    let mut progress = |written, total| {
        seen.push((written, total));
        true
    };
    let output = blocks.path().join("model.safetensors");
    convert_checkpoint(&checkpoint, &conversions, 3, &output, &mut progress).unwrap();
    let total = ROWS * storage.bytes(COLUMNS).unwrap() + 6;
    assert_eq!(seen.first(), Some(&(0, total)));
    assert_eq!(seen.last(), Some(&(total, total)));
    (plain, blocks)
}

#[test]
fn converted_tensors_have_the_bits_of_quantizing_while_loading() {
    for storage in StorageType::ALL.into_iter().filter(|storage| storage.is_quantized()) {
        let (plain, blocks) = quantized(storage);
        let checkpoint = Checkpoint::open(blocks.path()).unwrap();
        assert_eq!(checkpoint.tensor_names().collect::<Vec<_>>(), ["m", "v"]);
        let tensor = checkpoint.tensor("m").unwrap();
        assert_eq!(tensor.element_type, &ElementType::Float(storage));
        assert_eq!(tensor.shape, [ROWS, COLUMNS]);
        assert_eq!(
            checkpoint.tensor("v").unwrap().element_type,
            &ElementType::Float(StorageType::Bf16)
        );

        let source = json!({"kind": "tensor", "name": "m"});
        let expected = read(&plain, &source, &[ROWS, COLUMNS], storage).unwrap();
        assert_eq!(
            read(&blocks, &source, &[ROWS, COLUMNS], storage).unwrap(),
            expected,
            "{storage:?}"
        );
        assert_eq!(checkpoint.tensor("m").unwrap().bytes(), expected);
    }
}

#[test]
fn parts_of_blocks_are_read_as_numbers_and_refused_as_blocks() {
    for storage in [
        StorageType::Q4_0,
        StorageType::Q5_1,
        StorageType::Q6K,
        StorageType::Mxfp4,
    ] {
        let (_, blocks) = quantized(storage);
        let block = storage.block_elements();
        let whole = Checkpoint::open(blocks.path())
            .unwrap()
            .tensor("m")
            .unwrap()
            .bytes()
            .to_vec();
        let mut numbers = vec![0.0_f32; (ROWS * COLUMNS) as usize];
        decode_row(&whole, storage, &mut numbers);
        let slice = |from: u64, to: u64| json!({"kind": "slice", "axis": 1, "range": [from, to], "input": {"kind": "tensor", "name": "m"}});
        // A slice at blocks keeps their bytes.
        let found = read(&blocks, &slice(block, 2 * block), &[ROWS, block], storage).unwrap();
        let row_bytes = storage.bytes(COLUMNS).unwrap() as usize;
        let block_bytes = storage.block_bytes() as usize;
        let expected: Vec<u8> = whole
            .chunks(row_bytes)
            .flat_map(|row| row[block_bytes..2 * block_bytes].to_vec())
            .collect();
        assert_eq!(found, expected, "{storage:?}");
        // One across blocks would have to be quantized a second time.
        let error = read(&blocks, &slice(block / 2, block / 2 + block), &[ROWS, block], storage).unwrap_err();
        assert_eq!(error.code, ErrorCode::StorageBlock, "{error}");
        // As numbers anything goes: a slice inside blocks, a transposition.
        let floats = |bytes: Vec<u8>| -> Vec<f32> {
            bytes
                .as_chunks::<4>()
                .0
                .iter()
                .map(|bytes| f32::from_le_bytes(*bytes))
                .collect()
        };
        let found = read(&blocks, &slice(5, 12), &[ROWS, 7], StorageType::F32).unwrap();
        let expected: Vec<f32> = numbers
            .chunks(COLUMNS as usize)
            .flat_map(|row| row[5..12].to_vec())
            .collect();
        assert_eq!(floats(found), expected);
        let transposed = json!({"kind": "transpose", "input": {"kind": "tensor", "name": "m"}});
        let found = floats(read(&blocks, &transposed, &[COLUMNS, ROWS], StorageType::F32).unwrap());
        for (index, value) in found.iter().enumerate() {
            let (column, row) = (index / ROWS as usize, index % ROWS as usize);
            assert_eq!(*value, numbers[row * COLUMNS as usize + column]);
        }
        // Another block type is made from the numbers.
        let other = read(&blocks, &slice(0, COLUMNS), &[ROWS, COLUMNS], StorageType::Q8_0).unwrap();
        let mut expected = vec![0; other.len()];
        encode_row(&numbers, StorageType::Q8_0, &mut expected);
        assert_eq!(other, expected);
    }
}

#[test]
fn blocks_that_cannot_be_are_refused() {
    let open = |metadata: &str, dtype: &str, shape: &str, bytes: usize| {
        let folder = Folder::new();
        let header = format!(
            r#"{{"__metadata__":{{{metadata}}},"m":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[0,{bytes}]}}}}"#
        );
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend_from_slice(header.as_bytes());
        file.resize(file.len() + bytes, 0);
        folder.write("model.safetensors", &file);
        Checkpoint::open(folder.path()).map(|checkpoint| (folder, checkpoint))
    };
    let q4_0 = r#""shoal.blocks:m":"q4_0""#;
    let (_folder, checkpoint) = open(q4_0, "U8", "[2,36]", 72).unwrap();
    assert_eq!(checkpoint.tensor("m").unwrap().shape, [2, 64]);
    for (metadata, dtype, shape, bytes, expected) in [
        (q4_0, "U8", "[2,35]", 70, "no whole blocks of q4_0"),
        (q4_0, "F16", "[2,18]", 72, "no whole blocks of q4_0"),
        (q4_0, "U8", "[]", 1, "no whole blocks of q4_0"),
        (
            r#""shoal.blocks:x":"q4_0""#,
            "U8",
            "[2,36]",
            72,
            "tensor 'x' holds q4_0, but there is none",
        ),
        (r#""shoal.blocks:m":4"#, "U8", "[2,36]", 72, "expected a string"),
    ] {
        let error = open(metadata, dtype, shape, bytes).unwrap_err();
        assert_eq!(error.code, ErrorCode::CheckpointInvalid);
        assert!(error.message.contains(expected), "{expected}: {error}");
    }
    // A type of a later version is listed, and refused when somebody wants its numbers.
    let (folder, _) = open(r#""shoal.blocks:m":"iq2_xxs""#, "U8", "[2,36]", 72).unwrap();
    let source = json!({"kind": "tensor", "name": "m"});
    let error = read(&folder, &source, &[2, 36], StorageType::F32).unwrap_err();
    assert_eq!(error.code, ErrorCode::StorageUnsupported);
    assert!(error.message.contains("iq2_xxs"), "{error}");
}

#[test]
fn conversions_fail_with_codes_and_can_be_stopped() {
    let (plain, _) = quantized(StorageType::Q4_0);
    let checkpoint = Checkpoint::open(plain.path()).unwrap();
    let folder = Folder::new();
    let convert = |tensor: &str, storage, output: &std::path::Path, go_on: bool| {
        let conversion = Conversion {
            tensor: tensor.to_owned(),
            storage: Some(storage),
        };
        convert_checkpoint(&checkpoint, &[conversion], 1, output, &mut |_, _| go_on).unwrap_err()
    };
    let output = folder.path().join("model.safetensors");
    let code = |error: WeightError| error.code;
    assert_eq!(
        code(convert("x", StorageType::Q4_0, &output, true)),
        ErrorCode::TensorMissing
    );
    assert_eq!(
        code(convert("v", StorageType::Q4_0, &output, true)),
        ErrorCode::StorageBlock
    );
    assert_eq!(
        code(convert("m", StorageType::Q4_0, &output, false)),
        ErrorCode::Aborted
    );
    let nowhere = folder.path().join("nowhere").join("model.safetensors");
    assert_eq!(
        code(convert("m", StorageType::Q4_0, &nowhere, true)),
        ErrorCode::WriteFailed
    );
}

/// `/dev/full` takes nothing, as a full disk does.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let (plain, _) = quantized(StorageType::Q4_0);
    let checkpoint = Checkpoint::open(plain.path()).unwrap();
    let conversion = Conversion {
        tensor: "m".to_owned(),
        storage: None,
    };
    let output = std::path::Path::new("/dev/full");
    let error = convert_checkpoint(&checkpoint, &[conversion], 2, output, &mut |_, _| true).unwrap_err();
    assert_eq!(error.code, ErrorCode::WriteFailed, "{error}");
    assert!(error.message.contains("/dev/full"), "{error}");
}
