//! A Llama model as member programs under any cut, with weights made up from their names, and as plain Rust.

#![allow(dead_code, clippy::unwrap_used)] // shared by tests and the example, which use different parts

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use shoal_abi::backend::{BackendError, WeightSourceImplementation};
use shoal_program::{
    Communication, ElementwiseFunction, MemberOutput, MemberProgram, MemberState, MemberValue, MemberWeight, Operation,
    PROGRAM_VERSION, ProgramInput, Range, RotaryStyle, Segment, StorageType, ValueRows, WeightExpression, WeightRole,
};
use shoal_weights::encode_row;

/// Sizes of the model.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    pub hidden: usize,
    pub inner: usize,
    pub heads: usize,
    pub key_heads: usize,
    pub head_size: usize,
    pub vocabulary: usize,
    pub layers: usize,
    /// Whether the head uses the embedding's weight.
    pub tied: bool,
}

pub const EPSILON: f64 = 1e-5;
pub const ROPE_BASE: f64 = 10_000.0;

/// A member's share: half-open ranges of layers, key heads, inner columns and vocabulary.
#[derive(Debug, Clone, Copy)]
pub struct Share {
    pub layers: (usize, usize),
    pub key_heads: (usize, usize),
    pub inner: (usize, usize),
    pub vocabulary: (usize, usize),
    pub member: usize,
    pub member_count: usize,
}

impl Config {
    pub fn whole(&self) -> Share {
        Share {
            layers: (0, self.layers),
            key_heads: (0, self.key_heads),
            inner: (0, self.inner),
            vocabulary: (0, self.vocabulary),
            member: 0,
            member_count: 1,
        }
    }

    fn group(&self) -> usize {
        self.heads / self.key_heads
    }
}

/// Element [row, column] of the whole weight: reproducible, about normal in spread, scaled by the fan-in.
pub fn element(name: &str, row: usize, column: usize, inputs: usize) -> f32 {
    let mut hasher = DefaultHasher::new();
    (name, row, column).hash(&mut hasher);
    let unit = (hasher.finish() >> 11) as f64 / (1_u64 << 53) as f64 * 2.0 - 1.0;
    if inputs == 0 {
        (1.0 + 0.2 * unit) as f32
    } else {
        (unit * 2.5 / (inputs as f64).sqrt()) as f32
    }
}

/// A part of a weight: rows and columns of the whole.
#[derive(Debug, Clone)]
pub struct Part {
    pub whole: String,
    pub rows: (usize, usize),
    pub columns: (usize, usize),
    /// Columns of the whole, 0 for a vector of factors near 1.
    pub inputs: usize,
}

/// Gives the parts that a program asks for.
pub struct Source(pub BTreeMap<String, Part>);

impl WeightSourceImplementation for Source {
    fn read(&self, name: &str, first: u64, count: u64, storage: u32, into: &mut [u8]) -> Result<(), BackendError> {
        let part = self
            .0
            .get(name)
            .ok_or_else(|| BackendError::new("MODEL_TENSOR_MISSING", name))?;
        let storage = StorageType::from_number(storage).unwrap();
        let bytes = into.len() / count as usize;
        for (index, target) in into.chunks_mut(bytes).enumerate() {
            let row = part.rows.0 + first as usize + index;
            let numbers: Vec<f32> = (part.columns.0..part.columns.1)
                .map(|column| element(&part.whole, row, column, part.inputs))
                .collect();
            encode_row(&numbers, storage, target);
        }
        Ok(())
    }
}

/// The program of one member, with the parts of its weights.
pub fn program(config: &Config, share: &Share, storage: StorageType) -> (MemberProgram, BTreeMap<String, Part>) {
    let mut writer = Writer {
        config: *config,
        share: *share,
        storage,
        parts: BTreeMap::new(),
        weights: BTreeMap::new(),
        values: BTreeMap::new(),
        states: BTreeMap::new(),
        segments: vec![Segment {
            operations: Vec::new(),
            communication: None,
        }],
        boundary: Vec::new(),
    };
    let input = writer.input();
    let mut hidden = match &input {
        ProgramInput::Tokens => "embedded".to_owned(),
        ProgramInput::Hidden { value, .. } => value.clone(),
    };
    for layer in share.layers.0..share.layers.1 {
        hidden = writer.layer(layer, &hidden);
    }
    let output = writer.output(&hidden);
    writer.boundary.push(output.value().to_owned());
    let program = MemberProgram {
        program_version: PROGRAM_VERSION,
        family: "llama".to_owned(),
        layers: Range(share.layers.0 as u64, share.layers.1 as u64),
        member: share.member as u32,
        member_count: share.member_count as u32,
        input,
        output,
        values: writer.values,
        boundary_values: writer.boundary,
        weights: writer.weights,
        states: writer.states,
        segments: writer.segments,
    };
    (program, writer.parts)
}

struct Writer {
    config: Config,
    share: Share,
    storage: StorageType,
    parts: BTreeMap<String, Part>,
    weights: BTreeMap<String, MemberWeight>,
    values: BTreeMap<String, MemberValue>,
    states: BTreeMap<String, MemberState>,
    segments: Vec<Segment>,
    boundary: Vec<String>,
}

impl Writer {
    fn value(&mut self, name: String, width: usize, rows: ValueRows) -> String {
        self.values.insert(
            name.clone(),
            MemberValue {
                width: width as u64,
                rows,
            },
        );
        name
    }

    fn push(&mut self, operation: Operation) {
        self.segments.last_mut().unwrap().operations.push(operation);
    }

    fn matrix(&mut self, name: String, rows: (usize, usize), columns: (usize, usize), inputs: usize) -> String {
        let shape = vec![(rows.1 - rows.0) as u64, (columns.1 - columns.0) as u64];
        self.weight(name, shape, rows, columns, inputs, WeightRole::Matrix, self.storage)
    }

    fn norm_weight(&mut self, name: String) -> String {
        let width = self.config.hidden;
        self.weight(
            name,
            vec![width as u64],
            (0, 1),
            (0, width),
            0,
            WeightRole::Vector,
            StorageType::F32,
        )
    }

    #[allow(clippy::too_many_arguments)]
    fn weight(
        &mut self,
        name: String,
        shape: Vec<u64>,
        rows: (usize, usize),
        columns: (usize, usize),
        inputs: usize,
        role: WeightRole,
        storage: StorageType,
    ) -> String {
        self.parts.insert(
            name.clone(),
            Part {
                whole: name.clone(),
                rows,
                columns,
                inputs,
            },
        );
        let source = WeightExpression::Tensor { name: name.clone() };
        self.weights.insert(
            name.clone(),
            MemberWeight {
                shape,
                source,
                role,
                storage,
            },
        );
        name
    }

    fn input(&mut self) -> ProgramInput {
        let width = self.config.hidden;
        if self.share.layers.0 > 0 {
            let value = self.value("received".to_owned(), width, ValueRows::Tokens);
            self.boundary.push(value.clone());
            return ProgramInput::Hidden {
                value,
                width: width as u64,
            };
        }
        let vocabulary = self.config.vocabulary;
        let weight = self.matrix("embedding".to_owned(), (0, vocabulary), (0, width), width);
        let output = self.value("embedded".to_owned(), width, ValueRows::Tokens);
        self.push(Operation::Embedding { weight, output });
        ProgramInput::Tokens
    }

    fn norm(&mut self, name: &str, input: &str, rows: ValueRows) -> String {
        let weight = self.norm_weight(format!("{name}.weight"));
        let output = self.value(name.to_owned(), self.config.hidden, rows);
        self.push(Operation::RmsNorm {
            input: input.to_owned(),
            weight: Some(weight),
            weight_offset: None,
            epsilon: EPSILON,
            group_size: None,
            output: output.clone(),
        });
        output
    }

    fn linear(&mut self, name: &str, input: &str, weight: String, width: usize, rows: ValueRows) -> String {
        let output = self.value(name.to_owned(), width, rows);
        self.push(Operation::Linear {
            input: input.to_owned(),
            weight,
            bias: None,
            output: output.clone(),
        });
        output
    }

    /// Ends the segment with a sum over members, where there are several, and adds the result to the residual.
    fn add_partial(&mut self, name: &str, residual: &str, partial: &str) -> String {
        if self.share.member_count > 1 {
            self.boundary.push(partial.to_owned());
            let communication = Communication::AllReduceSum {
                value: partial.to_owned(),
            };
            self.segments.last_mut().unwrap().communication = Some(communication);
            self.segments.push(Segment {
                operations: Vec::new(),
                communication: None,
            });
        }
        let output = self.value(name.to_owned(), self.config.hidden, ValueRows::Tokens);
        self.push(Operation::Add {
            left: residual.to_owned(),
            right: partial.to_owned(),
            output: output.clone(),
        });
        output
    }

    fn layer(&mut self, layer: usize, hidden: &str) -> String {
        let Config {
            hidden: width,
            heads,
            head_size,
            ..
        } = self.config;
        let group = self.config.group();
        let (from, to) = self.share.key_heads;
        let keys = (from * head_size, to * head_size);
        let queries = (keys.0 * group, keys.1 * group);
        let (key_width, query_width) = (keys.1 - keys.0, queries.1 - queries.0);
        let tokens = ValueRows::Tokens;

        let normed = self.norm(&format!("{layer}.attention_norm"), hidden, tokens);
        let mut project = |part: &str, rows: (usize, usize)| {
            let weight = self.matrix(format!("{layer}.{part}.weight"), rows, (0, width), width);
            self.linear(&format!("{layer}.{part}"), &normed, weight, rows.1 - rows.0, tokens)
        };
        let (query, key, value) = (project("query", queries), project("key", keys), project("value", keys));
        let mut rotate = |input: String, size: usize| {
            let output = self.value(format!("{input}.rotated"), size, tokens);
            self.push(Operation::Rotary {
                input,
                head_size: head_size as u64,
                rotated_size: head_size as u64,
                style: RotaryStyle::Half,
                inverse_frequencies: inverse_frequencies(head_size),
                magnitude: 1.0,
                output: output.clone(),
            });
            output
        };
        let (query, key) = (rotate(query, query_width), rotate(key, key_width));
        let state = format!("{layer}.state");
        self.states.insert(
            state.clone(),
            MemberState::KeyValue {
                layer: layer as u64,
                key_width: key_width as u64,
                value_width: key_width as u64,
                window: None,
            },
        );
        let attended = self.value(format!("{layer}.attended"), query_width, tokens);
        self.push(Operation::Attention {
            query,
            key,
            value,
            state,
            head_size: head_size as u64,
            value_head_size: None,
            scale: 1.0 / (head_size as f64).sqrt(),
            window: None,
            sinks: None,
            output: attended.clone(),
        });
        let weight = self.matrix(format!("{layer}.output.weight"), (0, width), queries, heads * head_size);
        let partial = self.linear(&format!("{layer}.output"), &attended, weight, width, tokens);
        let middle = self.add_partial(&format!("{layer}.middle"), hidden, &partial);

        let normed = self.norm(&format!("{layer}.inner_norm"), &middle, tokens);
        let inner = self.share.inner;
        let gate = self.matrix(format!("{layer}.gate.weight"), inner, (0, width), width);
        let up = self.matrix(format!("{layer}.up.weight"), inner, (0, width), width);
        let down = self.matrix(format!("{layer}.down.weight"), (0, width), inner, self.config.inner);
        let partial = self.value(format!("{layer}.inner"), width, tokens);
        self.push(Operation::GatedFeedForward {
            input: normed,
            gate,
            up,
            down,
            gate_bias: None,
            up_bias: None,
            down_bias: None,
            activation: ElementwiseFunction::Silu,
            output: partial.clone(),
        });
        self.add_partial(&format!("{layer}.end"), &middle, &partial)
    }

    fn output(&mut self, hidden: &str) -> MemberOutput {
        if self.share.layers.1 < self.config.layers {
            return MemberOutput::Hidden {
                value: hidden.to_owned(),
            };
        }
        let (width, rows) = (self.config.hidden, self.share.vocabulary);
        let selected = self.value("selected".to_owned(), width, ValueRows::Outputs);
        self.push(Operation::SelectOutputs {
            input: hidden.to_owned(),
            output: selected.clone(),
        });
        let normed = self.norm("final_norm", &selected, ValueRows::Outputs);
        let weight = if self.config.tied && self.share.layers.0 == 0 && rows == (0, self.config.vocabulary) {
            "embedding".to_owned()
        } else {
            let name = if self.config.tied { "embedding" } else { "head.weight" };
            let local = self.matrix("head.weight".to_owned(), rows, (0, width), width);
            self.parts.get_mut(&local).unwrap().whole = name.to_owned();
            local
        };
        let value = self.linear("logits", &normed, weight, rows.1 - rows.0, ValueRows::Outputs);
        MemberOutput::Logits {
            value,
            vocabulary_range: Range(rows.0 as u64, rows.1 as u64),
            vocabulary_size: self.config.vocabulary as u64,
        }
    }
}

pub fn inverse_frequencies(head_size: usize) -> Vec<f64> {
    (0..head_size / 2)
        .map(|index| ROPE_BASE.powf(-2.0 * index as f64 / head_size as f64))
        .collect()
}

/// Logits of every position of one sequence, in double precision, straight from the definition.
pub fn reference(config: &Config, tokens: &[u32]) -> Vec<Vec<f64>> {
    let Config {
        hidden: width,
        inner,
        heads,
        key_heads,
        head_size,
        vocabulary,
        layers,
        tied,
    } = *config;
    let matrix = |name: &str, rows: usize, columns: usize| -> Vec<Vec<f64>> {
        let row = |row| {
            (0..columns)
                .map(|column| f64::from(element(name, row, column, columns)))
                .collect()
        };
        (0..rows).map(row).collect()
    };
    let times = |matrix: &[Vec<f64>], x: &[f64]| -> Vec<f64> {
        matrix
            .iter()
            .map(|row| row.iter().zip(x).map(|(w, x)| w * x).sum())
            .collect()
    };
    let norm = |name: &str, x: &[f64]| -> Vec<f64> {
        let mean = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
        let weight = |column| f64::from(element(name, 0, column, 0));
        x.iter()
            .enumerate()
            .map(|(column, x)| x / (mean + EPSILON).sqrt() * weight(column))
            .collect()
    };
    let frequencies = inverse_frequencies(head_size);
    let rotate = |x: &mut [f64], position: usize| {
        for head in x.chunks_mut(head_size) {
            for (index, frequency) in frequencies.iter().enumerate() {
                let (sine, cosine) = (position as f64 * frequency).sin_cos();
                let (a, b) = (head[index], head[index + head_size / 2]);
                head[index] = a * cosine - b * sine;
                head[index + head_size / 2] = b * cosine + a * sine;
            }
        }
    };

    let embedding = matrix("embedding", vocabulary, width);
    let mut rows: Vec<Vec<f64>> = tokens.iter().map(|token| embedding[*token as usize].clone()).collect();
    for layer in 0..layers {
        let load = |part: &str, rows, columns| matrix(&format!("{layer}.{part}.weight"), rows, columns);
        let (wq, wk) = (
            load("query", heads * head_size, width),
            load("key", key_heads * head_size, width),
        );
        let (wv, wo) = (
            load("value", key_heads * head_size, width),
            load("output", width, heads * head_size),
        );
        let (gate, up, down) = (
            load("gate", inner, width),
            load("up", inner, width),
            load("down", width, inner),
        );
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        for (position, x) in rows.iter_mut().enumerate() {
            let normed = norm(&format!("{layer}.attention_norm.weight"), x);
            let (mut query, mut key) = (times(&wq, &normed), times(&wk, &normed));
            rotate(&mut query, position);
            rotate(&mut key, position);
            keys.push(key);
            values.push(times(&wv, &normed));
            let mut attended = vec![0.0; heads * head_size];
            for head in 0..heads {
                let shared = head / (heads / key_heads) * head_size;
                let q = &query[head * head_size..][..head_size];
                let dot = |key: &Vec<f64>| q.iter().zip(&key[shared..]).map(|(q, k)| q * k).sum::<f64>();
                let scores: Vec<f64> = keys.iter().map(|key| dot(key) / (head_size as f64).sqrt()).collect();
                let largest = scores.iter().copied().fold(f64::MIN, f64::max);
                let total: f64 = scores.iter().map(|score| (score - largest).exp()).sum();
                for (score, value) in scores.iter().zip(&values) {
                    let weight = (score - largest).exp() / total;
                    for column in 0..head_size {
                        attended[head * head_size + column] += weight * value[shared + column];
                    }
                }
            }
            for (x, o) in x.iter_mut().zip(times(&wo, &attended)) {
                *x += o;
            }
            let normed = norm(&format!("{layer}.inner_norm.weight"), x);
            let gated: Vec<f64> = times(&gate, &normed)
                .into_iter()
                .zip(times(&up, &normed))
                .map(|(gate, up)| gate / (1.0 + (-gate).exp()) * up)
                .collect();
            for (x, f) in x.iter_mut().zip(times(&down, &gated)) {
                *x += f;
            }
        }
    }
    let head = if tied {
        embedding
    } else {
        matrix("head.weight", vocabulary, width)
    };
    rows.iter()
        .map(|x| times(&head, &norm("final_norm.weight", x)))
        .collect()
}
