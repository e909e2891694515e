from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from chatdouble import CassetteError
from chatdouble.cassette.format import find, load
from chatdouble.cassette.redact import clean, findings
from chatdouble.cassette.store import Store
from tests.cassette.planted import SHAPED
from tests.cassette.takes import a_take

KEY = SHAPED["openai project"]
OTHER = SHAPED["groq"]


def vcrpy_writes(file: Path, body: Any, sent: Any = "{}", **headers: list[str]) -> None:
    from vcr.cassette import Cassette
    from vcr.request import Request

    cassette = Cassette(str(file), record_mode="new_episodes")
    request = Request(
        "POST", f"https://api.openai.com/v1/x?key={OTHER}", sent, {"Authorization": f"Bearer {KEY}"}
    )
    status = {"code": 200, "message": "OK"}
    cassette.append(request, {"status": status, "headers": headers, "body": {"string": body}})
    cassette._save()


SECRET_BODY = json.dumps({"error": {"message": f"Wrong key: {KEY}."}, "text": "a b c d " * 30})


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        (SECRET_BODY, "{}"),
        (SECRET_BODY.encode() + b"\xff", "{}"),
        (gzip.compress(SECRET_BODY.encode()), "{}"),
        (f"data: a\n\ndata: {KEY}\n\n" + "\u2028\r\n \"'" * 20, json.dumps({"password": "it's"})),
        (
            "nothing",
            json.dumps({"text": json.dumps({"client_secret": 'with "quotes" and \\ too'})}),
        ),
    ],
    ids=["json", "binary", "gzip", "odd characters", "nested"],
)
def test_a_cassette_of_vcrpy_is_cleaned_in_place(tmp_path: Path, body: Any, sent: str) -> None:
    file = tmp_path / "a.yaml"
    vcrpy_writes(file, body, sent, **{"Set-Cookie": ["__cf_bm=abcdef123; path=/"]})
    before = yaml.safe_load(file.read_text())
    found = findings(file)
    assert {finding.where for finding in found} >= {
        "request.headers.Authorization",
        "request.uri",
        "response.headers.Set-Cookie",
    }
    assert {finding.interaction for finding in found} == {1}
    assert not any(KEY[8:] in finding.hint for finding in found)
    assert clean(file) == len(found)
    assert findings(file) == ()
    assert KEY not in file.read_text()
    (read,) = load(file)
    assert read.query == "key=<api-key-2>" or "<api-key-" in read.query
    after = yaml.safe_load(file.read_text())
    request = after["interactions"][0]["request"]
    assert request["headers"]["Authorization"] == ["Bearer <api-key-1>"]
    assert after.keys() == before.keys()
    assert clean(file) == 0


def test_only_the_lines_with_secrets_change(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.yaml")
    for _ in range(3):
        store.append(a_take(pieces=((0.1, b"data: {}\n\ndata: it is $HERE\n\ndata: x\n\n"),)))
    text = store.file.read_text()
    assert text.count("$HERE") == 3
    store.file.write_text(text.replace("$HERE", KEY, 1))
    (finding,) = findings(store.file)
    assert (finding.interaction, finding.where) == (1, "response.body.string")
    assert (finding.kind, finding.hint) == ("api-key", f"sk-p… ({len(KEY)} characters)")
    assert clean(store.file) == 1
    assert store.file.read_text() == text.replace("$HERE", "<api-key-1>", 1)


def test_a_file_that_is_no_yaml_is_left_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(f"interactions: [{KEY}")
    with pytest.raises(CassetteError, match="is no sound YAML"):
        clean(file)
    assert file.read_text() == f"interactions: [{KEY}"
    assert [path.name for path in tmp_path.iterdir()] == ["a.yaml"]


def test_recorded_traffic_gives_few_false_alarms(shared_cassettes: Path) -> None:
    """The keys in its headers are redacted, so nearly nothing is left to be found."""
    folders = [
        path for path in shared_cassettes.iterdir() if path.is_dir() and path.name != "other"
    ]
    files = [file for file, _ in find(tuple(folders)) if "other" not in file.parts]
    alarms = [finding for file in files for finding in findings(file)]
    assert len(alarms) < 20
