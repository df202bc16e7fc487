//! Llama-class member programs and random checkpoints, for tests and benchmarks only.

mod checkpoint;
mod program;

use shoal_program::{Range, StorageType};

pub use checkpoint::write_checkpoint;
pub use program::member_program;

/// Sizes of a model; tied embeddings, no biases.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LlamaConfig {
    /// Layers.
    pub layers: u64,
    /// Columns of the hidden state.
    pub hidden: u64,
    /// Columns of the feed-forward part.
    pub feed_forward: u64,
    /// Query heads.
    pub heads: u64,
    /// Key-value heads.
    pub key_value_heads: u64,
    /// Columns of a head.
    pub head_size: u64,
    /// Entries of the vocabulary.
    pub vocabulary: u64,
    /// Base of the rotary frequencies.
    pub rotary_base: f64,
    /// Added under the roots of norms.
    pub epsilon: f64,
}

impl LlamaConfig {
    /// The shape of Llama-3.2-1B, without its rope scaling.
    pub fn llama_3_2_1b() -> Self {
        Self {
            layers: 16,
            hidden: 2048,
            feed_forward: 8192,
            heads: 32,
            key_value_heads: 8,
            head_size: 64,
            vocabulary: 128_256,
            rotary_base: 500_000.0,
            epsilon: 1e-5,
        }
    }

    /// A model that the reference backend runs in milliseconds.
    pub fn tiny() -> Self {
        Self {
            layers: 4,
            hidden: 64,
            feed_forward: 96,
            heads: 6,
            key_value_heads: 3,
            head_size: 32,
            vocabulary: 96,
            rotary_base: 10_000.0,
            epsilon: 1e-5,
        }
    }
}

/// The shares of one member: key-value heads, feed-forward columns and vocabulary entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LlamaShare {
    /// Key-value heads with their query heads; may be empty.
    pub key_value_heads: Range,
    /// Feed-forward columns; may be empty.
    pub feed_forward: Range,
    /// Vocabulary entries; may be empty.
    pub vocabulary: Range,
}

/// One member of one stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LlamaShard {
    /// Layers of the stage.
    pub layers: Range,
    /// Rank within the stage.
    pub member: u32,
    /// Members of the stage.
    pub member_count: u32,
    /// What this member holds.
    pub share: LlamaShare,
    /// Storage of matrices and the embedding.
    pub storage: StorageType,
}

/// Cuts `size` in parts in proportion to `weights`, at multiples of `granularity`.
pub fn cut(size: u64, granularity: u64, weights: &[u64]) -> Vec<Range> {
    let total: u64 = weights.iter().sum();
    let mut ranges = Vec::with_capacity(weights.len());
    let (mut sum, mut from) = (0, 0);
    for weight in weights {
        sum += weight;
        let to = if sum == total {
            size
        } else {
            size * sum / total / granularity * granularity
        };
        ranges.push(Range(from, to.max(from)));
        from = to.max(from);
    }
    ranges
}

/// The shards of stages with equal numbers of layers; each stage is given by the weights of its members.
pub fn shards(config: &LlamaConfig, stages: &[Vec<u64>], storage: StorageType) -> Vec<Vec<LlamaShard>> {
    let layers = cut(config.layers, 1, &vec![1; stages.len()]);
    let members = |layers: Range, weights: &[u64]| -> Vec<LlamaShard> {
        let heads = cut(config.key_value_heads, 1, weights);
        let feed_forward = cut(config.feed_forward, 32, weights);
        let vocabulary = cut(config.vocabulary, 32, weights);
        let shares = heads.into_iter().zip(feed_forward).zip(vocabulary).enumerate();
        shares
            .map(|(member, ((key_value_heads, feed_forward), vocabulary))| LlamaShard {
                layers,
                member: member as u32,
                member_count: weights.len() as u32,
                share: LlamaShare {
                    key_value_heads,
                    feed_forward,
                    vocabulary,
                },
                storage,
            })
            .collect()
    };
    layers
        .into_iter()
        .zip(stages)
        .map(|(layers, weights)| members(layers, weights))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use shoal_program::{MemberProgram, ProgramLimits};

    #[test]
    fn every_share_gives_a_valid_program() {
        let config = LlamaConfig::tiny();
        for stages in [
            vec![vec![1]],
            vec![vec![1], vec![1], vec![1]],
            vec![vec![1, 2], vec![3, 0, 1]],
        ] {
            for shard in shards(&config, &stages, StorageType::F32).iter().flatten() {
                let program = member_program(&config, shard);
                program.validate(&ProgramLimits::default()).unwrap();
                assert_eq!(MemberProgram::parse(&program.to_json().unwrap()).unwrap(), program);
            }
        }
    }

    #[test]
    fn cuts_cover_the_axis_in_proportion() {
        assert_eq!(cut(96, 32, &[1, 2]), [Range(0, 32), Range(32, 96)]);
        assert_eq!(cut(3, 1, &[3, 0, 1]), [Range(0, 2), Range(2, 2), Range(2, 3)]);
    }
}
