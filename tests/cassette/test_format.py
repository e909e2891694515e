from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from chatdouble import CassetteError
from chatdouble.cassette.format import Interaction, find, load

REQUEST = {"method": "POST", "uri": "https://api.openai.com/v1/chat/completions", "body": "{}"}


def interaction(body: Any = "hello", **headers: list[str]) -> dict[str, Any]:
    return {
        "request": {**REQUEST, "headers": {"accept": ["*/*"]}},
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": {"content-type": ["text/plain"], **headers},
            "body": {"string": body},
        },
    }


def write(folder: Path, *interactions: Any, name: str = "a.yaml", **top: Any) -> Path:
    file = folder / name
    file.write_text(yaml.safe_dump({"version": 1, "interactions": list(interactions), **top}))
    return file


def test_what_vcrpy_writes_is_read(tmp_path: Path) -> None:
    from vcr.cassette import Cassette
    from vcr.request import Request

    file = tmp_path / "vcr.yaml"
    cassette = Cassette(str(file), record_mode="new_episodes")
    cassette.append(
        Request("POST", "https://api.openai.com/v1/chat/completions?a=b", b'{"x":"\xc3\xa9"}', {}),
        {
            "status": {"code": 429, "message": "Too Many Requests"},
            "headers": {
                "Content-Type": ["application/json"],
                "Retry-After": ["1"],
                "X": ["1", "2"],
            },
            "body": {"string": b"\x00\xff binary"},
        },
    )
    cassette._save()
    before = file.read_bytes()
    assert load(file) == (
        Interaction(
            origin=f"{file}, interaction 1",
            method="POST",
            path="/v1/chat/completions",
            query="a=b",
            body=b'{"x":"\xc3\xa9"}',
            status=429,
            headers=(
                ("Content-Type", "application/json"),
                ("Retry-After", "1"),
                ("X", "1"),
                ("X", "2"),
            ),
            response=b"\x00\xff binary",
        ),
    )
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b"hello", mtime=0)),
        ("GZIP", gzip.compress(b"hello", mtime=0)),
        ("deflate", zlib.compress(b"hello")),
        ("deflate", zlib.compress(b"hello", wbits=-15)),
        ("identity", b"hello"),
        ("gzip", b"hello"),
        ("br", b"hello"),
        ("gzip, gzip", gzip.compress(gzip.compress(b"hello", mtime=0), mtime=0)),
    ],
    # the same names in every worker and on every zlib
    ids=["gzip", "capitals", "zlib", "raw", "identity", "unpacked", "unpacked-br", "twice"],
)
def test_packed_bodies_are_unpacked(tmp_path: Path, encoding: str, packed: bytes) -> None:
    """Also those that a recorder unpacked without removing the header."""
    (read,) = load(write(tmp_path, interaction(packed, **{"Content-Encoding": [encoding]})))
    assert read.response == b"hello"
    assert read.headers == (("content-type", "text/plain"),)


def test_headers_of_one_connection_are_left_out(tmp_path: Path) -> None:
    headers = {
        "Connection": ["keep-alive"],
        "Transfer-Encoding": ["chunked"],
        "Content-Length": ["99"],
        "x-request-id": ["req_1"],
    }
    (read,) = load(write(tmp_path, interaction(**headers)))
    assert read.headers == (("content-type", "text/plain"), ("x-request-id", "req_1"))


def test_a_line_break_in_a_header_cannot_end_it(tmp_path: Path) -> None:
    (read,) = load(write(tmp_path, interaction(**{"x-evil": ["a\r\nset-cookie: b"]})))
    assert read.headers[1] == ("x-evil", "a set-cookie: b")


NOTES = {
    "recorded": "2026-01-02T03:04:05Z",
    "cut": True,
    "layout": "compact",
    "request_layout": "spaced",
    "pieces": [[0.5, 3], [1, 4]],
}


def noted(notes: Any) -> dict[str, Any]:
    recorded = interaction('{\n  "a": 1\n}')
    recorded["request"]["body"] = '{\n  "b": [\n    1,\n    2\n  ]\n}\n'
    recorded["response"]["chatdouble"] = notes
    return recorded


def test_what_is_noted_beside_a_recording_is_read(tmp_path: Path) -> None:
    (read,) = load(write(tmp_path, noted(NOTES)))
    assert (read.body, read.response) == (b'{"b": [1, 2]}\n', b'{"a":1}')
    assert (read.pieces, read.cut, read.recorded) == (((0.5, 3), (1.0, 4)), True, 1767323045)


@pytest.mark.parametrize(
    "notes",
    [None, 7, [], {"layout": 3, "pieces": [[0, 1]], "recorded": "soon", "cut": "no"}]
    + [{"pieces": pieces} for pieces in ([[".nan", 12]], [[0, "12"]], 5, [[10**400, 12]], [[0]])],
)
def test_notes_that_make_no_sense_are_passed_over(tmp_path: Path, notes: Any) -> None:
    (read,) = load(write(tmp_path, noted(notes)))
    assert (read.response, read.pieces) == (b'{\n  "a": 1\n}', ())
    assert (read.cut, read.recorded) == (False, None)


def test_merge_keys_may_be_overridden(tmp_path: Path) -> None:
    file = tmp_path / "merged.yaml"
    file.write_text(
        "interactions:\n"
        "- request: &r {method: GET, uri: 'http://a/v1/b', body: ''}\n"
        "  response: &s {status: {code: 200, message: OK}, headers: {}, body: {string: one}}\n"
        "- request: {<<: *r, uri: 'http://a/v1/c'}\n"
        "  response: {<<: *s, body: {string: two}}\n"
        "version: 1\n"
    )
    assert [(read.path, read.response) for read in load(file)] == [
        ("/v1/b", b"one"),
        ("/v1/c", b"two"),
    ]


def test_odd_request_headers_do_no_harm(tmp_path: Path) -> None:
    recorded = interaction()
    recorded["request"]["headers"] = {"a": []}
    assert len(load(write(tmp_path, recorded))) == 1


def test_old_tags_of_vcrpy_are_plain_data(tmp_path: Path) -> None:
    file = tmp_path / "old.yaml"
    file.write_text(
        "interactions:\n"
        "- request: {body: !!python/unicode 'x', headers: {}, method: GET, uri: 'http://a/v1/b'}\n"
        "  response:\n"
        "    body: {string: !!python/str 'hello'}\n"
        "    headers: {a: !!python/tuple [b, c]}\n"
        "    status: {code: 200, message: OK}\n"
        "version: 1\n"
    )
    (read,) = load(file)
    assert (read.body, read.response, read.headers) == (b"x", b"hello", (("a", "b"), ("a", "c")))


WHOLE = yaml.safe_dump({"interactions": [interaction()], "version": 1})


@pytest.mark.parametrize(
    ("text", "problem", "foreign"),
    [
        (WHOLE[:100] + '"', "is no sound YAML: line ", False),
        ("interactions: [", "is no sound YAML: line ", False),
        (
            "interactions: !!python/object/apply:os.system ['touch pwned']\nversion: 1",
            "holds what no cassette may: line 1: could not determine a constructor for the tag "
            "'tag:yaml.org,2002:python/object/apply:os.system'",
            False,
        ),
        (
            "interactions:\n- !!python/object/new:_io.FileIO [pwned, w]\nversion: 1",
            "holds what no cassette may: line 2: ",
            False,
        ),
        ("", "is no vcrpy cassette: expected a mapping with a list of interactions", True),
        ("- 1", "is no vcrpy cassette: expected a mapping with a list of interactions", True),
        ("services: {web: {image: x}}", "is no vcrpy cassette: expected a mapping", True),
        ("interactions: []\nversion: 2", "is no vcrpy cassette: expected version: 1", True),
        ("a: 1\n---\nb: 2", "is no sound YAML: line ", True),
        ("interactions: [7]", "interaction 1: expected request and response, got a int", False),
        ("interactions: [{request: {}}]", "interaction 1: request.method: expected a text", False),
        (
            "interactions: [{request: {method: GET, uri: http://a, body: [1]}}]",
            "interaction 1: request.body: expected a text or nothing, got a list",
            False,
        ),
        (
            "interactions: [{request: {method: GET, uri: http://a}, response: {}}]",
            "interaction 1: response.status: expected code and message, got nothing",
            False,
        ),
        (
            "interactions: [{request: {method: GET, uri: http://a}, "
            "response: {status: {code: 9999}}}]",
            "interaction 1: response.status.code: expected 200 to 599, got 9999",
            False,
        ),
        (
            "interactions: [{request: {method: GET, uri: http://a}, "
            "response: {status: {code: 100}}}]",
            "interaction 1: response.status.code: expected 200 to 599, got 100",
            False,
        ),
        (
            "interactions: [{request: {method: GET, uri: 'http://[bad/v1/x'}}]",
            "interaction 1: request.uri: Invalid IPv6 URL",
            False,
        ),
        (
            "interactions: [{request: {method: GET, url: http://a}}]",
            "is no vcrpy cassette: expected a uri in each request",
            True,
        ),
        ("interactions: " + "[" * 100_000, "is no sound YAML: line 1: it is nested more", False),
        ("interactions: !!bool foo", "is no sound YAML: 'foo'", False),
        ("interactions: !!int ''", "is no sound YAML: ", False),
        ("interactions: !!timestamp foo", "is no sound YAML: ", False),
        (
            "interactions: []\ninteractions: []",
            "holds what no cassette may: line 2: the key 'interactions' stands twice",
            False,
        ),
        (
            "interactions: [{request: {method: GET, uri: http://a}, "
            "response: {status: {code: 200}, headers: {a: &v [" + ", ".join("x" * 1001) + "]}}}]",
            "interaction 1: response.headers: more than 1000 values",
            False,
        ),
        (
            "interactions: [{request: {method: GET, uri: http://a}, "
            "response: {status: {code: 200}, headers: {content-encoding: [gzip, gzip, gzip]}}}]",
            "interaction 1: more than two content-encodings",
            False,
        ),
        (
            "interactions: [{request: {method: GET, uri: http://a}, "
            "response: {status: {code: 200}, headers: {a: [{}]}}}]",
            "interaction 1: response.headers.a: expected texts, got a dict",
            False,
        ),
        (
            "interactions: [{request: {method: GET, uri: http://a}, "
            "response: {status: {code: 200}, headers: {'a: b': [c]}}}]",
            "interaction 1: response.headers: 'a: b' is no header's name",
            False,
        ),
        (
            "interactions: [{request: {method: GET, uri: http://a}, "
            "response: {status: {code: 200}, body: {string: 7}}}]",
            "interaction 1: response.body.string: expected a text or binary, got a int",
            False,
        ),
        (
            "interactions: [{request: {method: GET, uri: http://a}, "
            "response: {status: {code: 200}, headers: {content-encoding: [gzip]}, "
            "body: {string: !!binary H4sIAAAAAAAA}}}]",
            "interaction 1: the response's body is no sound gzip: ",
            False,
        ),
        (
            "interactions: [{request: {method: GET, uri: http://a}, "
            "response: {status: {code: 200}, headers: {content-encoding: [br]}, "
            "body: {string: !!binary /////w==}}}]",
            "interaction 1: the response's body is encoded as br, which cannot be undone here",
            False,
        ),
    ],
)
def test_a_broken_foreign_or_hostile_file_is_named_and_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, problem: str, foreign: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "a.yaml"
    if text.startswith("interactions: [{") or text == "interactions: [7]":
        text += "\nversion: 1"
    file.write_text(text)
    with pytest.raises(CassetteError) as caught:
        load(file)
    assert str(caught.value).startswith(f"{file}: {problem}")
    assert caught.value.foreign is foreign
    assert file.read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["a.yaml"]


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"interactions: \xff")
    with pytest.raises(CassetteError, match=r"a\.yaml: is not UTF-8 \(byte 14\)"):
        load(file)
    with pytest.raises(CassetteError, match="is no file"):
        load(tmp_path)


def test_a_cassette_cut_off_between_two_interactions_is_refused(tmp_path: Path) -> None:
    """vcrpy writes the version last, so a file without it was not written to its end."""
    file = write(tmp_path, interaction(), interaction())
    whole = file.read_text()
    file.write_text(whole[: whole.index("- request", whole.index("- request") + 1)])
    with pytest.raises(CassetteError, match="has no version at its end, as if it had been cut"):
        load(file)


def test_a_body_that_unpacks_without_end_is_refused(tmp_path: Path) -> None:
    bomb = gzip.compress(b"\0" * 200_000_000, 1)
    file = write(tmp_path, interaction(bomb, **{"content-encoding": ["gzip"]}))
    with pytest.raises(CassetteError, match="it unpacks to more than 134217728 bytes"):
        load(file)


def test_a_status_that_has_no_body_is_served_without_one(tmp_path: Path) -> None:
    recorded = interaction("abc")
    recorded["response"]["status"]["code"] = 204
    (read,) = load(write(tmp_path, recorded))
    assert read.response == b""


def test_cassettes_are_found_at_any_depth_in_the_order_of_their_paths(tmp_path: Path) -> None:
    (tmp_path / "d" / "e").mkdir(parents=True)
    named = write(tmp_path, interaction(), name="z.json")
    for name in ("d/b.yaml", "d/a.yml", "d/e/c.YAML", "d/notes.txt"):
        write(tmp_path, interaction(), name=name)
    found = find((named, tmp_path / "d"))
    assert [(path.relative_to(tmp_path).as_posix(), own) for path, own in found] == [
        ("z.json", True),
        ("d/a.yml", False),
        ("d/b.yaml", False),
        ("d/e/c.YAML", False),
    ]
    with pytest.raises(CassetteError, match="there is no such file or folder"):
        find((tmp_path / "nowhere",))


def test_every_shared_cassette_is_read(shared_cassettes: Path) -> None:
    folders = [
        path for path in shared_cassettes.iterdir() if path.name not in ("other", "README.md")
    ]
    files = find(tuple(sorted(folders)))
    assert len(files) > 300
    assert sum(len(load(file)) for file, _ in files) > 600


def test_a_cassette_of_vcrpys_json_serializer_is_read_with_emoji(tmp_path: Path) -> None:
    from vcr.serializers import jsonserializer

    recorded = interaction("\U0001f600 \x00")
    text = jsonserializer.serialize({"version": 1, "interactions": [recorded]})
    file = tmp_path / "a.json"
    file.write_text(text)
    assert load(file)[0].response == "\U0001f600 \x00".encode()


def test_what_aliases_share_is_read_once_and_what_holds_itself_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    bomb = "a: &a [x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
        for before, name in zip("abcdefghijklmn", "bcdefghijklmno", strict=True)
    )
    file.write_text(f"{bomb}interactions: []\nversion: 1\n")
    assert load(file) == ()
    file.write_text("interactions: &a\n- *a\nversion: 1\n")
    with pytest.raises(CassetteError, match="holds itself"):
        load(file)


def test_thousands_of_interactions_with_all_their_headers_are_read(tmp_path: Path) -> None:
    headers = "".join(f"      x-{number}: [v]\n" for number in range(16))
    one = (
        "- request:\n    body: null\n    headers:\n" + headers + "    method: GET\n"
        "    uri: https://api.openai.com/v1/models\n"
        "  response:\n    body: {string: x}\n    headers:\n" + headers + "    status: {code: 200}\n"
    )
    file = tmp_path / "a.yaml"
    file.write_text("interactions:\n" + one * 6_000 + "version: 1\n")
    assert len(load(file)) == 6_000
