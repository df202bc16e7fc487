//! A member reads its share of a checkpoint, not the rest.

#![cfg(target_os = "linux")] // the kernel says there which pages of a file a process has touched
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use shoal_program::{MemberProgram, StorageType};
use shoal_weights::{Checkpoint, ProgramWeights};
use support::Folder;

const ROWS: u64 = 16_384;
const COLUMNS: u64 = 1024;
/// The share of one of eight members.
const FIRST: u64 = 3 * ROWS / 8;
const LAST: u64 = 4 * ROWS / 8;
/// The kernel maps pages around a touched one, too.
const SLACK_BYTES: u64 = 512 << 10;

/// Bytes of a mapped file that this process has touched (`Rss` of its mappings).
fn touched_bytes(file: &Path) -> u64 {
    let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let name = file.to_str().unwrap();
    let mut lines = maps.lines();
    let mut bytes = 0;
    while let Some(line) = lines.next() {
        if line.ends_with(name) {
            let resident = lines.by_ref().find(|line| line.starts_with("Rss:")).unwrap();
            bytes += resident.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10;
        }
    }
    bytes
}

/// A file of 64 MiB: two matrices in F16, all zero, without a byte on the disk but the header.
fn sparse_checkpoint(path: &Path) {
    let bytes = ROWS * COLUMNS * 2;
    let entries: serde_json::Map<String, serde_json::Value> = (0..2)
        .map(|index| {
            let entry =
                json!({"dtype": "F16", "shape": [ROWS, COLUMNS], "data_offsets": [index * bytes, (index + 1) * bytes]});
            (format!("m{index}"), entry)
        })
        .collect();
    let header = serde_json::to_vec(&entries).unwrap();
    let mut file = File::create(path).unwrap();
    file.write_all(&(header.len() as u64).to_le_bytes()).unwrap();
    file.write_all(&header).unwrap();
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(8 + header.len() as u64 + 2 * bytes).unwrap();
}

#[test]
fn pages_outside_the_share_are_never_touched() {
    let folder = Folder::new();
    let path = folder.path().join("model.safetensors");
    sparse_checkpoint(&path);
    let rows = LAST - FIRST;
    let source = json!({"kind": "slice", "axis": 0, "range": [FIRST, LAST], "input": {"kind": "tensor", "name": "m1"}});
    let program = json!({
        "programVersion": 1, "family": "test", "layers": [0, 0], "member": 3, "memberCount": 8,
        "input": {"kind": "tokens"}, "output": {"kind": "hidden", "value": "out"},
        "values": {"out": {"width": COLUMNS, "rows": "tokens"}}, "boundaryValues": ["out"],
        "weights": {"w": {"shape": [rows, COLUMNS], "source": source, "role": "embedding", "storage": "q4_0"}},
        "states": {}, "segments": [{"operations": [{"op": "embedding", "weight": "w", "output": "out"}]}],
    });
    let program = MemberProgram::parse(&program.to_string()).unwrap();
    let checkpoint = Arc::new(Checkpoint::open(folder.path()).unwrap());
    assert!(touched_bytes(&path) <= SLACK_BYTES, "opening reads the header");
    let weights = ProgramWeights::new(checkpoint, &program).unwrap();
    assert!(touched_bytes(&path) <= SLACK_BYTES, "resolving reads no weights");
    let share = rows * COLUMNS * 2;
    for storage in [StorageType::Q4_0, StorageType::F16] {
        let mut bytes = vec![0; (rows * storage.bytes(COLUMNS).unwrap()) as usize];
        weights.read("w", 0, rows, storage, &mut bytes).unwrap();
        let touched = touched_bytes(&path);
        assert!(
            (share..share + 2 * SLACK_BYTES).contains(&touched),
            "{touched} bytes for a share of {share}"
        );
    }
}
