//! Weight expressions against a plain evaluation that materialises every intermediate.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use shoal_abi::backend::WeightSource;
use shoal_program::{
    MemberOutput, MemberProgram, MemberWeight, ProgramInput, Range, StorageType, WeightExpression as Expression,
    WeightRole,
};
use shoal_weights::{Checkpoint, ErrorCode, ProgramWeights, encode_row};
use support::{Folder, element, write_checkpoint};

const TENSORS: &[(&str, StorageType, &[u64])] = &[
    ("a", StorageType::Bf16, &[6, 64]),
    ("b", StorageType::F32, &[6, 64]),
    ("c", StorageType::F16, &[4, 3, 32]),
    ("v", StorageType::F16, &[64]),
];

/// A whole tensor in memory.
#[derive(Debug, Clone, PartialEq)]
struct Whole {
    shape: Vec<u64>,
    elements: Vec<f32>,
}

impl Whole {
    /// Builds a tensor of `shape` whose element at an index is `self`'s at `map(index)`.
    fn gather(&self, shape: Vec<u64>, map: impl Fn(&[u64]) -> Vec<u64>) -> Self {
        let count: u64 = shape.iter().product();
        let elements = (0..count).map(|flat| {
            let mut rest = flat;
            let mut index = vec![0; shape.len()];
            for axis in (0..shape.len()).rev() {
                index[axis] = rest % shape[axis];
                rest /= shape[axis];
            }
            let source = map(&index);
            let flat = source
                .iter()
                .zip(&self.shape)
                .fold(0, |flat, (index, size)| flat * size + index);
            self.elements[flat as usize]
        });
        Self {
            elements: elements.collect(),
            shape,
        }
    }
}

fn evaluate(expression: &Expression) -> Whole {
    match expression {
        Expression::Tensor { name } => {
            let position = TENSORS.iter().position(|(tensor, ..)| tensor == name).unwrap();
            let shape = TENSORS[position].2.to_vec();
            let count: u64 = shape.iter().product();
            let elements = (0..count).map(|index| element(position, index)).collect();
            Whole { shape, elements }
        }
        Expression::Slice { input, axis, range } => {
            let input = evaluate(input);
            let mut shape = input.shape.clone();
            shape[*axis] = range.length();
            input.gather(shape, |index| {
                let mut index = index.to_vec();
                index[*axis] += range.0;
                index
            })
        }
        Expression::Stride {
            input,
            axis,
            start,
            step,
        } => {
            let input = evaluate(input);
            let mut shape = input.shape.clone();
            shape[*axis] = (shape[*axis] - start).div_ceil(*step);
            input.gather(shape, |index| {
                let mut index = index.to_vec();
                index[*axis] = start + index[*axis] * step;
                index
            })
        }
        Expression::Transpose { input } => {
            let input = evaluate(input);
            let last = input.shape.len() - 1;
            let mut shape = input.shape.clone();
            shape.swap(last, last - 1);
            input.gather(shape, |index| {
                let mut index = index.to_vec();
                index.swap(last, last - 1);
                index
            })
        }
        Expression::Permute { input, order } => {
            let input = evaluate(input);
            let shape = order.iter().map(|axis| input.shape[*axis]).collect();
            input.gather(shape, |index| {
                let mut source = vec![0; index.len()];
                order.iter().zip(index).for_each(|(axis, index)| source[*axis] = *index);
                source
            })
        }
        Expression::Reshape { input, shape } => Whole {
            shape: shape.clone(),
            elements: evaluate(input).elements,
        },
        Expression::Stack { inputs } => {
            let parts: Vec<Whole> = inputs.iter().map(evaluate).collect();
            let mut shape = vec![parts.len() as u64];
            shape.extend(&parts[0].shape);
            Whole {
                shape,
                elements: parts.into_iter().flat_map(|part| part.elements).collect(),
            }
        }
        Expression::Concat { inputs, axis } => {
            let parts: Vec<Whole> = inputs.iter().map(evaluate).collect();
            let mut shape = parts[0].shape.clone();
            shape[*axis] = parts.iter().map(|part| part.shape[*axis]).sum();
            let outer: u64 = shape[..*axis].iter().product();
            let mut elements = Vec::new();
            for block in 0..outer as usize {
                for part in &parts {
                    let length: u64 = part.shape[*axis..].iter().product();
                    elements.extend_from_slice(&part.elements[block * length as usize..(block + 1) * length as usize]);
                }
            }
            Whole { shape, elements }
        }
        // The elements are small integers, exact in every floating point type.
        Expression::Convert { input, .. } => evaluate(input),
    }
}

fn boxed(expression: Expression) -> Box<Expression> {
    Box::new(expression)
}

fn tensor(name: &str) -> Expression {
    Expression::Tensor { name: name.to_owned() }
}

/// Wraps an expression in one more operation, chosen by `choice`, that is legal for its shape.
fn wrap(input: Expression, choice: u8, first: u64, second: u64) -> Expression {
    let shape = evaluate(&input).shape;
    let axis = first as usize % shape.len();
    let size = shape[axis];
    match choice % 8 {
        0 => {
            let from = first % size;
            let to = from + 1 + second % (size - from);
            Expression::Slice {
                input: boxed(input),
                axis,
                range: Range(from, to),
            }
        }
        1 => Expression::Stride {
            input: boxed(input),
            axis,
            start: second % size,
            step: 1 + first % 3,
        },
        2 if shape.len() > 1 => Expression::Transpose { input: boxed(input) },
        3 => {
            let mut order: Vec<usize> = (0..shape.len()).collect();
            order.rotate_left(second as usize % shape.len());
            Expression::Permute {
                input: boxed(input),
                order,
            }
        }
        4 => Expression::Concat {
            inputs: vec![input.clone(), input],
            axis,
        },
        5 if shape.len() < 3 => Expression::Stack {
            inputs: vec![input.clone(), input],
        },
        6 => {
            let shape = match shape.as_slice() {
                [length] => vec![1, *length],
                [first, rest @ ..] => {
                    let rest: u64 = rest.iter().product();
                    vec![first * rest]
                }
                [] => vec![1],
            };
            Expression::Reshape {
                input: boxed(input),
                shape,
            }
        }
        _ => Expression::Convert {
            input: boxed(input),
            to: StorageType::Bf16,
        },
    }
}

fn program(expression: &Expression, shape: &[u64]) -> MemberProgram {
    let weight = MemberWeight {
        shape: shape.to_vec(),
        source: expression.clone(),
        role: WeightRole::Matrix,
        storage: StorageType::F32,
    };
    MemberProgram {
        program_version: 1,
        family: "test".to_owned(),
        layers: Range(0, 1),
        member: 0,
        member_count: 1,
        input: ProgramInput::Tokens,
        output: MemberOutput::Hidden { value: "x".to_owned() },
        values: BTreeMap::new(),
        boundary_values: Vec::new(),
        weights: [("w".to_owned(), weight)].into(),
        states: BTreeMap::new(),
        segments: Vec::new(),
    }
}

fn open() -> (Folder, Arc<Checkpoint>) {
    let folder = Folder::new();
    write_checkpoint(&folder, "model.safetensors", TENSORS);
    let checkpoint = Arc::new(Checkpoint::open(folder.path()).unwrap());
    (folder, checkpoint)
}

/// Reads the weight in every storage type that its rows allow, whole and in two parts, and compares.
fn check(checkpoint: &Arc<Checkpoint>, expression: &Expression) {
    let expected = evaluate(expression);
    let weights = ProgramWeights::new(checkpoint.clone(), &program(expression, &expected.shape)).unwrap();
    let (rows, width) = match expected.shape.as_slice() {
        [width] => (1, *width),
        [rows, rest @ ..] => (*rows, rest.iter().product()),
        [] => (1, 1),
    };
    for storage in StorageType::ALL {
        let Some(row_bytes) = storage.bytes(width) else {
            continue;
        };
        let mut wanted = vec![0; (row_bytes * rows) as usize];
        for (row, bytes) in expected
            .elements
            .chunks(width as usize)
            .zip(wanted.chunks_mut(row_bytes as usize))
        {
            encode_row(row, storage, bytes);
        }
        let middle = rows / 2;
        for (first, count) in [(0, rows), (0, middle), (middle, rows - middle)] {
            let range = (first * row_bytes) as usize..((first + count) * row_bytes) as usize;
            let mut found = vec![0xaa; range.len()];
            weights.read("w", first, count, storage, &mut found).unwrap();
            assert!(
                found == wanted[range.clone()],
                "{storage:?} rows {first} + {count} of {expression:?}"
            );
            if let Some(borrowed) = weights.borrow("w", first, count, storage) {
                assert!(borrowed == &wanted[range], "borrowed {storage:?} of {expression:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_expression_gives_what_a_plain_evaluation_gives(
        start in 0..TENSORS.len(),
        steps in prop::collection::vec((any::<u8>(), 0..200_u64, 0..200_u64), 0..6),
    ) {
        thread_local! {
            static OPEN: (Folder, Arc<Checkpoint>) = open();
        }
        let mut expression = tensor(TENSORS[start].0);
        for (choice, first, second) in steps {
            if evaluate(&expression).elements.len() < 4096 {
                expression = wrap(expression, choice, first, second);
            }
        }
        OPEN.with(|(_, checkpoint)| check(checkpoint, &expression));
    }
}

#[test]
fn what_models_need_is_right() {
    let (_folder, checkpoint) = open();
    let slice = |input, axis, from, to| Expression::Slice {
        input: boxed(input),
        axis,
        range: Range(from, to),
    };
    // Columns of a member, rows of a member, fused and interleaved projections, stacked experts.
    check(&checkpoint, &slice(tensor("a"), 1, 32, 64));
    check(&checkpoint, &slice(tensor("a"), 0, 2, 5));
    check(
        &checkpoint,
        &Expression::Concat {
            inputs: vec![tensor("a"), tensor("b")],
            axis: 0,
        },
    );
    check(
        &checkpoint,
        &Expression::Stride {
            input: boxed(tensor("a")),
            axis: 0,
            start: 1,
            step: 2,
        },
    );
    let experts = Expression::Stack {
        inputs: vec![tensor("a"), tensor("b")],
    };
    check(
        &checkpoint,
        &slice(Expression::Transpose { input: boxed(experts) }, 2, 1, 4),
    );
    check(&checkpoint, &tensor("v"));
    check(&checkpoint, &slice(tensor("v"), 0, 10, 42));
}

#[test]
fn rows_that_lie_as_wanted_are_borrowed() {
    let (_folder, checkpoint) = open();
    let rows = Expression::Slice {
        input: boxed(tensor("a")),
        axis: 0,
        range: Range(2, 5),
    };
    let weights = ProgramWeights::new(checkpoint.clone(), &program(&rows, &[3, 64])).unwrap();
    assert_eq!(weights.borrow("w", 1, 2, StorageType::Bf16).unwrap().len(), 256);
    assert!(weights.borrow("w", 1, 2, StorageType::F32).is_none());
    assert!(weights.borrow("w", 1, 3, StorageType::Bf16).is_none());
    let columns = Expression::Slice {
        input: boxed(tensor("a")),
        axis: 1,
        range: Range(0, 32),
    };
    let weights = ProgramWeights::new(checkpoint, &program(&columns, &[6, 32])).unwrap();
    assert!(weights.borrow("w", 0, 2, StorageType::Bf16).is_none());
    assert!(weights.borrow("w", 0, 1, StorageType::Bf16).is_some());
}

#[test]
fn wrong_expressions_are_refused_with_the_weight() {
    let (_folder, checkpoint) = open();
    let refuse = |expression: Expression, shape: &[u64]| {
        let error = ProgramWeights::new(checkpoint.clone(), &program(&expression, shape)).unwrap_err();
        assert!(error.message.contains("weight 'w'"), "{error}");
        error.code
    };
    assert_eq!(refuse(tensor("nothing"), &[1]), ErrorCode::TensorMissing);
    assert_eq!(refuse(tensor("a"), &[64, 6]), ErrorCode::TensorShape);
    let slice = |axis, from, to| Expression::Slice {
        input: boxed(tensor("a")),
        axis,
        range: Range(from, to),
    };
    for expression in [
        slice(2, 0, 1),
        slice(0, 0, 7),
        slice(0, 3, 2),
        Expression::Permute {
            input: boxed(tensor("a")),
            order: vec![0, 0],
        },
        Expression::Permute {
            input: boxed(tensor("a")),
            order: vec![0],
        },
        Expression::Reshape {
            input: boxed(tensor("a")),
            shape: vec![7, 64],
        },
        Expression::Reshape {
            input: boxed(tensor("a")),
            shape: vec![u64::MAX, 64],
        },
        Expression::Transpose {
            input: boxed(tensor("v")),
        },
        Expression::Concat {
            inputs: vec![tensor("a"), tensor("v")],
            axis: 0,
        },
        Expression::Concat {
            inputs: vec![tensor("a"), tensor("a")],
            axis: 2,
        },
        Expression::Concat {
            inputs: vec![],
            axis: 0,
        },
        Expression::Stride {
            input: boxed(tensor("a")),
            axis: 0,
            start: 6,
            step: 1,
        },
        Expression::Stride {
            input: boxed(tensor("a")),
            axis: 0,
            start: 0,
            step: 0,
        },
    ] {
        assert_eq!(refuse(expression, &[1]), ErrorCode::ProgramInvalid);
    }
}

#[test]
fn reads_beyond_a_weight_are_refused() {
    let (_folder, checkpoint) = open();
    let weights = ProgramWeights::new(checkpoint, &program(&tensor("a"), &[6, 64])).unwrap();
    let source = WeightSource::export(weights);
    let mut bytes = vec![0; 6 * 64 * 4];
    source.read("w", 0, 6, 0, &mut bytes).unwrap();
    for (name, first, count, storage) in [
        ("x", 0, 6, 0),
        ("w", 1, 6, 0),
        ("w", u64::MAX, 6, 0),
        ("w", 0, 5, 0),
        ("w", 0, 6, 1),
        ("w", 0, 6, 9),
    ] {
        let error = source.read(name, first, count, storage, &mut bytes).unwrap_err();
        assert_eq!(error.code, "PROGRAM_INVALID", "{name} {first} {count} {storage}");
    }
}
