//! Checkpoints that are read, and ways in which they can be broken.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use shoal_program::StorageType;
use shoal_weights::{Checkpoint, ErrorCode, WeightError};
use support::{Folder, write_checkpoint};

/// A file with this header and so many bytes of data.
fn file(header: &str, data_bytes: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.resize(bytes.len() + data_bytes, 0);
    bytes
}

fn open_bytes(bytes: &[u8]) -> Result<Checkpoint, WeightError> {
    let folder = Folder::new();
    folder.write("model.safetensors", bytes);
    Checkpoint::open(folder.path())
}

#[test]
fn a_sound_file_is_listed() {
    let header = r#"{"__metadata__":{"format":"pt"},"b":{"dtype":"F16","shape":[2,3],"data_offsets":[4,16]},
        "a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"c":{"dtype":"I64","shape":[0],"data_offsets":[16,16]}}"#;
    let checkpoint = open_bytes(&file(header, 16)).unwrap();
    assert_eq!(checkpoint.tensor_names().collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(checkpoint.tensor("b").unwrap().shape, [2, 3]);
    assert_eq!(checkpoint.tensor("b").unwrap().bytes().len(), 12);
    assert_eq!(checkpoint.tensor("x").unwrap_err().code, ErrorCode::TensorMissing);
}

#[test]
fn broken_files_are_refused_with_the_reason() {
    let tensor = |offsets: &str| format!(r#"{{"a":{{"dtype":"F32","shape":[2],"data_offsets":{offsets}}}}}"#);
    let two = |first: &str, second: &str| {
        format!(
            r#"{{"a":{{"dtype":"F32","shape":[2],"data_offsets":{first}}},"b":{{"dtype":"F32","shape":[2],"data_offsets":{second}}}}}"#
        )
    };
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (Vec::new(), "0 bytes and no header"),
        (vec![1, 2, 3], "3 bytes and no header"),
        (u64::MAX.to_le_bytes().to_vec(), "the limit is 100000000"),
        (100_000_001_u64.to_le_bytes().to_vec(), "the limit is 100000000"),
        (99_u64.to_le_bytes().to_vec(), "the file at 8"),
        (file("not json", 0), "cannot be read"),
        (file("[]", 0), "cannot be read"),
        (
            file(r#"{"a":{"dtype":"F32","shape":[2]}}"#, 8),
            "tensor 'a' cannot be read",
        ),
        (
            file(r#"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, 8),
            "tensor 'a' cannot be read",
        ),
        (file(&tensor("[0,8]"), 4), "bytes 0 to 8 of 4"),
        (file(&tensor("[0,8]"), 12), "cover 8 bytes of 12"),
        (file(&tensor("[8,0]"), 8), "bytes 8 to 0"),
        (file(&tensor("[0,4]"), 4), "bytes 0 to 4"),
        (file(&tensor("[4,12]"), 12), "leave a gap"),
        (file(&two("[0,8]", "[4,12]"), 12), "overlap"),
        (file(&two("[0,8]", "[0,8]"), 8), "overlap"),
        (
            file(
                r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#,
                0,
            ),
            "shape [4294967296, 4294967296]",
        ),
        (
            file(r#"{"a":{"dtype":"Q9","shape":[1],"data_offsets":[0,1]}}"#, 1),
            "type Q9",
        ),
    ];
    for (bytes, expected) in cases {
        let error = open_bytes(&bytes).unwrap_err();
        assert_eq!(error.code, ErrorCode::CheckpointInvalid, "{expected}");
        assert!(error.message.contains(expected), "{expected}: {error}");
        assert!(error.message.contains("model.safetensors"), "{error}");
    }
}

#[test]
fn an_index_joins_files_and_cannot_leave_its_folder() {
    let folder = Folder::new();
    write_checkpoint(&folder, "one.safetensors", &[("a", StorageType::F32, &[2])]);
    write_checkpoint(&folder, "two.safetensors", &[("b", StorageType::Bf16, &[3])]);
    let index = |map: &str| {
        folder.write(
            "model.safetensors.index.json",
            format!(r#"{{"weight_map":{map}}}"#).as_bytes(),
        )
    };
    index(r#"{"a":"one.safetensors","b":"two.safetensors"}"#);
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    assert_eq!(checkpoint.tensor_names().collect::<Vec<_>>(), ["a", "b"]);

    index(r#"{"a":"two.safetensors","b":"two.safetensors"}"#);
    assert!(
        Checkpoint::open(folder.path())
            .unwrap_err()
            .message
            .contains("tensor 'a' is not in two.safetensors")
    );
    for name in [
        "../one.safetensors",
        "/one.safetensors",
        r"..\\one.safetensors",
        "C:one.safetensors",
        "one.txt",
        ".safetensors",
    ] {
        index(&format!(r#"{{"a":"{name}"}}"#));
        let error = Checkpoint::open(folder.path()).unwrap_err();
        assert_eq!(error.code, ErrorCode::CheckpointInvalid);
        assert!(error.message.contains("not the name of a file"), "{error}");
    }
    index(r#"{"a":"three.safetensors"}"#);
    assert!(
        Checkpoint::open(folder.path())
            .unwrap_err()
            .message
            .contains("three.safetensors")
    );
}

#[test]
fn a_tensor_in_two_files_and_an_empty_folder_are_refused() {
    let folder = Folder::new();
    assert_eq!(Checkpoint::open(folder.path()).unwrap_err().code, ErrorCode::NotFound);
    assert_eq!(
        Checkpoint::open(&folder.path().join("nowhere")).unwrap_err().code,
        ErrorCode::NotFound
    );
    write_checkpoint(&folder, "one.safetensors", &[("a", StorageType::F32, &[2])]);
    write_checkpoint(
        &folder,
        "two.safetensors",
        &[("a", StorageType::F32, &[2]), ("b", StorageType::F32, &[2])],
    );
    let map = r#"{"weight_map":{"a":"one.safetensors","b":"two.safetensors"}}"#;
    folder.write("model.safetensors.index.json", map.as_bytes());
    assert!(
        Checkpoint::open(folder.path())
            .unwrap_err()
            .message
            .contains("another file too")
    );
}

#[test]
fn one_file_goes_before_an_index_as_it_does_elsewhere() {
    let folder = Folder::new();
    write_checkpoint(&folder, "other.safetensors", &[("a", StorageType::F32, &[2])]);
    assert_eq!(Checkpoint::open(folder.path()).unwrap_err().code, ErrorCode::NotFound);
    folder.write(
        "model.safetensors.index.json",
        br#"{"weight_map":{"a":"other.safetensors"}}"#,
    );
    assert_eq!(
        Checkpoint::open(folder.path())
            .unwrap()
            .tensor_names()
            .collect::<Vec<_>>(),
        ["a"]
    );
    write_checkpoint(&folder, "model.safetensors", &[("b", StorageType::F32, &[2])]);
    assert_eq!(
        Checkpoint::open(folder.path())
            .unwrap()
            .tensor_names()
            .collect::<Vec<_>>(),
        ["b"]
    );
}
