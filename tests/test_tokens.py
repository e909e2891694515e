from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chatdouble import tokens


@given(st.text())
def test_the_pieces_joined_are_the_text_again(text: str) -> None:
    assert "".join(tokens.pieces(text)) == text


@given(st.text())
def test_the_count_is_the_number_of_pieces(text: str) -> None:
    assert tokens.count(text) == len(tokens.pieces(text))


def test_a_sentence_has_several_pieces() -> None:
    assert tokens.pieces("Hello world, how?") == ["Hello", " world", ",", " how", "?"]
