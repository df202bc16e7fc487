//! The table of sound and hostile headers that the TypeScript reader is tested with too, and files cut short anywhere.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use std::path::Path;

use serde::Deserialize;
use shoal_weights::{Checkpoint, ErrorCode};
use support::Folder;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    name: String,
    header: Vec<Piece>,
    /// What the file claims, where that is not the length of `header`.
    header_length: Option<String>,
    data_bytes: usize,
    /// What the message contains; none: the file is sound.
    refused: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Piece {
    Text(String),
    Repeated { repeat: String, times: usize },
    Bytes { hex: String },
}

impl Piece {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone().into_bytes(),
            Self::Repeated { repeat, times } => repeat.repeat(*times).into_bytes(),
            Self::Bytes { hex } => (0..hex.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
                .collect(),
        }
    }
}

impl Case {
    fn file(&self) -> Vec<u8> {
        let header: Vec<u8> = self.header.iter().flat_map(Piece::bytes).collect();
        let length = self
            .header_length
            .as_ref()
            .map_or(header.len() as u64, |length| length.parse().unwrap());
        let mut file = [length.to_le_bytes().as_slice(), &header].concat();
        file.resize(file.len() + self.data_bytes, 0);
        file
    }
}

fn cases() -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test/fixtures/safetensors/headers.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn sound_headers_are_read_and_hostile_ones_refused_with_the_reason() {
    let folder = Folder::new();
    for case in cases() {
        folder.write("model.safetensors", &case.file());
        match (Checkpoint::open(folder.path()), case.refused) {
            (Ok(_), None) => {}
            (Ok(_), Some(_)) => panic!("{}: accepted", case.name),
            (Err(error), None) => panic!("{}: {error}", case.name),
            (Err(error), Some(expected)) => {
                assert_eq!(error.code, ErrorCode::CheckpointInvalid, "{}: {error}", case.name);
                assert!(error.message.contains(&expected), "{}: {error}", case.name);
                assert!(error.message.contains("model.safetensors"), "{}: {error}", case.name);
            }
        }
    }
}

#[test]
fn a_file_cut_short_anywhere_is_refused() {
    let header = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"I8","shape":[3],"data_offsets":[8,11]}}"#;
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header.as_bytes());
    file.extend_from_slice(&[7; 11]);
    let folder = Folder::new();
    folder.write("model.safetensors", &file);
    assert_eq!(Checkpoint::open(folder.path()).unwrap().tensor_names().count(), 2);
    for length in 0..file.len() {
        folder.write("model.safetensors", &file[..length]);
        let error = Checkpoint::open(folder.path()).unwrap_err();
        assert_eq!(error.code, ErrorCode::CheckpointInvalid, "{length}: {error}");
    }
}

/// As Hugging Face's cache has them: the snapshot's names are links to blobs beside it.
#[cfg(unix)]
#[test]
fn a_snapshot_of_links_to_blobs_is_read() {
    let folder = Folder::new();
    for name in ["blobs", "snapshots"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    let tensors: &[(&str, shoal_program::StorageType, &[u64])] = &[("a", shoal_program::StorageType::F32, &[2])];
    support::write_checkpoint(&folder, "blobs/0123abcd", tensors);
    let snapshot = folder.path().join("snapshots");
    std::os::unix::fs::symlink("../blobs/0123abcd", snapshot.join("one.safetensors")).unwrap();
    folder.write("blobs/4567", br#"{"weight_map":{"a":"one.safetensors"}}"#);
    std::os::unix::fs::symlink("../blobs/4567", snapshot.join("model.safetensors.index.json")).unwrap();
    assert_eq!(
        Checkpoint::open(&snapshot).unwrap().tensor("a").unwrap().bytes().len(),
        8
    );
}

#[cfg(unix)]
#[test]
fn a_pipe_instead_of_a_weight_file_keeps_nobody_waiting() {
    let folder = Folder::new();
    folder.write(
        "model.safetensors.index.json",
        br#"{"weight_map":{"a":"one.safetensors"}}"#,
    );
    let made = std::process::Command::new("mkfifo")
        .arg(folder.path().join("one.safetensors"))
        .status();
    assert!(made.unwrap().success());
    let error = Checkpoint::open(folder.path()).unwrap_err();
    assert_eq!(error.code, ErrorCode::CheckpointInvalid);
    assert!(error.message.contains("not a regular file"), "{error}");
}
