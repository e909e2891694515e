from __future__ import annotations

import random
import re

import pytest

from chatdouble.sources.fitting.patterns import Patterns
from chatdouble.sources.fitting.work import Work


def patterns(seed: int = 1) -> Patterns:
    return Patterns(random.Random(seed).randrange, Work(10_000_000))


ATOMS = ["a", "b", "1", " ", "-", "[ab]", "[^a]", "[a-c1]", ".", r"\d", r"\w", r"\s", r"\.", "_"]
REPEATS = ["*", "+", "?", "{2}", "{1,3}", "{0,2}", "*?", "+?", "{2,}"]


def written(pick: random.Random, depth: int = 0) -> str:
    """A random pattern, of what engines agree on."""
    inner = [written(pick, depth + 1) for _ in range(2)] if depth < 4 else ["a", "b"]
    return pick.choice(
        [
            *(pick.choice(ATOMS) for _ in range(5)),
            "".join(inner),
            f"(?:{inner[0]}|{inner[1]})",
            f"({inner[0]})",
            f"(?:{inner[0]}){pick.choice(REPEATS)}",
            pick.choice(["^", "$", r"\b"]),
            f"(?{pick.choice('=!')}{inner[0]})",
            f"(?<{pick.choice('=!')}{pick.choice(['a', '[ab]', 'b1'])})",
        ]
    )


def test_random_patterns_match_what_python_says_they_match() -> None:
    made = 0
    for seed in range(2500):
        pick = random.Random(seed)
        pattern = "".join(written(pick) for _ in range(pick.randint(1, 3)))
        python = re.compile(pattern, re.ASCII)
        ours = patterns(seed)
        assert ours.known(pattern) is not None, pattern
        for _ in range(6):
            text = "".join(pick.choice("abc1 -._") for _ in range(pick.randrange(7)))
            assert ours.found_in(pattern, text) is bool(python.search(text)), (pattern, text)
        text = ours.text([pattern], 0, 40) or ""
        if text:
            made += 1
            assert python.search(text), (pattern, text)
            assert re.search(pattern, text), (pattern, text)
    assert made > 1200


@pytest.mark.parametrize(
    ("pattern", "fits", "other"),
    [
        (r"^\p{Lu}\p{L}+$", "\u00c9t\u00e9", "\u00e9t\u00e9"),
        (r"^\u0041\x42\u{43}$", "ABC", "abc"),
        (r"^\ud83d\ude00$", "\U0001f600", "x"),
        (r"^(?<year>\d{4})-\k<year>$", "2024-2024", "2024-2025"),
        (r"^(?P<x>a|b)(?P=x)$", "aa", "ab"),
        (r"^[^]$", "x", "xx"),
        (r"^[\w.-]+\/[\w$]+$", "a.b/c$", "a b/c"),
        (r"^(?i)abc$", "aBc", "abd"),
        (r"^(?i:a)bc$", "Abc", "ABC"),
        (r"^a{,2}$", "a{,2}", "aa"),
        (r"^[]a]+$", "]a", "b"),
        (r"^(?>a+)b$", "aab", "aa"),
        (r"\Aa\Z", "a", "ba"),
        (r"^\cJ$", "\n", "J"),
        (r"(?#note)^x$", "x", "y"),
    ],
)
def test_the_spellings_of_several_engines_are_read(pattern: str, fits: str, other: str) -> None:
    ours = patterns()
    assert ours.known(pattern) is not None
    assert ours.found_in(pattern, fits)
    assert not ours.found_in(pattern, other)
    made = ours.text([pattern], 0, 50)
    assert made is not None
    assert ours.found_in(pattern, made)


@pytest.mark.parametrize(
    "pattern",
    ["(", ")", "[a", "a**b(", "*", r"\1", "(?<n>", "[b-a]", r"\q", "a{2,1}", "(" * 99 + ")" * 99],
)
def test_what_is_no_pattern_binds_nothing(pattern: str) -> None:
    ours = patterns()
    assert ours.known(pattern) is None
    assert ours.found_in(pattern, "anything")
    assert ours.text([pattern], 1, 9) is None


@pytest.mark.parametrize(
    ("all_of", "fewest", "most"),
    [
        ([r"\d", "[A-Z]", "[a-z]"], 3, 3),
        (["^a", "b$"], 2, 2),
        (["^(?:ab)+$", "^(?:aba?b?)+$", "b$"], 6, 9),
        ([r"^\d{4}-\d\d-\d\dT", "Z$"], 0, 20),
        ([r"\bfoo\b"], 12, 14),
        (["(?<=x)y(?=z)"], 1, 10),
        (["^(?=.{8,20}$)[a-z]+$"], 0, 100),
        (["^a{1000}$"], 0, 5000),
    ],
)
def test_several_patterns_and_lengths_are_fitted_at_once(
    all_of: list[str], fewest: int, most: int
) -> None:
    for seed in range(10):
        text = patterns(seed).text(all_of, fewest, most)
        assert text is not None
        assert fewest <= len(text) <= most
        assert all(re.search(one, text) for one in all_of), text


def test_what_cannot_be_is_not_found() -> None:
    assert patterns().text(["^a$", "^b$"], 0, 9) is None
    assert patterns().text(["^a+$"], 5, 4) is None
    assert patterns().text(["^(a{1000}){1000}$"], 0, 10**6) is None


def test_letters_that_engines_disagree_about_are_neither_in_nor_out() -> None:
    ours = patterns()
    for pattern in (r"^\w$", r"^\W$"):
        assert not ours.found_in(pattern, "\u00e9")
    assert ours.found_in(r"^\S$", "\u00e9")
    assert ours.found_in("^[^x]$", "\u00e9")
