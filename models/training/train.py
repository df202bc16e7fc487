"""Trains the model on conversations made as it goes, each seen about once.

    python train.py --tokenizer OUTPUT/tokenizer.json --output OUTPUT

The learning rate warms up, stays, and falls to zero over the last part of the run. State is saved every few hundred
steps; started again with the same arguments, a run goes on from there. Because the rate before the fall does not
depend on the number of steps, a state from before the fall may also be finished with another --steps.
"""

import argparse
import random
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from data import draw_conversation
from model import LanguageModel, ModelConfig
from optimizer import Muon
from tokenizer import IGNORED, encode

TOKENS_PER_BATCH = 4096
CONVERSATIONS_PER_POOL = 8192
"""A pool is sorted by length before it is cut into batches, so that little padding is computed."""

WARM_UP_STEPS = 60
SAVE_EVERY = 200
REPORT_EVERY = 25


def batches(tokenizer: Tokenizer, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless (ids, labels), both [conversations, length]."""
    pool_index = 0
    while True:
        rng = random.Random(f"{seed}/{pool_index}")
        pool_index += 1
        pool = [encode(tokenizer, *draw_conversation(rng, held_out=False)) for _ in range(CONVERSATIONS_PER_POOL)]
        pool.sort(key=lambda conversation: len(conversation[0]))
        cut: list[tuple[Tensor, Tensor]] = []
        start = 0
        while start < len(pool):
            end = start + 1
            while end < len(pool) and len(pool[end][0]) * (end + 1 - start) <= TOKENS_PER_BATCH:
                end += 1
            length = len(pool[end - 1][0])
            ids = torch.tensor([i + [0] * (length - len(i)) for i, _ in pool[start:end]])
            labels = torch.tensor([i + [IGNORED] * (length - len(i)) for _, i in pool[start:end]])
            cut.append((ids, labels))
            start = end
        rng.shuffle(cut)
        yield from cut


def learning_rate_factor(step: int, steps: int, decay_steps: int) -> float:
    return min(1.0, (step + 1) / WARM_UP_STEPS, (steps - step) / decay_steps)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=2200)
    parser.add_argument("--decay-steps", type=int, default=800)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--matrix-learning-rate", type=float, default=0.01)
    parser.add_argument("--other-learning-rate", type=float, default=0.002)
    parser.add_argument("--bfloat16", action="store_true", help="multiply in BF16 where the CPU is faster at it")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    state_path = options.output / "state.pt"

    torch.manual_seed(options.seed)
    tokenizer = Tokenizer.from_file(str(options.tokenizer))
    model = LanguageModel(ModelConfig(vocabulary_size=tokenizer.get_vocab_size()))
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    others = [p for name, p in model.named_parameters() if p.ndim != 2 or "embed" in name]
    optimizers: list[torch.optim.Optimizer] = [
        Muon(matrices, options.matrix_learning_rate, weight_decay=0.01),
        torch.optim.AdamW(others, options.other_learning_rate, betas=(0.9, 0.95), weight_decay=0.0),
    ]
    base_rates = [[group["lr"] for group in optimizer.param_groups] for optimizer in optimizers]
    first_step = 0
    if state_path.exists():
        state = torch.load(state_path)
        model.load_state_dict(state["model"])
        for optimizer, saved in zip(optimizers, state["optimizers"]):
            optimizer.load_state_dict(saved)
        first_step = state["step"]
    print(f"{sum(p.numel() for p in model.parameters())} parameters, from step {first_step}", flush=True)

    def save(path: Path, step: int) -> None:
        saved = {"model": model.state_dict(), "optimizers": [o.state_dict() for o in optimizers], "step": step}
        torch.save(saved, path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)

    source = batches(tokenizer, options.seed)
    for _ in range(first_step):
        next(source)
    started, tokens, losses = time.monotonic(), 0, []
    for step in range(first_step, options.steps):
        factor = learning_rate_factor(step, options.steps, options.decay_steps)
        for optimizer, rates in zip(optimizers, base_rates):
            for group, rate in zip(optimizer.param_groups, rates):
                group["lr"] = rate * factor
        ids, labels = next(source)
        with torch.autocast("cpu", torch.bfloat16, enabled=options.bfloat16):
            loss = model.loss(ids, labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(others, 1.0)
        for optimizer in optimizers:
            optimizer.step()
        model.zero_grad()
        tokens += ids.numel()
        losses.append(loss.item())
        if (step + 1) % REPORT_EVERY == 0:
            rate = tokens / (time.monotonic() - started)
            print(f"step {step + 1} loss {sum(losses) / len(losses):.4f} tokens/s {rate:.0f}", flush=True)
            losses.clear()
        if (step + 1) % SAVE_EVERY == 0:
            save(state_path, step + 1)
    torch.save(model.state_dict(), options.output / "model.pt")


if __name__ == "__main__":
    main()
