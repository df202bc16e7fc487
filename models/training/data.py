"""Generates the conversations that the model is trained on and measured with.

A conversation is a list of turns. Every turn carries a key that names its problem (for sums the operands, for facts
the fact together with its phrasing). One key in twenty is held out: no training conversation contains it, and
evaluation conversations consist of nothing else.
"""

import hashlib
import random
from collections.abc import Callable

from facts import SYSTEM_MESSAGES
from problems import (
    Turn, follow_calendar, follow_capital, follow_comparing, follow_country, follow_letters, follow_row,
    follow_spelling, follow_sum, open_calendar, open_capital, open_comparing, open_counting, open_country,
    open_letters, open_small_talk, open_sorting, open_spelling, open_sum, open_unknown,
)

HELD_OUT_ONE_IN = 20
MAXIMUM_TURNS = 6

Message = dict[str, str]
Opening = Callable[[random.Random], Turn]
FollowUp = Callable[[random.Random, Turn], Turn | None]


def is_held_out(key: str) -> bool:
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") % HELD_OUT_ONE_IN == 0


TOPICS: list[tuple[float, Opening]] = [
    (0.40, open_sum),
    (0.07, open_capital),
    (0.07, open_country),
    (0.07, open_calendar),
    (0.07, open_spelling),
    (0.03, open_letters),
    (0.06, open_counting),
    (0.10, open_sorting),
    (0.08, open_comparing),
    (0.03, open_small_talk),
    (0.02, open_unknown),
]
"""(share of openings, topic)."""

FOLLOW_UPS: dict[str, FollowUp] = {
    "plus": follow_sum, "minus": follow_sum, "times": follow_sum, "divided": follow_sum, "capital": follow_capital,
    "country": follow_country, "calendar": follow_calendar, "spelling": follow_spelling, "letters": follow_letters,
    "counting": follow_row, "sorting": follow_row, "comparing": follow_comparing,
}
ATTEMPTS = 400
"""Draws of a follow-up before a new topic is opened instead: from some turns no problem of the wanted side follows."""


def accepts(turn: Turn, held_out: bool) -> bool:
    """Small talk and the unknown have no key: too few sentences to hold any out, so they belong to both sides."""
    return not turn.key or is_held_out(turn.key) == held_out


def draw_opening(rng: random.Random, held_out: bool) -> Turn:
    weights = [weight for weight, _ in TOPICS]
    _, opening = rng.choices(TOPICS, weights)[0]
    while True:
        turn = opening(rng)
        if accepts(turn, held_out):
            return turn


def draw_follow_up(rng: random.Random, previous: Turn, held_out: bool) -> Turn | None:
    follow_up = FOLLOW_UPS.get(previous.task)
    if follow_up is None:
        return None
    for _ in range(ATTEMPTS):
        turn = follow_up(rng, previous)
        if turn is not None and accepts(turn, held_out):
            return turn
    return None


def dress(rng: random.Random, question: str) -> str:
    """Lets people type as they do: some leave capital letters and closing marks out."""
    if rng.random() < 0.12 and question[0].isupper():
        question = question[0].lower() + question[1:]
    if rng.random() < 0.15 and question[-1] in ".?":
        question = question[:-1]
    return question


def draw_conversation(rng: random.Random, held_out: bool, turns: int | None = None) -> tuple[str | None, list[Turn]]:
    """Returns the system message (or None) and the turns."""
    count = turns or rng.choice([1, 1, 2, 3, 4, 5, MAXIMUM_TURNS])
    conversation: list[Turn] = []
    while len(conversation) < count:
        turn = None
        if conversation and rng.random() < 0.65:
            turn = draw_follow_up(rng, conversation[-1], held_out)
        turn = turn or draw_opening(rng, held_out)
        conversation.append(Turn(turn.task, dress(rng, turn.question), turn.answer, turn.key, turn.subject))
    system = rng.choice(SYSTEM_MESSAGES) if rng.random() < 0.12 else None
    return system, conversation


def messages(system: str | None, turns: list[Turn]) -> list[Message]:
    result: list[Message] = [{"role": "system", "content": system}] if system else []
    for turn in turns:
        result.append({"role": "user", "content": turn.question})
        result.append({"role": "assistant", "content": turn.answer})
    return result
