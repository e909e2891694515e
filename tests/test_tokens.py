from __future__ import annotations

import json
import random
import string
from itertools import chain
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from chatdouble import tokens
from chatdouble.tokens import EncodingName
from chatdouble.wire.chat.models import encoding

NAMES: tuple[EncodingName, ...] = ("o200k_base", "cl100k_base")


@pytest.mark.parametrize("name", NAMES)
@given(text=st.text())
def test_the_pieces_joined_are_the_text_again(name: EncodingName, text: str) -> None:
    assert "".join(tokens.pieces(text, name)) == text


@pytest.mark.parametrize("name", NAMES)
@given(text=st.text())
def test_no_piece_is_less_than_a_token(name: EncodingName, text: str) -> None:
    assert len(tokens.pieces(text, name)) <= tokens.count(text, name)


@given(piece=st.text("ab \n\u00e9", min_size=2, max_size=40))
def test_short_and_long_pieces_are_merged_alike(piece: str) -> None:
    bpe = tokens.encoding("o200k_base")
    assert bpe._scan(piece.encode()) == bpe._heap(piece.encode())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "letters",
    ["x", " ", "\n ", "ab", string.ascii_lowercase, "-=*/", "\u65e5\u672c\u8a9e", "\u0301e"],
)
def test_a_long_piece_is_merged_as_one(name: EncodingName, letters: str) -> None:
    bpe = tokens.encoding(name)
    for size in (2_049, 2_500, 7_000):
        piece = "".join(random.Random(size).choices(letters, k=size)).encode()
        assert tuple(chain(*bpe.windows(piece))) == bpe._heap(piece)


@given(text=st.text("ab'rRvelL \n1.", max_size=200), letters=st.integers(8, 40))
def test_a_long_text_is_cut_into_the_same_pieces_bit_by_bit(text: str, letters: int) -> None:
    bpe = tokens.encoding("o200k_base")
    assert list(chain(*bpe.pieces(text, letters))) == list(chain(*bpe.pieces(text, 1_000)))


def test_a_text_that_takes_long_is_counted_nearly() -> None:
    # how long counting takes is seen from outside, in tests/live/test_hostile_input.py
    letters = "".join(random.Random(1).choices(string.ascii_lowercase, k=100_000))
    encoding = tokens.encoding()
    exact, _ = encoding.measure(letters, 10_000_000)
    for text in (letters, letters[:50_000] + " " + letters[50_000:]):
        for most in (50_000, 200_000):
            assert encoding.measure(text, most)[0] == pytest.approx(exact, rel=0.02)
    assert tokens.count("x" * 3_000_000) == pytest.approx(3_000_000 / 8, rel=0.01)


def test_texts_beyond_the_work_for_one_request_are_estimated() -> None:
    count = tokens.Counter()
    assert count("a b c") == 3
    letters = random.Random(1).choices(string.ascii_lowercase, k=1_000_000)
    count("".join(letters))
    assert count("a b c") == 2
    assert tokens.Counter()("a b c") == 3


@pytest.mark.parametrize(
    ("text", "o200k", "cl100k"),
    [
        ("Hello world, how?", 5, 5),
        ("", 0, 0),
        ("<|endoftext|>", 7, 7),
        ("日本語のテキスト", 6, 8),
        ("x" * 20_000, 2500, 2500),
    ],
)  # counted with the encodings' reference implementation
def test_counts_are_the_references(text: str, o200k: int, cl100k: int) -> None:
    assert tokens.count(text) == o200k
    assert tokens.count(text, "cl100k_base") == cl100k


def test_a_lone_surrogate_is_counted_and_does_not_raise() -> None:
    assert tokens.count("a\ud800b") > 0


def test_recorded_streams_are_cut_as_the_api_cut_them(shared_cassettes: Path) -> None:
    same, other = 0, []
    for file in sorted(shared_cassettes.glob("*/*.yaml")):
        for interaction in yaml.load(file.read_text("utf-8"), yaml.CSafeLoader)["interactions"]:
            body = interaction["response"]["body"]["string"]
            if not isinstance(body, str) or not body.startswith("data: {"):
                continue
            events = [json.loads(line[6:]) for line in body.splitlines() if line[:7] == "data: {"]
            if any(len(event.get("choices", ())) > 1 for event in events):
                continue
            choices = [choice for event in events for choice in event.get("choices", ())]
            if {choice["index"] for choice in choices} != {0}:
                continue
            said = [choice["delta"].get("content") for choice in choices]
            recorded = [text for text in said if text]
            cut = tokens.pieces("".join(recorded), encoding(events[0]["model"]))
            if cut == recorded:
                same += 1
            else:
                other.append(file.name)
    assert same > 100
    assert len(other) <= 0.02 * same, other


@pytest.mark.parametrize("name", NAMES)
@given(
    text=st.text(st.characters(max_codepoint=127), max_size=60)
    | st.text("ab AB'sStTdDmMlLrRvVeE \n\r\t\x1c\x1f\x0b19/.-", max_size=60)
)
def test_plain_letters_are_cut_as_any_text_is(name: EncodingName, text: str) -> None:
    bpe = tokens.encoding(name)
    pieces = bpe._cut(text, 0, len(text))
    assert bpe._cut_ascii(text.encode(), 0, len(text)) == [piece.encode() for piece in pieces]
