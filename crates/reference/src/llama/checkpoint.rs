//! Random checkpoints.

use std::io;
use std::path::Path;

use shoal_program::StorageType;
use shoal_weights::{SafetensorsWriter, TensorDeclaration, encode_row};

use super::LlamaConfig;

/// Writes `model.safetensors` with random weights of the right scale, the same for the same seed.
///
/// # Errors
/// Failures of the file system.
pub fn write_checkpoint(config: &LlamaConfig, storage: StorageType, seed: u64, directory: &Path) -> io::Result<()> {
    let LlamaConfig {
        hidden,
        feed_forward,
        vocabulary,
        head_size,
        ..
    } = *config;
    let (query, key) = (config.heads * head_size, config.key_value_heads * head_size);
    let mut tensors = vec![("model.embed_tokens".to_owned(), vec![vocabulary, hidden])];
    for layer in 0..config.layers {
        let parts: [(&str, Vec<u64>); 9] = [
            ("input_layernorm", vec![hidden]),
            ("self_attn.q_proj", vec![query, hidden]),
            ("self_attn.k_proj", vec![key, hidden]),
            ("self_attn.v_proj", vec![key, hidden]),
            ("self_attn.o_proj", vec![hidden, query]),
            ("post_attention_layernorm", vec![hidden]),
            ("mlp.gate_proj", vec![feed_forward, hidden]),
            ("mlp.up_proj", vec![feed_forward, hidden]),
            ("mlp.down_proj", vec![hidden, feed_forward]),
        ];
        tensors.extend(parts.map(|(part, shape)| (format!("model.layers.{layer}.{part}"), shape)));
    }
    tensors.push(("model.norm".to_owned(), vec![hidden]));
    let declaration = |(name, shape): &(String, Vec<u64>)| TensorDeclaration {
        name: format!("{name}.weight"),
        storage,
        shape: shape.clone(),
    };
    let declarations: Vec<TensorDeclaration> = tensors.iter().map(declaration).collect();
    let mut writer = SafetensorsWriter::create(&directory.join("model.safetensors"), &declarations)?;
    let mut random = SplitMix(seed);
    for declaration in &declarations {
        // Norms near 1, matrices with a deviation of 1.6 / √inputs: logits are then neither flat nor spiky.
        let (offset, scale) = match declaration.shape.as_slice() {
            [_, inputs] => (0.0, 1.6 * 3.0_f32.sqrt() / (*inputs as f32).sqrt()),
            _ => (1.0, 0.1),
        };
        let mut remaining = declaration.shape.iter().product::<u64>();
        let mut values = Vec::new();
        let mut bytes = Vec::new();
        while remaining > 0 {
            let count = remaining.min(65_536);
            values.clear();
            values.extend((0..count).map(|_| offset + scale * random.next_signed()));
            bytes.resize(storage.bytes(count).unwrap_or(0) as usize, 0);
            encode_row(&values, storage, &mut bytes);
            writer.write(&bytes)?;
            remaining -= count;
        }
    }
    writer.finish()
}

/// Steele, Lea, Flood: Fast splittable pseudorandom number generators (OOPSLA 2014).
struct SplitMix(u64);

impl SplitMix {
    /// A number in [-1, 1).
    fn next_signed(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        (bits >> 40) as f32 / (1_u32 << 23) as f32 - 1.0
    }
}
