from __future__ import annotations

from pathlib import Path

import pytest

from chatdouble import CassetteError
from chatdouble.cassette.format import load
from chatdouble.cassette.store import Store, merge
from tests.cassette.takes import a_take


def test_what_is_appended_is_read_back(tmp_path: Path) -> None:
    store = Store(tmp_path / "deep" / "a.yaml")
    take = a_take()
    store.append(take)
    store.append(a_take(status=429, reason="Too Many Requests", cut=True, pieces=()))
    first, second = load(store.file)
    assert (first.method, first.path, first.body) == (
        "POST",
        "/v1/chat/completions",
        take.request_body,
    )
    assert (first.response, first.recorded) == (take.body, take.recorded)
    assert first.pieces == ((0.25, 16), (0.5, 14))
    assert (second.status, second.cut, second.response) == (429, True, b"")
    assert [path.name for path in tmp_path.rglob("*")] == ["deep", "a.yaml"]


def test_a_damaged_file_stays_as_it_was_and_the_interaction_is_saved_beside_it(
    tmp_path: Path,
) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("interactions: [")
    with pytest.raises(CassetteError, match=r"the interaction stands in a\.rescued-1\.yaml"):
        Store(file).append(a_take())
    assert file.read_text() == "interactions: ["
    assert len(load(tmp_path / "a.rescued-1.yaml")) == 1


def test_a_cassette_gets_the_interactions_of_another(tmp_path: Path) -> None:
    side, into = tmp_path / "side.yaml", tmp_path / "into.yaml"
    Store(side).append(a_take(status=201))
    Store(into).append(a_take())
    merge(side, into)
    assert [read.status for read in load(into)] == [200, 201]
    merge(side, into, fresh=True)
    assert [read.status for read in load(into)] == [201]
