"""What is found by a request's bytes is what is found by its meaning."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatdouble.cassette import format as cassettes
from chatdouble.cassette.format import Interaction
from chatdouble.cassette.index import Index
from chatdouble.cassette.match import Request
from chatdouble.cassette.matching import Matching


def asked(one: Interaction) -> tuple[str, str, str, bytes]:
    return one.method, one.path, one.query, one.body


def test_recorded_bytes_find_what_their_meaning_finds(shared_cassettes: Path) -> None:
    found = 0
    for folder in sorted(path for path in shared_cassettes.iterdir() if path.is_dir()):
        if folder.name == "other":
            continue
        for file, _ in cassettes.find((folder,)):
            recorded = cassettes.load(file)
            index = Index(recorded)
            for one in recorded:
                known = index.known(asked(one))
                if known is not None:
                    found += 1
                    group, entries, streamed = index.find(Request.of(one))
                    assert known[0] is group
                    assert known[1:] == (entries, streamed)
    assert found > 500


BODY = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}'


def recording(body: bytes = BODY, status: int = 200) -> Interaction:
    return Interaction("a.yaml [1]", "POST", "/v1/chat/completions", "", body, status, (), b"{}")


@pytest.mark.parametrize(
    ("one", "matching"),
    [
        # a recorded refusal may be about a default that is stated
        (recording(status=400), Matching()),
        # headers, the other way of sending or what a user's function says count, too
        (recording(), Matching(match_on=("method", "headers"))),
        (recording(), Matching(ignore=("stream",))),
        (recording(), Matching(transform=lambda body: body)),
        # what was hidden when it was recorded is hidden before it is compared
        (recording(BODY.replace(b"Hi", b"<api-key-1>")), Matching()),
        # an upload has a boundary that clients make up
        (recording(b"--x\r\n\r\n--x--"), Matching()),
    ],
)
def test_where_more_than_the_bytes_counts_they_do_not_find_it(
    one: Interaction, matching: Matching
) -> None:
    index = Index([one], matching)
    assert index.known(asked(one)) is None
    assert index.find(Request.of(one))[1]


def test_bytes_find_only_the_request_that_has_them() -> None:
    one = recording()
    index = Index([one])
    method, path, query, body = asked(one)
    assert index.known((method, path, query, body)) is not None
    for other in (
        ("GET", path, query, body),
        (method, "/v1/embeddings", query, body),
        (method, path, "a=1", body),
        (method, path, query, body.replace(b"Hi", b"Ho")),
    ):
        assert index.known(other) is None
