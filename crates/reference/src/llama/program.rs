//! Writes the program of one member, operation by operation.

use std::collections::BTreeMap;

use shoal_program::{
    Communication, ElementwiseFunction, MemberOutput, MemberProgram, MemberState, MemberValue, MemberWeight, Operation,
    PROGRAM_VERSION, ProgramInput, Range, RotaryStyle, Segment, StorageType, ValueRows, WeightExpression, WeightRole,
};

use super::{LlamaConfig, LlamaShard};

/// Writes a program step by step.
struct Writer<'model> {
    config: &'model LlamaConfig,
    shard: &'model LlamaShard,
    values: BTreeMap<String, MemberValue>,
    weights: BTreeMap<String, MemberWeight>,
    states: BTreeMap<String, MemberState>,
    boundary_values: Vec<String>,
    segments: Vec<Segment>,
    operations: Vec<Operation>,
}

/// The program of one member.
pub fn member_program(config: &LlamaConfig, shard: &LlamaShard) -> MemberProgram {
    let mut writer = Writer {
        config,
        shard,
        values: BTreeMap::new(),
        weights: BTreeMap::new(),
        states: BTreeMap::new(),
        boundary_values: Vec::new(),
        segments: Vec::new(),
        operations: Vec::new(),
    };
    let is_first = shard.layers.0 == 0;
    let is_last = shard.layers.1 == config.layers;
    let mut hidden = writer.value("hidden", config.hidden, ValueRows::Tokens);
    let input = if is_first {
        let weight = writer.weight(
            "embedding",
            "model.embed_tokens.weight",
            &[config.vocabulary, config.hidden],
            None,
            WeightRole::Embedding,
        );
        writer.operations.push(Operation::Embedding {
            weight,
            output: hidden.clone(),
        });
        ProgramInput::Tokens
    } else {
        writer.boundary_values.push(hidden.clone());
        ProgramInput::Hidden {
            value: hidden.clone(),
            width: config.hidden,
        }
    };
    for layer in shard.layers.0..shard.layers.1 {
        hidden = writer.layer(layer, &hidden);
    }
    let output = if is_last {
        writer.logits(&hidden)
    } else {
        writer.boundary_values.push(hidden.clone());
        MemberOutput::Hidden { value: hidden }
    };
    writer.end_segment(None);
    MemberProgram {
        program_version: PROGRAM_VERSION,
        family: "llama".to_owned(),
        layers: shard.layers,
        member: shard.member,
        member_count: shard.member_count,
        input,
        output,
        values: writer.values,
        boundary_values: writer.boundary_values,
        weights: writer.weights,
        states: writer.states,
        segments: writer.segments,
    }
}

impl Writer<'_> {
    fn value(&mut self, name: &str, width: u64, rows: ValueRows) -> String {
        self.values.insert(name.to_owned(), MemberValue { width, rows });
        name.to_owned()
    }

    fn tokens(&mut self, name: String, width: u64) -> String {
        self.value(&name, width, ValueRows::Tokens)
    }

    /// A weight of a whole shape, or of a range of one of its axes.
    fn weight(
        &mut self,
        name: &str,
        tensor: &str,
        shape: &[u64],
        slice: Option<(usize, Range)>,
        role: WeightRole,
    ) -> String {
        let mut shape = shape.to_vec();
        let mut source = WeightExpression::Tensor {
            name: tensor.to_owned(),
        };
        if let Some((axis, range)) = slice
            && range.length() != shape[axis]
        {
            shape[axis] = range.length();
            let input = Box::new(source);
            source = WeightExpression::Slice { input, axis, range };
        }
        let storage = if role == WeightRole::Vector {
            StorageType::F32
        } else {
            self.shard.storage
        };
        self.weights.insert(
            name.to_owned(),
            MemberWeight {
                shape,
                source,
                role,
                storage,
            },
        );
        name.to_owned()
    }

    fn end_segment(&mut self, communication: Option<Communication>) {
        self.segments.push(Segment {
            operations: std::mem::take(&mut self.operations),
            communication,
        });
    }

    /// Makes a partial sum whole, where the stage has several members.
    fn reduce(&mut self, value: &str) {
        if self.shard.member_count > 1 {
            self.boundary_values.push(value.to_owned());
            self.end_segment(Some(Communication::AllReduceSum {
                value: value.to_owned(),
            }));
        }
    }

    fn norm(&mut self, name: String, tensor: &str, input: &str, rows: ValueRows) -> String {
        let width = self.config.hidden;
        let weight = self.weight(&format!("{name}.weight"), tensor, &[width], None, WeightRole::Vector);
        let output = self.value(&name, width, rows);
        self.operations.push(Operation::RmsNorm {
            input: input.to_owned(),
            weight: Some(weight),
            weight_offset: None,
            epsilon: self.config.epsilon,
            group_size: None,
            output: output.clone(),
        });
        output
    }

    fn linear(&mut self, name: String, tensor: String, input: &str, shape: [u64; 2], slice: (usize, Range)) -> String {
        let weight = self.weight(
            &format!("{name}.weight"),
            &tensor,
            &shape,
            Some(slice),
            WeightRole::Matrix,
        );
        let width = if slice.0 == 0 { slice.1.length() } else { shape[0] };
        let output = self.tokens(name, width);
        self.operations.push(Operation::Linear {
            input: input.to_owned(),
            weight,
            bias: None,
            output: output.clone(),
        });
        output
    }

    fn rotary(&mut self, name: String, input: &str, width: u64) -> String {
        let output = self.tokens(name, width);
        let size = self.config.head_size;
        let frequency = |index: u64| self.config.rotary_base.powf(-2.0 * index as f64 / size as f64);
        self.operations.push(Operation::Rotary {
            input: input.to_owned(),
            head_size: size,
            rotated_size: size,
            style: RotaryStyle::Half,
            inverse_frequencies: (0..size / 2).map(frequency).collect(),
            magnitude: 1.0,
            output: output.clone(),
        });
        output
    }

    fn add(&mut self, name: String, left: &str, right: &str) -> String {
        let output = self.tokens(name, self.config.hidden);
        self.operations.push(Operation::Add {
            left: left.to_owned(),
            right: right.to_owned(),
            output: output.clone(),
        });
        output
    }

    fn layer(&mut self, layer: u64, hidden: &str) -> String {
        let name = |part: &str| format!("layers.{layer}.{part}");
        let tensor = |part: &str| format!("model.layers.{layer}.{part}.weight");
        let rows = ValueRows::Tokens;
        let input = self.norm(name("attention-norm"), &tensor("input_layernorm"), hidden, rows);
        let attended = self.attention(layer, &input);
        self.reduce(&attended);
        let middle = self.add(name("attention-sum"), hidden, &attended);
        let input = self.norm(
            name("feed-forward-norm"),
            &tensor("post_attention_layernorm"),
            &middle,
            rows,
        );

        let (width, columns) = (self.config.feed_forward, self.shard.share.feed_forward);
        let output = self.tokens(name("feed-forward"), self.config.hidden);
        if columns.length() == 0 {
            self.operations.push(Operation::Zeros {
                width: self.config.hidden,
                output: output.clone(),
            });
        } else {
            let hidden = self.config.hidden;
            let mut weight = |part: &str, projection: &str, shape: [u64; 2], axis| {
                let source = tensor(&format!("mlp.{projection}"));
                self.weight(&name(part), &source, &shape, Some((axis, columns)), WeightRole::Matrix)
            };
            let gate = weight("gate", "gate_proj", [width, hidden], 0);
            let up = weight("up", "up_proj", [width, hidden], 0);
            let down = weight("down", "down_proj", [hidden, width], 1);
            self.operations.push(Operation::GatedFeedForward {
                input,
                gate,
                up,
                down,
                gate_bias: None,
                up_bias: None,
                down_bias: None,
                activation: ElementwiseFunction::Silu,
                output: output.clone(),
            });
        }
        self.reduce(&output);
        self.add(name("output"), &middle, &output)
    }

    fn attention(&mut self, layer: u64, input: &str) -> String {
        let name = |part: &str| format!("layers.{layer}.{part}");
        let tensor = |part: &str| format!("model.layers.{layer}.self_attn.{part}.weight");
        let LlamaConfig {
            hidden,
            heads,
            key_value_heads,
            head_size,
            ..
        } = *self.config;
        let share = self.shard.share.key_value_heads;
        let columns = |per_head: u64| Range(share.0 * per_head, share.1 * per_head);
        let query_columns = columns(head_size * heads / key_value_heads);
        let key_columns = columns(head_size);
        if share.length() == 0 {
            let output = self.tokens(name("attention-output"), hidden);
            self.operations.push(Operation::Zeros {
                width: hidden,
                output: output.clone(),
            });
            return output;
        }
        let (query_width, key_width) = (heads * head_size, key_value_heads * head_size);
        let query = self.linear(
            name("query"),
            tensor("q_proj"),
            input,
            [query_width, hidden],
            (0, query_columns),
        );
        let key = self.linear(
            name("key"),
            tensor("k_proj"),
            input,
            [key_width, hidden],
            (0, key_columns),
        );
        let value = self.linear(
            name("value"),
            tensor("v_proj"),
            input,
            [key_width, hidden],
            (0, key_columns),
        );
        let query = self.rotary(name("query-rotated"), &query, query_columns.length());
        let key = self.rotary(name("key-rotated"), &key, key_columns.length());
        let state = name("state");
        self.states.insert(
            state.clone(),
            MemberState::KeyValue {
                layer,
                key_width: key_columns.length(),
                value_width: key_columns.length(),
                window: None,
            },
        );
        let attended = self.tokens(name("attended"), query_columns.length());
        self.operations.push(Operation::Attention {
            query,
            key,
            value,
            state,
            head_size,
            value_head_size: None,
            scale: 1.0 / (head_size as f64).sqrt(),
            window: None,
            sinks: None,
            output: attended.clone(),
        });
        let shape = [hidden, query_width];
        self.linear(
            name("attention-output"),
            tensor("o_proj"),
            &attended,
            shape,
            (1, query_columns),
        )
    }

    fn logits(&mut self, hidden: &str) -> MemberOutput {
        let (width, vocabulary) = (self.config.hidden, self.config.vocabulary);
        let range = self.shard.share.vocabulary;
        let selected = self.value("selected", width, ValueRows::Outputs);
        self.operations.push(Operation::SelectOutputs {
            input: hidden.to_owned(),
            output: selected.clone(),
        });
        let normalized = self.norm(
            "final-norm".to_owned(),
            "model.norm.weight",
            &selected,
            ValueRows::Outputs,
        );
        let value = "logits".to_owned();
        if range.length() > 0 {
            let shape = [vocabulary, width];
            let tensor = "model.embed_tokens.weight";
            let weight = self.weight("head", tensor, &shape, Some((0, range)), WeightRole::Matrix);
            self.value(&value, range.length(), ValueRows::Outputs);
            self.operations.push(Operation::Linear {
                input: normalized,
                weight,
                bias: None,
                output: value.clone(),
            });
            self.boundary_values.push(value.clone());
        }
        MemberOutput::Logits {
            value,
            vocabulary_range: range,
            vocabulary_size: vocabulary,
        }
    }
}
