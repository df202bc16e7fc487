"""Writes the benchmark's checkpoint as GGUF, in the tensor types that the engine is measured with."""

import json
import mmap
import pathlib

import gguf
import numpy

TYPES = {
    'q4_0': gguf.GGMLQuantizationType.Q4_0,
    'q8_0': gguf.GGMLQuantizationType.Q8_0,
    'bf16': gguf.GGMLQuantizationType.BF16,
}

# The names of one layer's tensors: safetensors, GGUF.
LAYER_TENSORS = {
    'input_layernorm': 'attn_norm',
    'self_attn.q_proj': 'attn_q',
    'self_attn.k_proj': 'attn_k',
    'self_attn.v_proj': 'attn_v',
    'self_attn.o_proj': 'attn_output',
    'post_attention_layernorm': 'ffn_norm',
    'mlp.gate_proj': 'ffn_gate',
    'mlp.up_proj': 'ffn_up',
    'mlp.down_proj': 'ffn_down',
}

HEADS, KEY_VALUE_HEADS, HEAD_SIZE = 32, 8, 64


def read_tensors(path: pathlib.Path) -> dict[str, numpy.ndarray]:
    """Every tensor of a BF16 safetensors file, as raw 16-bit words that lie in the mapped file."""
    with path.open('rb') as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    header_bytes = int.from_bytes(data[:8], 'little')
    header = json.loads(data[8 : 8 + header_bytes])
    header.pop('__metadata__', None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry['data_offsets']
        words = numpy.frombuffer(data, dtype='<u2', count=(end - begin) // 2, offset=8 + header_bytes + begin)
        tensors[name] = words.reshape(entry['shape'])
    return tensors


def to_float(words: numpy.ndarray) -> numpy.ndarray:
    return (words.astype(numpy.uint32) << 16).view(numpy.float32)


def permute(weight: numpy.ndarray, heads: int) -> numpy.ndarray:
    """llama.cpp rotates neighbouring columns of a head, Hugging Face's layout pairs its halves."""
    rows = weight.shape[0]
    return weight.reshape(heads, 2, rows // heads // 2, -1).swapaxes(1, 2).reshape(weight.shape)


def write(checkpoint: pathlib.Path, storage: str, output: pathlib.Path) -> None:
    tensors = read_tensors(checkpoint / 'model.safetensors')
    embedding = tensors['model.embed_tokens.weight']
    layers = sum(name.endswith('input_layernorm.weight') for name in tensors)
    writer = gguf.GGUFWriter(output, 'llama')
    writer.add_context_length(2048)
    writer.add_embedding_length(embedding.shape[1])
    writer.add_block_count(layers)
    writer.add_feed_forward_length(tensors['model.layers.0.mlp.gate_proj.weight'].shape[0])
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_VALUE_HEADS)
    writer.add_rope_dimension_count(HEAD_SIZE)
    writer.add_rope_freq_base(500_000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(embedding.shape[0])
    writer.add_tokenizer_model('no_vocab')

    def add(name: str, words: numpy.ndarray, heads: int | None = None) -> None:
        values = to_float(words)
        if values.ndim == 1:
            writer.add_tensor(name, values)
            return
        if heads is not None:
            values = permute(values, heads)
        writer.add_tensor(name, gguf.quants.quantize(values, TYPES[storage]), raw_dtype=TYPES[storage])

    add('token_embd.weight', embedding)
    for layer in range(layers):
        for source, target in LAYER_TENSORS.items():
            heads = {'attn_q': HEADS, 'attn_k': KEY_VALUE_HEADS}.get(target)
            add(f'blk.{layer}.{target}.weight', tensors[f'model.layers.{layer}.{source}.weight'], heads)
    add('output_norm.weight', tensors['model.norm.weight'])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
