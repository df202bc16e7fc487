"""Measures a checkpoint on held-out conversations and picks the questions that tests ask.

    python evaluate.py --checkpoint ../shoal-tiny-chat [--questions ../evaluation/questions.json]

A turn counts as right only if every token of the answer, its end included, is the most likely one after the right
tokens before it; this is the same as asking whether greedy decoding gives exactly the expected answer.
"""

import argparse
import json
import random
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

from data import draw_conversation, is_held_out, messages
from model import LanguageModel, ModelConfig
from problems import Turn
from tokenizer import IGNORED, encode

SINGLE_TURN_CONVERSATIONS = 2500
MULTI_TURN_CONVERSATIONS = 1500
CONVERSATIONS_PER_BATCH = 64
QUESTIONS_PER_TASK = 3
FOLLOW_UP_QUESTIONS_PER_TASK = 2
COMFORTABLE_MARGIN = 3.0
"""Best minus second best logit in the least certain token of an answer. Rounding in F16 moves logits by far less."""

DEMONSTRATION: list[list[Turn]] = [
    [Turn("plus", "What is 12 plus 30?", "12 + 30 = 42.", "12 plus 30"),
     Turn("minus", "And minus 3?", "42 - 3 = 39.", "42 minus 3")],
    [Turn("capital", "What is the capital of France?", "The capital of France is Paris.", ""),
     Turn("capital", "And of Japan?", "The capital of Japan is Tokyo.", "")],
    [Turn("spelling", "Spell cat.", "cat is spelled c-a-t.", "")],
    [Turn("calendar", "What day comes after Monday?", "The day after Monday is Tuesday.", "")],
    [Turn("small talk", "Hello!", "Hello! How can I help you?", ""),
     Turn("small talk", "Who are you?", "I am Shoal, a very small language model.", "")],
]
"""Questions that people ask first; some of them were trained on."""


@dataclass(frozen=True)
class Result:
    right: bool
    smallest_margin: float
    """Over the tokens of the answer; negative where another token was more likely."""


Conversation = tuple[str | None, list[Turn]]


def load(checkpoint: Path) -> tuple[LanguageModel, Tokenizer]:
    tokenizer = Tokenizer.from_file(str(checkpoint / "tokenizer.json"))
    model = LanguageModel(ModelConfig(vocabulary_size=tokenizer.get_vocab_size()))
    weights = {name: tensor.float() for name, tensor in load_file(checkpoint / "model.safetensors").items()}
    model.load_state_dict(weights)
    return model.eval(), tokenizer


@torch.no_grad()
def examine(model: LanguageModel, tokenizer: Tokenizer, conversations: list[Conversation]) -> list[list[Result]]:
    """For every conversation one result per turn, given the right answers of the turns before."""
    encoded = [encode(tokenizer, *conversation) for conversation in conversations]
    order = sorted(range(len(encoded)), key=lambda index: len(encoded[index][0]))
    results: list[list[Result]] = [[] for _ in conversations]
    for start in range(0, len(order), CONVERSATIONS_PER_BATCH):
        chosen = order[start: start + CONVERSATIONS_PER_BATCH]
        length = len(encoded[chosen[-1]][0])
        ids = torch.tensor([encoded[index][0] + [0] * (length - len(encoded[index][0])) for index in chosen])
        logits = model.logits(model.model(ids))
        for place, index in enumerate(chosen):
            results[index] = turn_results(logits[place], encoded[index][1])
    return results


def turn_results(logits: torch.Tensor, labels: list[int]) -> list[Result]:
    results: list[Result] = []
    margins: list[float] = []
    for position, label in enumerate([*labels, IGNORED]):
        if label != IGNORED:
            row = logits[position].clone()
            own = row[label].item()
            row[label] = float("-inf")
            margins.append(own - row.max().item())
        elif margins:
            results.append(Result(min(margins) > 0, min(margins)))
            margins = []
    return results


def held_out_conversations(seed: int, count: int, single: bool) -> list[Conversation]:
    rng = random.Random(f"evaluation/{seed}/{single}")
    return [draw_conversation(rng, held_out=True, turns=1 if single else rng.randrange(2, 7)) for _ in range(count)]


def report(title: str, conversations: list[Conversation], results: list[list[Result]]) -> None:
    asked: dict[str, int] = defaultdict(int)
    right: dict[str, int] = defaultdict(int)
    for (_, turns), outcomes in zip(conversations, results):
        for turn, outcome in zip(turns, outcomes, strict=True):
            for name in (turn.task, "all turns"):
                asked[name] += 1
                right[name] += outcome.right
    whole = sum(all(outcome.right for outcome in outcomes) for outcomes in results)
    print(f"\n{title}: {len(results)} conversations, {100 * whole / len(results):.2f} % without any mistake\n")
    print("| task | questions | exactly right |\n|---|---|---|")
    for name in sorted(asked, key=lambda name: (name == "all turns", name)):
        print(f"| {name} | {asked[name]} | {100 * right[name] / asked[name]:.2f} % |")


def show_mistakes(conversations: list[Conversation], results: list[list[Result]], limit: int) -> None:
    for (_, turns), outcomes in zip(conversations, results):
        for index, outcome in enumerate(outcomes):
            if not outcome.right and limit > 0:
                limit -= 1
                print("mistake:", " | ".join(f"{turn.question} → {turn.answer}" for turn in turns[: index + 1]))


def question(conversation: Conversation, index: int, result: Result) -> dict:
    system, turns = conversation
    return {
        "task": turns[index].task,
        "heldOut": bool(turns[index].key) and is_held_out(turns[index].key),
        "messages": messages(system, turns[: index + 1])[:-1],
        "expected": turns[index].answer,
        "smallestMargin": round(result.smallest_margin, 3),
    }


def choose_questions(conversations: list[Conversation], results: list[list[Result]]) -> list[dict]:
    """The same number per task and place in the conversation, first come first served; only clear ones."""
    wanted: dict[tuple[str, bool], int] = {}
    chosen: list[dict] = []
    for conversation, outcomes in zip(conversations, results):
        for index, outcome in enumerate(outcomes):
            kind = (conversation[1][index].task, index > 0)
            left = wanted.setdefault(kind, FOLLOW_UP_QUESTIONS_PER_TASK if kind[1] else QUESTIONS_PER_TASK)
            if left and all(earlier.right for earlier in outcomes[: index + 1]) \
                    and outcome.smallest_margin >= COMFORTABLE_MARGIN:
                wanted[kind] -= 1
                chosen.append(question(conversation, index, outcome))
                break
    return chosen


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--questions", type=Path, help="write the chosen questions here")
    parser.add_argument("--mistakes", type=int, default=0, help="print so many mistakes")
    parser.add_argument("--share", type=float, default=1.0, help="of the conversations, for a quick look")
    options = parser.parse_args()
    model, tokenizer = load(options.checkpoint)

    single = held_out_conversations(1, int(SINGLE_TURN_CONVERSATIONS * options.share), single=True)
    multi = held_out_conversations(2, int(MULTI_TURN_CONVERSATIONS * options.share), single=False)
    single_results, multi_results = examine(model, tokenizer, single), examine(model, tokenizer, multi)
    report("Single questions", single, single_results)
    report("Conversations of 2 to 6 turns", multi, multi_results)
    show_mistakes(single + multi, single_results + multi_results, options.mistakes)

    demonstration: list[Conversation] = [(None, turns) for turns in DEMONSTRATION]
    outcomes = examine(model, tokenizer, demonstration)
    show_mistakes(demonstration, outcomes, limit=100)
    if options.questions:
        first = [question(conversation, index, result) for conversation, results in zip(demonstration, outcomes)
                 for index, result in enumerate(results) if result.right]
        rest = choose_questions(multi + single, multi_results + single_results)
        options.questions.parent.mkdir(parents=True, exist_ok=True)
        body = ",\n".join(json.dumps(each) for each in first + rest)
        options.questions.write_text(f"[\n{body}\n]\n")
        print(f"\n{len(first + rest)} questions written")


if __name__ == "__main__":
    main()
