"""The byte-level tokenizer: trains it on generated conversations and renders conversations as token ids.

    python tokenizer.py OUTPUT/tokenizer.json
"""

import random
import sys
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from data import draw_conversation, messages
from problems import Turn

VOCABULARY_SIZE = 768
"""256 bytes, the special tokens, merges; and a multiple of 32 after a cut by 2, 3 or 4."""

BEGIN, END, SYSTEM, USER, ASSISTANT = "<|begin|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"
SPECIAL_TOKENS = [BEGIN, END, SYSTEM, USER, ASSISTANT]

CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)

IGNORED = -100
"""Label of a token on which nothing is learnt (what PyTorch's cross entropy skips)."""


def train_tokenizer(seed: int, conversations: int = 20_000) -> Tokenizer:
    rng = random.Random(seed)
    tokenizer = Tokenizer(models.BPE())
    # Single digits: the model learns arithmetic digit by digit instead of number by number.
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE, special_tokens=SPECIAL_TOKENS, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    texts = (
        message["content"]
        for _ in range(conversations) for message in messages(*draw_conversation(rng, held_out=False))
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def encode(tokenizer: Tokenizer, system: str | None, turns: list[Turn]) -> tuple[list[int], list[int]]:
    """Returns the ids of a conversation as the chat template renders it, and for each the label of the next token.

    Labels are set where an assistant speaks (its end token included) and IGNORED elsewhere.
    """
    special = {token: tokenizer.token_to_id(token) for token in SPECIAL_TOKENS}
    ids: list[int] = [special[BEGIN]]
    spoken: list[bool] = [False]
    for message in messages(system, turns):
        content = tokenizer.encode(message["content"], add_special_tokens=False).ids
        answer = message["role"] == "assistant"
        ids += [special[f"<|{message['role']}|>"], *content, special[END]]
        spoken += [False, *[answer] * (len(content) + 1)]
    labels = [token if said else IGNORED for token, said in zip(ids[1:], spoken[1:])]
    return ids[:-1], labels


if __name__ == "__main__":
    output = Path(sys.argv[1])
    output.parent.mkdir(parents=True, exist_ok=True)
    train_tokenizer(seed=1).save(str(output))
