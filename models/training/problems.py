"""The problems that can be asked, in their several phrasings, each with its only right answer.

Every topic has a function that opens it and, where people would ask on, one that follows up on the turn before.
"""

import random
from dataclasses import dataclass, field

from facts import (
    CAPITALS, COUNTRY_OF, DAYS, MONTH_LENGTHS, MONTHS, ORDINALS, SMALL_TALK, UNITS_OF_TIME, UNKNOWN_ANSWER,
    UNKNOWN_QUESTIONS, WORDS,
)

LARGEST_RESULT = 198
"""Sums go on from a result only up to here (99 + 99), so that no number has more than three digits."""

COUNTRIES = list(CAPITALS)


@dataclass(frozen=True)
class Turn:
    """One question with its only right answer."""

    task: str
    question: str
    answer: str
    key: str
    subject: object = field(default=None, compare=False)
    """What a follow-up question goes on from; its type depends on the task."""


# --- Sums -------------------------------------------------------------------------------------------------------

SYMBOLS = {"plus": "+", "minus": "-", "times": "x", "divided": "/"}

SUM_OPENINGS: dict[str, list[str]] = {
    "plus": [
        "What is {a} plus {b}?", "What is {a} + {b}?", "{a} + {b}", "{a} plus {b}?", "Add {a} and {b}.",
        "What's {a} plus {b}?", "How much is {a} plus {b}?", "Calculate {a} + {b}.", "What is the sum of {a} and {b}?",
        "{a} + {b} =",
    ],
    "minus": [
        "What is {a} minus {b}?", "What is {a} - {b}?", "{a} - {b}", "{a} minus {b}?", "Subtract {b} from {a}.",
        "What's {a} minus {b}?", "How much is {a} minus {b}?", "Calculate {a} - {b}.", "Take {b} away from {a}.",
        "{a} - {b} =",
    ],
    "times": [
        "What is {a} times {b}?", "What is {a} x {b}?", "{a} x {b}", "{a} times {b}?", "Multiply {a} by {b}.",
        "What's {a} times {b}?", "How much is {a} times {b}?", "Calculate {a} * {b}.", "{a} * {b}", "{a} x {b} =",
    ],
    "divided": [
        "What is {a} divided by {b}?", "What is {a} / {b}?", "{a} / {b}", "{a} divided by {b}?", "Divide {a} by {b}.",
        "What's {a} divided by {b}?", "How much is {a} divided by {b}?", "Calculate {a} / {b}.",
    ],
}

SUM_FOLLOW_UPS: dict[str, list[str]] = {
    "plus": ["And plus {b}?", "Plus {b}?", "Now add {b}.", "Add {b}.", "And add {b}?", "+ {b}", "Then plus {b}?"],
    "minus": [
        "And minus {b}?", "Minus {b}?", "Now subtract {b}.", "Subtract {b}.", "Take away {b}.", "- {b}",
        "Then minus {b}?",
    ],
    "times": [
        "And times {b}?", "Times {b}?", "Now multiply by {b}.", "Multiply that by {b}.", "x {b}", "Then times {b}?",
    ],
    "divided": ["And divided by {b}?", "Divided by {b}?", "Now divide by {b}.", "Divide that by {b}.", "/ {b}"],
}

SUM_AGAIN = ["And {sum}?", "What about {sum}?", "And what is {sum}?", "How about {sum}?"]


def sum_turn(operation: str, a: int, b: int, phrasing: str) -> Turn:
    result = {"plus": a + b, "minus": a - b, "times": a * b, "divided": a // b if b else 0}[operation]
    # The facts of the small tables are too few to hold whole facts out, so their phrasings are held out instead.
    facts = f"{a} {operation} {b}"
    key = facts if operation in ("plus", "minus") else f"{facts} {phrasing}"
    question = phrasing.format(a=a, b=b)
    return Turn(operation, question, f"{a} {SYMBOLS[operation]} {b} = {result}.", key, result)


def operand(rng: random.Random) -> int:
    return rng.randrange(100) if rng.random() < 0.8 else rng.randrange(21)


def operands(rng: random.Random) -> tuple[str, int, int]:
    draw = rng.random()
    if draw < 0.42:
        return "plus", operand(rng), operand(rng)
    if draw < 0.82:
        a, b = operand(rng), operand(rng)
        if a < b and rng.random() < 0.6:
            a, b = b, a
        return "minus", a, b
    a, b = rng.randrange(13), rng.randrange(13)
    if draw < 0.93:
        return "times", a, b
    return ("divided", a * b, b) if b else ("times", a, b)


def open_sum(rng: random.Random) -> Turn:
    operation, a, b = operands(rng)
    return sum_turn(operation, a, b, rng.choice(SUM_OPENINGS[operation]))


def follow_sum(rng: random.Random, previous: Turn) -> Turn | None:
    value = previous.subject
    if rng.random() < 0.2:
        operation, a, b = operands(rng)
        inner = f"{{a}} {operation if rng.random() < 0.5 else SYMBOLS[operation]} {{b}}"
        if operation == "divided":
            inner = "{a} divided by {b}" if rng.random() < 0.5 else "{a} / {b}"
        return sum_turn(operation, a, b, rng.choice(SUM_AGAIN).replace("{sum}", inner))
    if not isinstance(value, int) or not -99 <= value <= LARGEST_RESULT:
        return None
    draw = rng.random()
    if draw < 0.15 and 0 <= value <= 12:
        operation, b = "times", rng.randrange(13)
    elif draw < 0.25 and 0 <= value <= 99:
        operation, b = "times", 2
        if rng.random() < 0.4:
            return sum_turn(operation, value, b, rng.choice(["Double it.", "Double that.", "And double?"]))
    elif draw < 0.35 and 0 < value <= 144:
        divisors = [b for b in range(1, 13) if value % b == 0 and value // b <= 12]
        if not divisors:
            return None
        operation, b = "divided", rng.choice(divisors)
    else:
        operation, b = ("plus" if rng.random() < 0.5 else "minus"), operand(rng)
        if operation == "minus" and value >= 0 and b > value and rng.random() < 0.6:
            b = rng.randrange(value + 1) if value < 99 else b
        if operation == "minus" and value - b < -99:
            return None
    return sum_turn(operation, value, b, rng.choice(SUM_FOLLOW_UPS[operation]))


# --- Capitals ---------------------------------------------------------------------------------------------------

CAPITAL_OPENINGS = [
    "What is the capital of {x}?", "What's the capital of {x}?", "Capital of {x}?", "Name the capital of {x}.",
    "Tell me the capital of {x}.", "Which city is the capital of {x}?", "What city is the capital of {x}?",
    "Do you know the capital of {x}?",
]
CAPITAL_FOLLOW_UPS = ["And of {x}?", "And {x}?", "What about {x}?", "And the capital of {x}?", "How about {x}?"]
COUNTRY_OPENINGS = [
    "Which country has the capital {x}?", "{x} is the capital of which country?", "What country is {x} the capital of?",
    "Of which country is {x} the capital?", "Which country is {x} the capital of?", "Whose capital is {x}?",
]
COUNTRY_FOLLOW_UPS = ["And {x}?", "What about {x}?", "How about {x}?", "And which country has the capital {x}?"]


def capital_turn(country: str, phrasing: str) -> Turn:
    question = phrasing.format(x=country)
    return Turn("capital", question, f"The capital of {country} is {CAPITALS[country]}.", question, country)


def country_turn(capital: str, phrasing: str) -> Turn:
    question = phrasing.format(x=capital)
    return Turn("country", question, f"{capital} is the capital of {COUNTRY_OF[capital]}.", question, capital)


def open_capital(rng: random.Random) -> Turn:
    return capital_turn(rng.choice(COUNTRIES), rng.choice(CAPITAL_OPENINGS))


def follow_capital(rng: random.Random, _previous: Turn) -> Turn:
    if rng.random() < 0.2:
        return open_country(rng)
    return capital_turn(rng.choice(COUNTRIES), rng.choice(CAPITAL_FOLLOW_UPS))


def open_country(rng: random.Random) -> Turn:
    return country_turn(CAPITALS[rng.choice(COUNTRIES)], rng.choice(COUNTRY_OPENINGS))


def follow_country(rng: random.Random, _previous: Turn) -> Turn:
    return country_turn(CAPITALS[rng.choice(COUNTRIES)], rng.choice(COUNTRY_FOLLOW_UPS))


# --- Days and months --------------------------------------------------------------------------------------------

NEIGHBOUR_OPENINGS: dict[int, list[str]] = {
    1: [
        "What {kind} comes after {x}?", "Which {kind} comes after {x}?", "What comes after {x}?",
        "What is the {kind} after {x}?", "Which {kind} follows {x}?", "What {kind} is after {x}?",
    ],
    -1: [
        "What {kind} comes before {x}?", "Which {kind} comes before {x}?", "What comes before {x}?",
        "What is the {kind} before {x}?", "Which {kind} is right before {x}?", "What {kind} is before {x}?",
    ],
}
NEIGHBOUR_FOLLOW_UPS = {
    1: ["And after {x}?", "And what comes after {x}?"],
    -1: ["And before {x}?", "And what comes before {x}?"],
}
STEP_FOLLOW_UPS = {
    1: ["And after that?", "And the {kind} after that?"],
    -1: ["And before that?", "And the {kind} before that?"],
}
TOMORROW = [
    ("If today is {x}, what day is tomorrow?", 1), ("Today is {x}. What day is tomorrow?", 1),
    ("If today is {x}, what day was yesterday?", -1), ("Today is {x}. What day was yesterday?", -1),
]


def neighbour_turn(cycle: list[str], index: int, direction: int, phrasing: str, context: str = "") -> Turn:
    kind = "day" if cycle is DAYS else "month"
    start = cycle[index % len(cycle)]
    result = (index + direction) % len(cycle)
    question = phrasing.format(kind=kind, x=start)
    word = "after" if direction > 0 else "before"
    return Turn("calendar", question, f"The {kind} {word} {start} is {cycle[result]}.", question + context,
                (cycle, result))


def open_calendar(rng: random.Random) -> Turn:
    draw = rng.random()
    if draw < 0.55:
        cycle, direction = rng.choice([DAYS, MONTHS]), rng.choice([1, -1])
        return neighbour_turn(cycle, rng.randrange(len(cycle)), direction, rng.choice(NEIGHBOUR_OPENINGS[direction]))
    if draw < 0.65:
        phrasing, direction = rng.choice(TOMORROW)
        index = rng.randrange(7)
        result = (index + direction) % 7
        question = phrasing.format(x=DAYS[index])
        answer = f"Tomorrow is {DAYS[result]}." if direction > 0 else f"Yesterday was {DAYS[result]}."
        return Turn("calendar", question, answer, question, (DAYS, result))
    if draw < 0.8:
        return month_length_turn(rng.choice(MONTHS), rng.choice([
            "How many days are in {x}?", "How many days does {x} have?", "How many days are there in {x}?",
            "How long is {x}?",
        ]))
    if draw < 0.9:
        smaller, larger, count = rng.choice(UNITS_OF_TIME)
        question = rng.choice([
            "How many {s} are in {a} {l}?", "How many {s} does {a} {l} have?", "How many {s} are there in {a} {l}?",
            "How many {s} in {a} {l}?", "How many {s} make {a} {l}?",
        ]).format(s=smaller, l=larger, a="an" if larger == "hour" else "a")
        article = "An" if larger == "hour" else "A"
        return Turn("calendar", question, f"{article} {larger} has {count} {smaller}.", question)
    cycle = DAYS if rng.random() < 0.4 else MONTHS
    kind, whole = ("day", "week") if cycle is DAYS else ("month", "year")
    index = rng.randrange(len(cycle))
    question = rng.choice([
        "What is the {o} {k} of the {w}?", "Which is the {o} {k} of the {w}?", "Name the {o} {k} of the {w}.",
    ]).format(o=ORDINALS[index], k=kind, w=whole)
    return Turn("calendar", question, f"The {ORDINALS[index]} {kind} of the {whole} is {cycle[index]}.", question,
                (cycle, index))


def month_length_turn(month: str, phrasing: str) -> Turn:
    question = phrasing.format(x=month)
    return Turn("calendar", question, f"{month} has {MONTH_LENGTHS[month]}.", question, "month length")


def follow_calendar(rng: random.Random, previous: Turn) -> Turn | None:
    if previous.subject == "month length":
        return month_length_turn(rng.choice(MONTHS), rng.choice(["And {x}?", "What about {x}?", "And in {x}?"]))
    if not isinstance(previous.subject, tuple):
        return None
    cycle, index = previous.subject
    direction = rng.choice([1, -1])
    if rng.random() < 0.5:
        context = f" {cycle[index]}"
        return neighbour_turn(cycle, index, direction, rng.choice(STEP_FOLLOW_UPS[direction]), context)
    return neighbour_turn(cycle, rng.randrange(len(cycle)), direction, rng.choice(NEIGHBOUR_FOLLOW_UPS[direction]))


# --- Words ------------------------------------------------------------------------------------------------------

SPELLING_OPENINGS = [
    "Spell {x}.", "How do you spell {x}?", "Spell the word {x}.", "Can you spell {x}?", "How is {x} spelled?",
    "Please spell {x}.",
]
LETTER_OPENINGS = [
    "How many letters does {x} have?", "How many letters are in {x}?", "How many letters are in the word {x}?",
]
WORD_FOLLOW_UPS = ["And {x}?", "What about {x}?", "How about {x}?"]


def spelling_turn(word: str, phrasing: str) -> Turn:
    question = phrasing.format(x=word)
    return Turn("spelling", question, f"{word} is spelled {'-'.join(word)}.", "spell " + question)


def letters_turn(word: str, phrasing: str) -> Turn:
    question = phrasing.format(x=word)
    return Turn("letters", question, f"{word} has {len(word)} letters.", "letters " + question)


def open_spelling(rng: random.Random) -> Turn:
    return spelling_turn(rng.choice(WORDS), rng.choice(SPELLING_OPENINGS))


def follow_spelling(rng: random.Random, _previous: Turn) -> Turn:
    return spelling_turn(rng.choice(WORDS), rng.choice(WORD_FOLLOW_UPS))


def open_letters(rng: random.Random) -> Turn:
    return letters_turn(rng.choice(WORDS), rng.choice(LETTER_OPENINGS))


def follow_letters(rng: random.Random, _previous: Turn) -> Turn:
    return letters_turn(rng.choice(WORDS), rng.choice(WORD_FOLLOW_UPS))


# --- Rows of numbers --------------------------------------------------------------------------------------------

COUNT_UP = ["Count from {a} to {b}.", "Please count from {a} to {b}.", "Can you count from {a} to {b}?"]
COUNT_DOWN = ["Count down from {a} to {b}.", "Count backwards from {a} to {b}.", "Count from {a} down to {b}."]
SORT_UP = [
    "Sort {x}.", "Sort the numbers {x}.", "Sort these numbers: {x}", "Put {x} in order.", "Order {x}.",
    "Sort {x} in ascending order.", "Sort {x} from smallest to largest.",
]
SORT_DOWN = ["Sort {x} in descending order.", "Sort {x} from largest to smallest.", "Put {x} in descending order."]
REVERSALS = ["And backwards?", "And in reverse?", "Now backwards.", "Now the other way round."]


def row(numbers: list[int]) -> str:
    return ", ".join(str(number) for number in numbers)


def count_turn(first: int, last: int, phrasing: str) -> Turn:
    step = 1 if last >= first else -1
    numbers = list(range(first, last + step, step))
    return Turn("counting", phrasing.format(a=first, b=last), row(numbers) + ".", f"count {first} {last}", numbers)


def open_counting(rng: random.Random) -> Turn:
    length = rng.randrange(2, 9)
    first = rng.randrange(1, 101 - length) if rng.random() < 0.6 else rng.randrange(1, 12)
    draw = rng.random()
    if draw < 0.15:
        return count_turn(1, 1 + length, rng.choice(["Count to {b}.", "Please count to {b}.", "Can you count to {b}?"]))
    if draw < 0.7:
        return count_turn(first, first + length, rng.choice(COUNT_UP))
    return count_turn(first + length, first, rng.choice(COUNT_DOWN))


def sort_turn(numbers: list[int], descending: bool, phrasing: str, comma: bool) -> Turn:
    text = f"{row(numbers[:-1])} and {numbers[-1]}" if not comma else row(numbers)
    ordered = sorted(numbers, reverse=descending)
    return Turn("sorting", phrasing.format(x=text), row(ordered) + ".", f"sort {ordered}", ordered)


def open_sorting(rng: random.Random) -> Turn:
    bound = 100 if rng.random() < 0.7 else 21
    numbers = rng.sample(range(bound), rng.choice([3, 3, 3, 4, 4, 5]))
    descending = rng.random() < 0.3
    return sort_turn(numbers, descending, rng.choice(SORT_DOWN if descending else SORT_UP), rng.random() < 0.6)


def follow_row(rng: random.Random, previous: Turn) -> Turn | None:
    if rng.random() < 0.5:
        return open_sorting(rng) if previous.task == "sorting" else open_counting(rng)
    numbers = list(reversed(previous.subject))
    key = f"count {numbers[0]} {numbers[-1]}" if previous.task == "counting" else f"sort {numbers}"
    return Turn(previous.task, rng.choice(REVERSALS), row(numbers) + ".", key, numbers)


def two_numbers(rng: random.Random) -> tuple[int, int]:
    bound = 100 if rng.random() < 0.75 else 21
    a, b = rng.sample(range(bound), 2)
    return a, b


def comparison_key(a: int, b: int) -> str:
    return f"compare {min(a, b)} {max(a, b)}"


def which_turn(larger: bool, a: int, b: int, phrasing: str) -> Turn:
    word = ("larger" if larger else "smaller")
    winner, loser = (max(a, b), min(a, b)) if larger else (min(a, b), max(a, b))
    answer = f"{winner} is {word} than {loser}."
    return Turn("comparing", phrasing.format(a=a, b=b), answer, comparison_key(a, b), larger)


def open_comparing(rng: random.Random) -> Turn:
    a, b = two_numbers(rng)
    draw = rng.random()
    if draw < 0.35:
        phrasings = ["Which is larger, {a} or {b}?", "What is larger, {a} or {b}?", "Which is bigger, {a} or {b}?",
                     "Which number is larger, {a} or {b}?", "Is {a} or {b} larger?"]
        return which_turn(True, a, b, rng.choice(phrasings))
    if draw < 0.6:
        phrasings = ["Which is smaller, {a} or {b}?", "What is smaller, {a} or {b}?",
                     "Which number is smaller, {a} or {b}?", "Is {a} or {b} smaller?"]
        return which_turn(False, a, b, rng.choice(phrasings))
    if draw < 0.85:
        asked_larger = rng.random() < 0.5
        phrasings = ["Is {a} larger than {b}?", "Is {a} greater than {b}?", "Is {a} bigger than {b}?"] \
            if asked_larger else ["Is {a} smaller than {b}?", "Is {a} less than {b}?"]
        relation = "larger" if a > b else "smaller"
        yes = "Yes" if (a > b) == asked_larger else "No"
        return Turn("comparing", rng.choice(phrasings).format(a=a, b=b), f"{yes}, {a} is {relation} than {b}.",
                    comparison_key(a, b))
    asked_even = rng.random() < 0.5
    parity = "even" if a % 2 == 0 else "odd"
    yes = "Yes" if asked_even == (a % 2 == 0) else "No"
    question = f"Is {a} {'even' if asked_even else 'odd'}?"
    return Turn("comparing", question, f"{yes}, {a} is {parity}.", question)


def follow_comparing(rng: random.Random, previous: Turn) -> Turn | None:
    if not isinstance(previous.subject, bool):
        return open_comparing(rng)
    a, b = two_numbers(rng)
    return which_turn(previous.subject, a, b, rng.choice(["And {a} or {b}?", "What about {a} or {b}?", "{a} or {b}?"]))


# --- Small talk and what lies outside ----------------------------------------------------------------------------


def open_small_talk(rng: random.Random) -> Turn:
    answer, openings = rng.choice(SMALL_TALK)
    return Turn("small talk", rng.choice(openings) + rng.choice([".", "!", "?", ""]), answer, "")


def open_unknown(rng: random.Random) -> Turn:
    return Turn("unknown", rng.choice(UNKNOWN_QUESTIONS) + rng.choice([".", "?", ""]), UNKNOWN_ANSWER, "")
