"""Recordings of other tools are read, whatever strangers wrote into them."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

import pytest

from chatdouble.cassette import families
from chatdouble.cassette.age import recorded_at
from chatdouble.errors import CassetteError
from tests.cassette import recordings


def read(folder: Path, text: str) -> families.Reading:
    file = folder / "recording"
    file.write_bytes(text.encode())
    return families.read(file)


@pytest.mark.parametrize("name", recordings.FILES)
def test_each_family_is_known_by_its_content_and_read(tmp_path: Path, name: str) -> None:
    reading = read(tmp_path, recordings.FILES[name])
    (take,) = reading.takes
    assert reading.family.name == name
    assert take.method == "POST"
    assert take.uri.replace(":443", "") == recordings.URL
    assert json.loads(take.request_body) == recordings.QUESTION
    assert (take.status, json.loads(take.body)) == (200, recordings.ANSWER)
    assert ("Content-Type", "application/json") in take.headers
    assert not any(header.lower() == "content-encoding" for header, _ in take.headers)


def test_packed_chunks_of_polly_are_unpacked(tmp_path: Path) -> None:
    (take,) = read(tmp_path, recordings.polly()).takes
    assert json.loads(take.body) == recordings.ANSWER


def test_what_browsers_save_is_read(tmp_path: Path) -> None:
    """HTTP/2's pseudo headers, bodies that are unpacked already, requests without a response."""
    document = json.loads(recordings.har())
    (entry,) = document["log"]["entries"]
    entry["request"]["headers"].append({"name": ":authority", "value": "api.openai.com"})
    picture = json.loads(json.dumps(entry))
    packed = {"name": "content-encoding", "value": "br"}
    picture["response"]["headers"].append(packed)
    picture["response"]["content"] = {"encoding": "base64", "text": "/9j/4AA="}
    for status in (0, 101):
        broken = json.loads(json.dumps(entry))
        broken["response"]["status"] = status
        document["log"]["entries"].append(broken)
    document["log"]["entries"].append(picture)
    reading = read(tmp_path, json.dumps(document))
    assert len(reading.takes) == 2
    assert reading.takes[1].body == b"\xff\xd8\xff\xe0\x00"
    assert reading.left == ("interactions 2, 3: the whole of it, which got no response",)


def test_the_first_version_of_go_vcr_is_no_vcrpy_cassette(tmp_path: Path) -> None:
    reading = read(tmp_path, recordings.govcr(1))
    assert reading.family.name == "go-vcr"
    assert reading.takes[0].pieces[0][0] == 1.5


@pytest.mark.parametrize("name", ["har", "ruby-vcr", "betamax", "vcrpy"])
def test_the_time_of_recording_is_kept(tmp_path: Path, name: str) -> None:
    (take,) = read(tmp_path, recordings.FILES[name]).takes
    assert recorded_at(take) == 1_700_000_000


def test_a_time_that_no_file_can_hold_is_none(tmp_path: Path) -> None:
    for name, text in (("vcrpy", "recorded"), ("betamax", "recorded_at")):
        document = json.loads(recordings.FILES[name])
        late = "9999-12-31T23:59:59-23:59"
        if name == "vcrpy":
            document["interactions"][0]["response"]["chatdouble"] = {text: late}
        else:
            document["http_interactions"][0][text] = late
        assert read(tmp_path, json.dumps(document)).takes[0].recorded == 0


def test_what_is_not_read_is_said(tmp_path: Path) -> None:
    assert "laid out" in read(tmp_path, recordings.azure_test_proxy()).left[0]
    mapping = json.loads(recordings.wiremock())
    mapping["request"]["bodyPatterns"].append({"matchesJsonPath": "$.model"})
    assert "bodyPatterns[1]" in read(tmp_path, json.dumps(mapping)).left[0]
    mapping["request"] = {"urlPathPattern": "/.*", "method": "POST"}
    pattern = read(tmp_path, json.dumps(mapping))
    assert pattern.takes == ()
    assert "path is a pattern" in pattern.left[0]


def test_a_trace_that_was_edited_by_hand_is_read_and_said(tmp_path: Path) -> None:
    edited = recordings.httprr().replace("Host: api.openai.com", "Host: secret.example.org")
    reading = read(tmp_path, edited + recordings.httprr().removeprefix("httprr trace v1\n"))
    assert [json.loads(take.body) for take in reading.takes] == [recordings.ANSWER] * 2
    assert "edited" in reading.left[0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "line 1"),
        ('{"log": {"entries": [{}]}}', "log.entries[0].request: expected a mapping, got nothing"),
        (recordings.har().replace('"status": 200', '"status": 999'), "response.status"),
        (recordings.har().replace("https://", "https://[/"), "interaction 1"),
        (recordings.har().replace('"POST"', '"PO ST"'), "interaction 1"),
        ("[" * 50_000, "nested too deep"),
        ("a: " + "[" * 5000, "nested more than"),
        ('{"log": ' + "[" * 150 + "]" * 150 + "}", "nested more than"),
        ("x: !!python/object/apply:os.system [echo]", "line 1"),
        ("a: &a {b: 1}\nc:\n  <<: *a\n", "merge keys"),
        ("httprr trace v1\n5 5\n", "no sound message"),
        ("just: words", "no recording of a known tool"),
        ("", "no recording of a known tool"),
    ],
)
def test_a_broken_file_is_told_with_its_place(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(CassetteError) as error:
        read(tmp_path, text)
    assert problem in str(error.value)
    assert str(tmp_path / "recording") in str(error.value)


def test_aliases_that_unfold_without_end_are_refused_at_once(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    started = time.monotonic()
    with pytest.raises(CassetteError, match="unfolds"):
        read(tmp_path, "\n".join(lines))
    assert time.monotonic() - started < 20  # it would be for ever


def test_every_shared_recording_is_read(shared_cassettes: Path) -> None:
    counted: Counter[str] = Counter()
    for file, _ in families.find((shared_cassettes,)):
        reading = families.read(file)
        counted[reading.family.name] += len(reading.takes)
    assert counted == {
        "vcrpy": 694,
        "azure-test-proxy": 294,
        "httprr": 90,
        "go-vcr": 74,
        "har": 33,
        "wiremock": 17,
        "ruby-vcr": 6,
    }
