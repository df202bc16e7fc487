//! Every operation that the executor runs, one at a time, against plain Rust.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::collections::BTreeMap;

use shoal_abi::backend::{BackendError, Step, StepSequenceView, WeightSource, WeightSourceImplementation};
use shoal_ggml::executor::{OPERATIONS, OpenOptions, open};
use shoal_program::{
    CompileOptions, ElementwiseFunction, MemberOutput, MemberProgram, MemberState, MemberValue, MemberWeight,
    Operation, PROGRAM_VERSION, ProgramInput, Range, RotaryStyle, Segment, StateStorage, StorageType, ValueRows,
    WeightExpression, WeightRole,
};

const WIDTH: usize = 12;
const ROWS: usize = 5;

/// Numbers between −2 and 2 that look random.
fn noise(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12345);
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 22) as f32 - 2.0
    };
    (0..count).map(next).collect()
}

struct Source(BTreeMap<String, (Vec<u64>, Vec<f32>)>);

impl WeightSourceImplementation for Source {
    fn read(&self, name: &str, first: u64, _: u64, storage: u32, into: &mut [u8]) -> Result<(), BackendError> {
        assert_eq!(storage, 0, "{name}");
        let (shape, numbers) = &self.0[name];
        let row: u64 = if shape.len() == 1 {
            shape[0]
        } else {
            shape[1..].iter().product()
        };
        let rows = numbers[(first * row) as usize..].iter();
        into.chunks_exact_mut(4)
            .zip(rows)
            .for_each(|(bytes, number)| bytes.copy_from_slice(&number.to_le_bytes()));
        Ok(())
    }
}

/// What a case needs beside the input value `x`.
#[derive(Default)]
struct Case {
    /// Operations that make values for the tested one; their outputs and widths.
    before: Vec<(Operation, usize)>,
    weights: BTreeMap<String, (Vec<u64>, Vec<f32>)>,
    states: BTreeMap<String, MemberState>,
}

impl Case {
    fn weight(mut self, name: &str, shape: &[usize], numbers: &[f32]) -> Self {
        assert_eq!(shape.iter().product::<usize>(), numbers.len());
        let shape = shape.iter().map(|elements| *elements as u64).collect();
        self.weights.insert(name.to_owned(), (shape, numbers.to_vec()));
        self
    }

    fn before(mut self, operation: Operation, width: usize) -> Self {
        self.before.push((operation, width));
        self
    }
}

/// Runs `operation`, which reads `x` and defines `y` of `width` columns, on `ROWS` rows of noise at positions from 0.
fn run(case: Case, operation: Operation, width: usize) -> (Vec<f32>, Vec<f32>) {
    let value = |width: usize| MemberValue {
        width: width as u64,
        rows: ValueRows::Tokens,
    };
    let mut values = BTreeMap::from([("x".to_owned(), value(WIDTH)), ("y".to_owned(), value(width))]);
    let mut operations = Vec::new();
    for (before, width) in case.before {
        values.insert(before.output().unwrap().to_owned(), value(width));
        operations.push(before);
    }
    assert!(OPERATIONS.contains(&operation.name()), "{}", operation.name());
    operations.push(operation);
    let weights = case.weights.iter().map(|(name, (shape, _))| {
        let weight = MemberWeight {
            shape: shape.clone(),
            source: WeightExpression::Tensor { name: name.clone() },
            role: if shape.len() == 1 {
                WeightRole::Vector
            } else {
                WeightRole::Matrix
            },
            storage: StorageType::F32,
        };
        (name.clone(), weight)
    });
    let program = MemberProgram {
        program_version: PROGRAM_VERSION,
        family: "test".to_owned(),
        layers: Range(1, 2),
        member: 0,
        member_count: 1,
        input: ProgramInput::Hidden {
            value: "x".to_owned(),
            width: WIDTH as u64,
        },
        output: MemberOutput::Hidden { value: "y".to_owned() },
        values,
        boundary_values: vec!["x".to_owned(), "y".to_owned()],
        weights: weights.collect(),
        states: case.states,
        segments: vec![Segment {
            operations,
            communication: None,
        }],
    };
    let options = CompileOptions {
        slot_count: 1,
        context_length: 16,
        state_storage: StateStorage::F32,
        maximum_step_tokens: 8,
    };
    let open_options = OpenOptions {
        device: "CPU".to_owned(),
        threads: Some(1),
        ..OpenOptions::default()
    };
    let (program, options) = (program.to_json().unwrap(), serde_json::to_string(&options).unwrap());
    let weights = WeightSource::export(Source(case.weights));
    let mut executable = open(&open_options)
        .unwrap()
        .compile(&program, &options, &weights, &mut |_, _| true)
        .unwrap();
    let input = noise(WIDTH * ROWS, 1);
    let sequence = StepSequenceView {
        slot: 0,
        start_position: 0,
        token_count: ROWS as u32,
        output_rows: 1,
    };
    executable
        .begin_step(&Step {
            number: 1,
            sequences: &[sequence],
            tokens: &[0; ROWS],
        })
        .unwrap();
    executable
        .with_value(0, |target| target.copy_from_slice(&input))
        .unwrap();
    executable.execute(0).unwrap();
    let output = executable.with_value(1, |output| output.to_vec()).unwrap();
    assert_eq!(output.len(), ROWS * width);
    (input, output)
}

fn close(found: &[f32], expected: &[f64], name: &str) {
    assert_eq!(found.len(), expected.len(), "{name}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(*found) - expected).abs();
        assert!(
            error <= 2e-6 * (1.0 + expected.abs()),
            "{name}, element {index}: {found} is not {expected}"
        );
    }
}

/// Applies `function` to each group of each row; its results come side by side.
fn by_group(input: &[f32], group: usize, function: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    let wide: Vec<f64> = input.iter().map(|number| f64::from(*number)).collect();
    wide.chunks(group).flat_map(function).collect()
}

fn x() -> String {
    "x".to_owned()
}

fn y() -> String {
    "y".to_owned()
}

#[test]
fn element_wise_operations() {
    type Function = fn(f64) -> f64;
    let functions: [(ElementwiseFunction, Function); 8] = [
        (ElementwiseFunction::Silu, |x| x / (1.0 + (-x).exp())),
        (ElementwiseFunction::GeluTanh, |x| {
            0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x * x * x)).tanh())
        }),
        (ElementwiseFunction::Sigmoid, |x| 1.0 / (1.0 + (-x).exp())),
        (ElementwiseFunction::Softplus, |x| x.exp().ln_1p()),
        (ElementwiseFunction::Relu, |x| x.max(0.0)),
        (ElementwiseFunction::Tanh, f64::tanh),
        (ElementwiseFunction::Exp, f64::exp),
        (ElementwiseFunction::Negate, |x| -x),
    ];
    for (function, expected) in functions {
        let operation = Operation::Elementwise {
            function,
            input: x(),
            output: y(),
        };
        let (input, output) = run(Case::default(), operation, WIDTH);
        close(
            &output,
            &by_group(&input, 1, |x| vec![expected(x[0])]),
            &format!("{function:?}"),
        );
    }

    let operation = Operation::Elementwise {
        function: ElementwiseFunction::Gelu,
        input: x(),
        output: y(),
    };
    let (input, output) = run(Case::default(), operation, WIDTH);
    // x/2 · (1 + erf(x/√2)); erf by its series, which converges fast for small arguments.
    let erf = |x: f64| {
        let (mut term, mut sum) = (x, x);
        for n in 1..80 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        sum * 2.0 / std::f64::consts::PI.sqrt()
    };
    close(
        &output,
        &by_group(&input, 1, |x| vec![x[0] / 2.0 * (1.0 + erf(x[0] / 2.0_f64.sqrt()))]),
        "gelu",
    );

    let operation = Operation::Scale {
        input: x(),
        factor: 1.5,
        offset: Some(-0.25),
        output: y(),
    };
    let (input, output) = run(Case::default(), operation, WIDTH);
    close(&output, &by_group(&input, 1, |x| vec![x[0] * 1.5 - 0.25]), "scale");

    let operation = Operation::Clamp {
        input: x(),
        minimum: Some(-0.5),
        maximum: None,
        output: y(),
    };
    let (input, output) = run(Case::default(), operation, WIDTH);
    close(&output, &by_group(&input, 1, |x| vec![x[0].max(-0.5)]), "clamp");
}

#[test]
fn operations_of_two_values_and_of_vectors() {
    let doubled = || {
        let operation = Operation::Scale {
            input: x(),
            factor: 2.0,
            offset: None,
            output: "d".to_owned(),
        };
        Case::default().before(operation, WIDTH)
    };
    let operation = Operation::Add {
        left: x(),
        right: "d".to_owned(),
        output: y(),
    };
    let (input, output) = run(doubled(), operation, WIDTH);
    close(&output, &by_group(&input, 1, |x| vec![x[0] * 3.0]), "add");

    let operation = Operation::Multiply {
        left: x(),
        right: "d".to_owned(),
        output: y(),
    };
    let (input, output) = run(doubled(), operation, WIDTH);
    close(&output, &by_group(&input, 1, |x| vec![x[0] * x[0] * 2.0]), "multiply");

    let sums = Operation::SumGroups {
        input: x(),
        group_size: 4,
        output: "s".to_owned(),
    };
    let operation = Operation::MultiplyGroups {
        input: x(),
        factors: "s".to_owned(),
        group_size: 4,
        output: y(),
    };
    let (input, output) = run(Case::default().before(sums, 3), operation, WIDTH);
    let expected = by_group(&input, 4, |x| {
        x.iter().map(|number| number * x.iter().sum::<f64>()).collect()
    });
    close(&output, &expected, "multiply-groups");

    let vector = noise(6, 3);
    let wide: Vec<f64> = vector.iter().map(|number| f64::from(*number)).collect();
    let case = || Case::default().weight("w", &[6], &vector);
    let operation = Operation::MultiplyVector {
        input: x(),
        weight: "w".to_owned(),
        output: y(),
    };
    let (input, output) = run(case(), operation, WIDTH);
    close(
        &output,
        &by_group(&input, 6, |x| x.iter().zip(&wide).map(|(x, w)| x * w).collect()),
        "multiply-vector",
    );
    let operation = Operation::AddVector {
        input: x(),
        weight: "w".to_owned(),
        output: y(),
    };
    let (input, output) = run(case(), operation, WIDTH);
    close(
        &output,
        &by_group(&input, 6, |x| x.iter().zip(&wide).map(|(x, w)| x + w).collect()),
        "add-vector",
    );
}

#[test]
fn norms_and_softmax_by_group() {
    let (weight, bias) = (noise(4, 5), noise(4, 6));
    let case = || Case::default().weight("w", &[4], &weight).weight("b", &[4], &bias);
    let wide = |vector: &[f32]| vector.iter().map(|number| f64::from(*number)).collect::<Vec<_>>();
    let (w, b) = (wide(&weight), wide(&bias));
    let epsilon = 1e-3;

    let operation = Operation::RmsNorm {
        input: x(),
        weight: Some("w".to_owned()),
        weight_offset: Some(1.0),
        epsilon,
        group_size: Some(4),
        output: y(),
    };
    let (input, output) = run(case(), operation, WIDTH);
    let expected = by_group(&input, 4, |x| {
        let mean = x.iter().map(|x| x * x).sum::<f64>() / 4.0;
        x.iter()
            .zip(&w)
            .map(|(x, w)| x / (mean + epsilon).sqrt() * (w + 1.0))
            .collect()
    });
    close(&output, &expected, "rms-norm");

    let operation = Operation::LayerNorm {
        input: x(),
        weight: Some("w".to_owned()),
        bias: Some("b".to_owned()),
        epsilon,
        group_size: Some(4),
        output: y(),
    };
    let (input, output) = run(case(), operation, WIDTH);
    let expected = by_group(&input, 4, |x| {
        let mean = x.iter().sum::<f64>() / 4.0;
        let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 4.0;
        let scaled = x.iter().map(|x| (x - mean) / (variance + epsilon).sqrt());
        scaled.zip(w.iter().zip(&b)).map(|(x, (w, b))| x * w + b).collect()
    });
    close(&output, &expected, "layer-norm");

    let operation = Operation::L2Norm {
        input: x(),
        epsilon,
        group_size: Some(6),
        output: y(),
    };
    let (input, output) = run(Case::default(), operation, WIDTH);
    let expected = by_group(&input, 6, |x| {
        let sum = x.iter().map(|x| x * x).sum::<f64>();
        x.iter().map(|x| x / (sum + epsilon).sqrt()).collect()
    });
    close(&output, &expected, "l2-norm");

    let operation = Operation::Softmax {
        input: x(),
        group_size: Some(3),
        output: y(),
    };
    let (input, output) = run(Case::default(), operation, WIDTH);
    let expected = by_group(&input, 3, |x| {
        let sum: f64 = x.iter().map(|x| x.exp()).sum();
        x.iter().map(|x| x.exp() / sum).collect()
    });
    close(&output, &expected, "softmax");

    let operation = Operation::SumGroups {
        input: x(),
        group_size: 3,
        output: y(),
    };
    let (input, output) = run(Case::default(), operation, 4);
    close(&output, &by_group(&input, 3, |x| vec![x.iter().sum()]), "sum-groups");
}

#[test]
fn columns_are_cut_joined_and_repeated() {
    let operation = Operation::Slice {
        input: x(),
        from: 3,
        to: 8,
        group_size: None,
        output: y(),
    };
    let (input, output) = run(Case::default(), operation, 5);
    close(&output, &by_group(&input, WIDTH, |x| x[3..8].to_vec()), "slice");

    let operation = Operation::Slice {
        input: x(),
        from: 1,
        to: 3,
        group_size: Some(4),
        output: y(),
    };
    let (input, output) = run(Case::default(), operation, 6);
    close(&output, &by_group(&input, 4, |x| x[1..3].to_vec()), "slice of groups");

    let before = Operation::Slice {
        input: x(),
        from: 0,
        to: 1,
        group_size: Some(4),
        output: "s".to_owned(),
    };
    let operation = Operation::Concat {
        inputs: vec![x(), "s".to_owned()],
        group_sizes: Some(vec![4, 1]),
        output: y(),
    };
    let (input, output) = run(Case::default().before(before, 3), operation, 15);
    close(&output, &by_group(&input, 4, |x| [x, &x[..1]].concat()), "concat");

    let operation = Operation::Repeat {
        input: x(),
        group_size: Some(4),
        times: 2,
        output: y(),
    };
    let (input, output) = run(Case::default(), operation, 24);
    close(&output, &by_group(&input, 4, |x| [x, x].concat()), "repeat");

    let (_, output) = run(Case::default(), Operation::Zeros { width: 7, output: y() }, 7);
    close(&output, &[0.0; 7 * ROWS], "zeros");
}

#[test]
fn rotations_of_part_of_a_head() {
    let frequencies = vec![0.9, 0.31];
    for style in [RotaryStyle::Half, RotaryStyle::Interleaved] {
        let operation = Operation::Rotary {
            input: x(),
            head_size: 6,
            rotated_size: 4,
            style,
            inverse_frequencies: frequencies.clone(),
            magnitude: 1.25,
            output: y(),
        };
        let (input, output) = run(Case::default(), operation, WIDTH);
        let mut expected: Vec<f64> = input.iter().map(|number| f64::from(*number)).collect();
        for (row, columns) in expected.chunks_mut(WIDTH).enumerate() {
            for head in columns.chunks_mut(6) {
                for (index, frequency) in frequencies.iter().enumerate() {
                    let (first, second) = match style {
                        RotaryStyle::Half => (index, index + 2),
                        RotaryStyle::Interleaved => (2 * index, 2 * index + 1),
                    };
                    let (sine, cosine) = (row as f64 * frequency).sin_cos();
                    let (a, b) = (head[first], head[second]);
                    head[first] = (a * cosine - b * sine) * 1.25;
                    head[second] = (b * cosine + a * sine) * 1.25;
                }
            }
        }
        close(&output, &expected, &format!("{style:?}"));
    }
}

#[test]
fn linears_with_bias_and_gated_feed_forward() {
    let (w, v, d) = (noise(8 * WIDTH, 7), noise(8 * WIDTH, 8), noise(WIDTH * 8, 9));
    let (b, c) = (noise(8, 10), noise(WIDTH, 11));
    let times = |matrix: &[f32], x: &[f64], bias: &[f32]| -> Vec<f64> {
        let dot = |row: &[f32]| row.iter().zip(x).map(|(w, x)| f64::from(*w) * x).sum::<f64>();
        matrix
            .chunks(x.len())
            .zip(bias)
            .map(|(row, bias)| dot(row) + f64::from(*bias))
            .collect()
    };
    let operation = Operation::Linear {
        input: x(),
        weight: "w".to_owned(),
        bias: Some("b".to_owned()),
        output: y(),
    };
    let case = Case::default().weight("w", &[8, WIDTH], &w).weight("b", &[8], &b);
    let (input, output) = run(case, operation, 8);
    close(&output, &by_group(&input, WIDTH, |x| times(&w, x, &b)), "linear");

    let operation = Operation::GatedFeedForward {
        input: x(),
        gate: "w".to_owned(),
        up: "v".to_owned(),
        down: "d".to_owned(),
        gate_bias: Some("b".to_owned()),
        up_bias: None,
        down_bias: Some("c".to_owned()),
        activation: ElementwiseFunction::Relu,
        output: y(),
    };
    let case = Case::default()
        .weight("w", &[8, WIDTH], &w)
        .weight("v", &[8, WIDTH], &v)
        .weight("d", &[WIDTH, 8], &d)
        .weight("b", &[8], &b)
        .weight("c", &[WIDTH], &c);
    let (input, output) = run(case, operation, WIDTH);
    let expected = by_group(&input, WIDTH, |x| {
        let (gate, up) = (times(&w, x, &b), times(&v, x, &[0.0; 8]));
        let inner: Vec<f64> = gate.iter().zip(up).map(|(gate, up)| gate.max(0.0) * up).collect();
        times(&d, &inner, &c)
    });
    close(&output, &expected, "gated-feed-forward");
}

#[test]
fn attention_with_a_window_and_sinks() {
    // Three query heads of four columns; one key head and one value head of its first and last four columns.
    let (head, window, scale) = (4, 2, 0.7);
    let sinks = [0.3_f32, -1.0, 2.0];
    let slice = |from: u64, output: &str| Operation::Slice {
        input: x(),
        from,
        to: from + 4,
        group_size: None,
        output: output.to_owned(),
    };
    let mut case = Case::default()
        .before(slice(0, "k"), head)
        .before(slice(8, "v"), head)
        .weight("sinks", &[3], &sinks);
    let state = MemberState::KeyValue {
        layer: 1,
        key_width: 4,
        value_width: 4,
        window: Some(window as u64),
    };
    case.states.insert("state".to_owned(), state);
    let operation = Operation::Attention {
        query: x(),
        key: "k".to_owned(),
        value: "v".to_owned(),
        state: "state".to_owned(),
        head_size: head as u64,
        value_head_size: None,
        scale,
        window: Some(window as u64),
        sinks: Some("sinks".to_owned()),
        output: y(),
    };
    let (input, output) = run(case, operation, WIDTH);
    let rows: Vec<Vec<f64>> = input
        .chunks(WIDTH)
        .map(|row| row.iter().map(|x| f64::from(*x)).collect())
        .collect();
    let mut expected = Vec::new();
    for (position, row) in rows.iter().enumerate() {
        let visible = &rows[(position + 1).saturating_sub(window)..=position];
        for (query, sink) in row.chunks(head).zip(sinks) {
            let dot = |row: &Vec<f64>| query.iter().zip(row).map(|(q, k)| q * k).sum::<f64>() * scale;
            let weights: Vec<f64> = visible.iter().map(|row| dot(row).exp()).collect();
            let total = weights.iter().sum::<f64>() + f64::from(sink).exp();
            let column = |column: usize| {
                weights
                    .iter()
                    .zip(visible)
                    .map(|(w, row)| w * row[8 + column])
                    .sum::<f64>()
            };
            expected.extend((0..head).map(|index| column(index) / total));
        }
    }
    close(&output, &expected, "attention");
}
