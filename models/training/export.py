"""Writes a trained model as a Hugging Face checkpoint and checks that transformers computes the same with it.

    python export.py --weights OUTPUT/model.pt --tokenizer OUTPUT/tokenizer.json --output ../shoal-tiny-chat
"""

import argparse
import json
import random
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import AutoTokenizer, LlamaForCausalLM

from data import draw_conversation, messages
from evaluate import load
from model import ModelConfig
from tokenizer import BEGIN, CHAT_TEMPLATE, END, encode

LARGEST_DIFFERENCE = 1e-4
"""Between transformers' logits and ours, relative to the largest logit."""


def write_json(path: Path, value: dict) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")


def write_checkpoint(state: dict[str, torch.Tensor], tokenizer: Tokenizer, folder: Path) -> None:
    config = ModelConfig(vocabulary_size=tokenizer.get_vocab_size())
    begin, end = tokenizer.token_to_id(BEGIN), tokenizer.token_to_id(END)
    folder.mkdir(parents=True, exist_ok=True)
    # rope_theta, rope_scaling and torch_dtype are the older spelling, which newer readers accept as well.
    write_json(folder / "config.json", {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": config.vocabulary_size,
        "hidden_size": config.hidden_size,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.key_value_heads,
        "head_dim": config.head_size,
        "intermediate_size": config.feed_forward_size,
        "max_position_embeddings": config.context_length,
        "hidden_act": "silu",
        "rms_norm_eps": config.norm_epsilon,
        "rope_theta": config.rope_theta,
        "rope_scaling": None,
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": True,
        "bos_token_id": begin,
        "eos_token_id": end,
        "torch_dtype": "bfloat16",
    })
    write_json(folder / "generation_config.json", {
        "bos_token_id": begin, "eos_token_id": end, "do_sample": False, "max_new_tokens": 96,
    })
    write_json(folder / "tokenizer_config.json", {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": BEGIN,
        "eos_token": END,
        "add_bos_token": False,
        "add_eos_token": False,
        "model_max_length": config.context_length,
        "clean_up_tokenization_spaces": False,
        "chat_template": CHAT_TEMPLATE,
    })
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    weights = {name: tensor.to(torch.bfloat16).contiguous() for name, tensor in sorted(state.items())}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


@torch.no_grad()
def check(folder: Path) -> None:
    """Raises unless transformers renders, tokenizes and computes what the training did."""
    ours, tokenizer = load(folder)
    theirs = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    their_tokenizer = AutoTokenizer.from_pretrained(folder)
    rng = random.Random("export")
    for _ in range(20):
        conversation = draw_conversation(rng, held_out=True)
        ids, _ = encode(tokenizer, *conversation)
        rendered = their_tokenizer.apply_chat_template(messages(*conversation), tokenize=False)
        if their_tokenizer.encode(rendered, add_special_tokens=False)[:-1] != ids:
            raise RuntimeError(f"the chat template renders other tokens than the training saw: {rendered}")
        batch = torch.tensor([ids])
        expected = theirs(batch).logits
        difference = (ours.logits(ours.model(batch)) - expected).abs().max() / expected.abs().max()
        if difference > LARGEST_DIFFERENCE:
            raise RuntimeError(f"transformers' logits differ by {difference:.2g} of the largest")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    saved = torch.load(options.weights)
    # A state that train.py saved on the way holds the model beside its optimizers.
    write_checkpoint(saved.get("model", saved), Tokenizer.from_file(str(options.tokenizer)), options.output)
    check(options.output)
    print(f"wrote {options.output}, and transformers agrees")
