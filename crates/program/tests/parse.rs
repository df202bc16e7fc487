//! Programs as the TypeScript side writes them, and ways in which they can be wrong.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use serde_json::{Value, json};
use shoal_program::{ErrorCode, MemberOutput, MemberProgram, Operation, ProgramLimits, Range};

/// Member 1 of 2 of a one-layer stage that starts from tokens and ends in logits split over the vocabulary.
fn program() -> Value {
    let tensor = |name: &str| json!({"kind": "tensor", "name": name});
    let weight = |shape: Value, role: &str| {
        json!({"shape": shape, "role": role, "storage": "f32",
               "source": {"kind": "slice", "axis": 0, "range": [0, 8], "input": tensor("w")}})
    };
    let value = |width: u64, rows: &str| json!({"width": width, "rows": rows});
    json!({
        "programVersion": 1, "family": "llama", "layers": [0, 1], "member": 1, "memberCount": 2,
        "input": {"kind": "tokens"},
        "output": {"kind": "logits", "value": "logits", "vocabularyRange": [10, 20], "vocabularySize": 20},
        "values": {
            "x": value(8, "tokens"), "n": value(8, "tokens"), "q": value(4, "tokens"), "k": value(4, "tokens"),
            "v": value(4, "tokens"), "qr": value(4, "tokens"), "a": value(4, "tokens"), "o": value(8, "tokens"),
            "h": value(8, "tokens"), "f": value(8, "tokens"), "s": value(8, "outputs"), "logits": value(10, "outputs")
        },
        "boundaryValues": ["o", "f", "logits"],
        "weights": {
            "embedding": weight(json!([20, 8]), "embedding"), "norm": weight(json!([8]), "vector"),
            "wq": weight(json!([4, 8]), "matrix"), "wk": weight(json!([4, 8]), "matrix"),
            "wv": weight(json!([4, 8]), "matrix"), "wo": weight(json!([8, 4]), "matrix"),
            "gate": weight(json!([6, 8]), "matrix"), "up": weight(json!([6, 8]), "matrix"),
            "down": weight(json!([8, 6]), "matrix"), "head": weight(json!([10, 8]), "matrix")
        },
        "states": {"kv": {"kind": "key-value", "layer": 0, "keyWidth": 4, "valueWidth": 4}},
        "segments": [
            {"operations": [
                {"op": "embedding", "weight": "embedding", "output": "x"},
                {"op": "rms-norm", "input": "x", "weight": "norm", "epsilon": 1e-5, "output": "n"},
                {"op": "linear", "input": "n", "weight": "wq", "output": "q"},
                {"op": "linear", "input": "n", "weight": "wk", "output": "k"},
                {"op": "linear", "input": "n", "weight": "wv", "output": "v"},
                {"op": "rotary", "input": "q", "headSize": 4, "rotatedSize": 4, "style": "half",
                 "inverseFrequencies": [1, 0.01], "magnitude": 1, "output": "qr"},
                {"op": "attention", "query": "qr", "key": "k", "value": "v", "state": "kv", "headSize": 4,
                 "scale": 0.5, "output": "a"},
                {"op": "linear", "input": "a", "weight": "wo", "output": "o"}],
             "communication": {"kind": "all-reduce-sum", "value": "o"}},
            {"operations": [
                {"op": "add", "left": "x", "right": "o", "output": "h"},
                {"op": "gated-feed-forward", "input": "h", "gate": "gate", "up": "up", "down": "down",
                 "activation": "silu", "output": "f"}],
             "communication": {"kind": "all-reduce-sum", "value": "f"}},
            {"operations": [
                {"op": "select-outputs", "input": "f", "output": "s"},
                {"op": "linear", "input": "s", "weight": "head", "output": "logits"}]}
        ]
    })
}

fn parse(value: &Value) -> Result<MemberProgram, (ErrorCode, String)> {
    MemberProgram::parse(&value.to_string()).map_err(|error| (error.code, error.message))
}

/// The error of a program in which the value at `pointer` was replaced.
fn broken(pointer: &str, replacement: Value) -> (ErrorCode, String) {
    let mut value = program();
    *value.pointer_mut(pointer).unwrap() = replacement;
    parse(&value).unwrap_err()
}

#[test]
fn a_program_reads_and_writes_back() {
    let parsed = parse(&program()).unwrap();
    assert_eq!(parsed.segments.len(), 3);
    assert_eq!(parsed.boundary_index("logits"), Some(2));
    assert!(matches!(
        parsed.segments[0].operations[6],
        Operation::Attention {
            scale: 0.5,
            window: None,
            ..
        }
    ));
    assert!(matches!(
        parsed.output,
        MemberOutput::Logits {
            vocabulary_range: Range(10, 20),
            ..
        }
    ));
    let again: Value = serde_json::from_str(&parsed.to_json().unwrap()).unwrap();
    assert_eq!(MemberProgram::parse(&again.to_string()).unwrap(), parsed);
    assert_eq!(
        again["segments"][0]["communication"],
        program()["segments"][0]["communication"]
    );
    assert_eq!(
        again["segments"][1]["operations"],
        program()["segments"][1]["operations"]
    );
}

#[test]
fn an_unknown_operation_is_named() {
    let (code, message) = broken(
        "/segments/1/operations/0",
        json!({"op": "router", "input": "x", "output": "h"}),
    );
    assert_eq!(code, ErrorCode::OperationUnsupported);
    assert!(
        message.contains("segment 1") && message.contains("'router'"),
        "{message}"
    );
}

#[test]
fn a_known_operation_with_wrong_fields_is_invalid_and_named() {
    let (code, message) = broken(
        "/segments/1/operations/0",
        json!({"op": "add", "left": "x", "output": "h"}),
    );
    assert_eq!(code, ErrorCode::Invalid);
    assert!(message.contains("'add'"), "{message}");
}

#[test]
fn another_version_is_refused_as_such() {
    let (code, message) = broken("/programVersion", json!(7));
    assert_eq!(code, ErrorCode::VersionMismatch);
    assert!(message.contains('7'), "{message}");
}

#[test]
fn inconsistent_programs_are_refused_with_the_place() {
    let cases = [
        ("/segments/0/operations/2/input", json!("a"), "'a' is used before"),
        (
            "/segments/0/operations/2/weight",
            json!("nothing"),
            "'nothing' is not declared",
        ),
        ("/weights/wq/shape", json!([4, 9]), "[outputs, 8] was expected"),
        (
            "/weights/wq/shape",
            json!([8, 8]),
            "value 'q' is declared with 4 columns",
        ),
        ("/weights/wq/shape", json!([0, 8]), "weight 'wq'"),
        ("/weights/wq/storage", json!("q8_0"), "not whole blocks of q8_0"),
        ("/weights/norm/storage", json!("bf16"), "kept in f32"),
        (
            "/weights/wq/source",
            json!({"kind": "stack", "inputs": []}),
            "nothing is joined",
        ),
        ("/states/kv/keyWidth", json!(8), "state 'kv' does not hold"),
        ("/segments/0/communication/value", json!("x"), "'x' reaches the driver"),
        ("/segments/0/operations/1/output", json!("x"), "'x' is defined twice"),
        (
            "/segments/0/operations/5/inverseFrequencies",
            json!([1]),
            "1 frequencies",
        ),
        (
            "/segments/2/operations/0/input",
            json!("logits"),
            "'logits' is used before",
        ),
        ("/output/vocabularyRange", json!([10, 21]), "do not exist"),
        (
            "/output/vocabularyRange",
            json!([11, 20]),
            "output 'logits' has 10 columns",
        ),
        ("/output/value", json!("s"), "output 's'"),
        ("/member", json!(2), "member 2 of 2"),
        ("/boundaryValues", json!(["o", "f", "logits", "o"]), "listed twice"),
        ("/segments", json!([]), "no segments"),
        ("/values/x/width", json!(0), "'x' has 0 columns"),
    ];
    for (pointer, replacement, expected) in cases {
        let (code, message) = broken(pointer, replacement);
        assert_eq!(code, ErrorCode::Invalid, "{pointer}");
        assert!(message.contains(expected), "{pointer}: {message}");
    }
}

#[test]
fn a_gather_gives_the_sum_of_the_widths() {
    let mut value = program();
    value["values"]["wide"] = json!({"width": 15, "rows": "outputs"});
    value["boundaryValues"].as_array_mut().unwrap().push(json!("wide"));
    value["segments"][2]["communication"] =
        json!({"kind": "all-gather", "value": "logits", "output": "wide", "widths": [5, 10]});
    value["output"] = json!({"kind": "logits", "value": "wide", "vocabularyRange": [0, 15], "vocabularySize": 15});
    parse(&value).unwrap();
    value["segments"][2]["communication"]["widths"] = json!([10, 5]);
    assert!(parse(&value).unwrap_err().1.contains("own columns"));
    value["segments"][2]["communication"]["widths"] = json!([15]);
    assert!(parse(&value).unwrap_err().1.contains("1 widths"));
}

#[test]
fn sizes_are_bounded() {
    let text = program().to_string();
    let tight = ProgramLimits {
        bytes: text.len() - 1,
        ..ProgramLimits::default()
    };
    assert!(
        MemberProgram::parse_within(&text, &tight)
            .unwrap_err()
            .message
            .contains("bytes of JSON")
    );
    let tight = ProgramLimits {
        operations: 11,
        ..ProgramLimits::default()
    };
    assert!(
        MemberProgram::parse_within(&text, &tight)
            .unwrap_err()
            .message
            .contains("12 operations")
    );
    let nested = (0..200).fold(
        json!({"kind": "tensor", "name": "w"}),
        |input, _| json!({"kind": "transpose", "input": input}),
    );
    assert_eq!(broken("/weights/wq/source", nested).0, ErrorCode::Invalid);
    assert_eq!(MemberProgram::parse("[[[").unwrap_err().code, ErrorCode::Invalid);
}
