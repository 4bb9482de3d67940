"""Our parser and a real Prometheus take and refuse the same expressions, in the same words and with the same trees."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import pytest

from accelerapp.server.promql import PromQLError, parse, pretty, to_json

CORPUS = Path(__file__).parents[1] / "corpus" / "promql"
SEED = 11
MUTATED = 1500
TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|[A-Za-z_:][\w:]*|\d[\w.]*|\s+|=~|!~|!=|==|>=|<=|.', re.DOTALL)
PREFIX = 'invalid parameter "query": '


class Prometheus(Protocol):
    """The running server, as conftest.py gives it."""

    def get(self, path: str, parameters: Mapping[str, str]) -> dict[str, object]: ...


def lines(name: str) -> list[str]:
    text = (CORPUS / name).read_text(encoding="utf-8")
    return [
        line.replace("␤", "\n") for line in text.splitlines() if line.strip() and not line.startswith("#")
    ]


FORMS = lines("forms.txt") + lines("compare.txt")
REFUSED = lines("refused.txt")
UNSEEN = str.maketrans({"␠": " ", "∅": None})


@pytest.mark.stack
def test_the_corpus_of_refusals_has_prometheus_words(running_prometheus: Prometheus) -> None:
    for text, said in zip(REFUSED[::2], REFUSED[1::2], strict=True):
        answer = running_prometheus.get("/api/v1/parse_query", {"query": text.translate(UNSEEN)})
        assert answer.get("error") == PREFIX + said[2:], text


@pytest.mark.stack
def test_trees_and_layouts_are_the_same(running_prometheus: Prometheus) -> None:
    for text in FORMS:
        assert ours(text) == theirs(running_prometheus, text), text


@pytest.mark.stack
def test_spoilt_expressions_are_taken_or_refused_alike(running_prometheus: Prometheus) -> None:
    dice = random.Random(SEED)
    pieces = [TOKEN.findall(text) for text in FORMS + [text.translate(UNSEEN) for text in REFUSED[::2]]]
    refused = 0
    for _ in range(MUTATED):
        text = spoilt(dice, pieces)
        found, expected = ours(text), theirs(running_prometheus, text)
        if on_purpose(text, expected):
            continue
        assert found == expected, text
        refused += isinstance(found, str)
    assert MUTATED / 10 < refused < MUTATED


def spoilt(dice: random.Random, pieces: list[list[str]]) -> str:
    """Take an expression and drop, double, move or replace some of its tokens."""
    tokens = list(dice.choice(pieces))
    for _ in range(dice.choice([1, 1, 2, 3])):
        at = dice.randrange(len(tokens) + 1)
        other = dice.choice(pieces)
        begin = dice.randrange(len(other)) if other else 0
        match dice.randrange(4):
            case 0:
                del tokens[at : at + 1]
            case 1:
                tokens[at : at + 1] = other[begin : begin + 1]
            case 2:
                tokens[at:at] = [" ", *other[begin : begin + dice.randrange(1, 5)], " "]
            case _:
                tokens = tokens[:at] if dice.random() < 0.5 else tokens[at:]
    return "".join(tokens)


def on_purpose(text: str, expected: object) -> bool:
    """Tell where the two differ on purpose.

    Prometheus takes `offset NaN`, and prints `+Inf ^ 2` for `Inf ^ 2`, which is another expression.
    """
    folded = text.lower()
    return ("nan" in folded and "offset" in folded) or ("+Inf ^" in str(expected))


def ours(text: str) -> object:
    try:
        expr = parse(text)
    except PromQLError as error:
        return PREFIX + error.message
    return pretty(expr), to_json(expr)


def theirs(peer: Prometheus, text: str) -> object:
    tree = peer.get("/api/v1/parse_query", {"query": text})
    if tree["status"] == "error":
        return tree["error"]
    return peer.get("/api/v1/format_query", {"query": text})["data"], tree["data"]
