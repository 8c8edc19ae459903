"""Recorded calls: what is kept of them, and where."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from trunkline.ops.contracts import cassette
from trunkline.ops.contracts.cassette import Cassette, CassetteInvalid, Heard
from trunkline.ops.contracts.disguise import Disguise


def heard(**changes: Any) -> Heard:
    given: dict[str, Any] = {
        "method": "POST", "path": "/v1/customers/cus_NffrFeUfNV2Hib", "query": "expand=card",
        "headers": {"Content-Type": "application/json", "Authorization": "Bearer sk_live_1", "x-trunkline-key": "tl_1"},
        "body": b'{"email":"jane@corp.example"}', "status": 200,
        "answered": {"Content-Type": "application/json", "Set-Cookie": "a=b", "Request-Id": "req_1", "Stripe-Version": "2026-08-26.dahlia"},
        "head_ms": 80.04, "pieces": [(81.0, b'{"id":"cus_NffrFeUfNV2Hib",'), (95.26, b'"email":"jane@corp.example"}')],
    }  # fmt: skip
    return Heard(**{**given, **changes})


def made(one: Heard) -> Cassette:
    return cassette.made(
        "a customer", "stripe", "2026-08-26.dahlia", "2026-11-21", one, Disguise(b"k" * 32), simulated=False
    )


@pytest.mark.row("C5")
def test_credentials_cookies_and_people_are_not_kept() -> None:
    kept = made(heard())
    text = msgspec.json.encode(kept).decode()
    for word in ("sk_live", "tl_1", "jane", "corp", "cookie", "req_1", "NffrFeUfNV2Hib"):
        assert word not in text
    assert kept.request.headers == {"content-type": "application/json"}
    assert kept.response.headers == {
        "content-type": "application/json",
        "stripe-version": "2026-08-26.dahlia",
    }


def test_ids_of_path_and_body_still_fit_together() -> None:
    kept = made(heard())
    assert kept.request.path.rpartition("/")[2] == json.loads(kept.response.body)["id"]
    assert kept.request.query == "expand=card"
    assert (kept.response.at_ms, [piece.at_ms for piece in kept.response.pieces]) == (80.0, [95.3])


@pytest.mark.row("C5")
def test_a_stream_keeps_its_events_and_their_times() -> None:
    pieces = [
        (100.0, b'event: start\ndata: {"n":1}\n\nevent: del'),
        (140.0, b'ta\ndata: {"text":"Jane"}\n\n'),
        (200.0, b"data: [DONE]\n\n"),
    ]
    kept = made(heard(answered={"content-type": "text/event-stream; charset=utf-8"}, pieces=pieces))
    assert kept.response.stream
    assert [piece.at_ms for piece in kept.response.pieces] == [100.0, 140.0, 200.0]
    assert [piece.content.split(b"\n")[0] for piece in kept.response.pieces] == [
        b"event: start",
        b"event: delta",
        b"data: [DONE]",
    ]
    assert b"Jane" not in kept.response.body


def test_an_answer_without_a_body_and_one_that_is_no_text() -> None:
    assert made(heard(status=204, pieces=[])).response.pieces == []
    kept = made(heard(answered={"content-type": "image/png"}, pieces=[(1.0, b"\x89PNG")]))
    assert kept.response.body == b"<4 bytes of image/png>"


def test_a_file_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path = cassette.path_of(tmp_path, "stripe@2026-08", "A payment: it can be made!")
    assert path == tmp_path / "stripe-2026-08" / "a-payment-it-can-be-made.json"
    kept = made(heard())
    cassette.write(path, kept)
    assert cassette.read(path) == kept
    assert cassette.folder([tmp_path]) == [(path, kept)] == cassette.folder([path])
    assert path.read_text().count("\n") > 10


@pytest.mark.parametrize("text", ["{", "{}", '{"cassette": 2}'])
def test_what_is_no_cassette_says_so_with_the_cure(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(CassetteInvalid, match="Record it again"):
        cassette.read(path)
    with pytest.raises(CassetteInvalid, match="There is no cassette"):
        cassette.read(tmp_path / "y.json")


def damaged(**changes: Any) -> bytes:
    """A cassette's file, with members of its answer replaced."""
    tree = json.loads(msgspec.json.encode(made(heard())))
    tree["response"].update(changes)
    return json.dumps(tree, indent=1).encode()


@pytest.mark.row("C5")
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"cassette": 2, "name": "x"}', ": `cassette: 2` is of another version of this format; this Trunkline reads 1."),
        (b'{"cassette": 1,\n<<<<<<< HEAD\n"name": 2', ":2 holds marks of a merge that was not finished."),
        (b'{"cassette": 1,\n"name": }', ":2 is no cassette: JSON is malformed"),
        (b"\xff\xfe", ":1 is no cassette: "),
        (b"", " is no cassette: "),
        (damaged(status=20), " is no cassette: `response.status` is 20, which no answer has."),
        (damaged(at_ms=-1.0), " is no cassette: `at_ms` is -1, which is not between 0 and"),
        (damaged(at_ms=1e300), " is no cassette: `at_ms` is 1e+300,"),
        (damaged(pieces=[{"at_ms": 1.0, "base64": "a"}]), " is no cassette: `response.pieces[0].base64` is no base64."),
        (damaged(headers={"x": "a\r\nset-cookie: b"}), " is no cassette: `response.headers` has 'x'"),
        (damaged(headers={"x: y": "a"}), " is no cassette: `response.headers` has 'x: y'"),
    ],
)  # fmt: skip
def test_a_damaged_cassette_says_where_and_what(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(CassetteInvalid) as problem:
        cassette.read(path).response.body  # noqa: B018 (may raise)
    assert str(problem.value).startswith(f"{path}{said}")
    assert str(problem.value).endswith("Record it again with `trunkline contracts record`.")


def test_a_folder_is_no_cassette(tmp_path: Path) -> None:
    with pytest.raises(CassetteInvalid, match=r"cannot be read: Is a directory\."):
        cassette.read(tmp_path)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ("GET /v1/customers?email=jane@corp.example", "GET /v1/customers"),
        ("GET /v1/customers/cus_NffrFeUfNV2Hib/cards", "GET /v1/customers/{id}/cards"),
        ("GET /u/jane%40corp.example", "GET /u/{id}"),
        ("POST /v1/chat/completions", "POST /v1/chat/completions"),
    ],
)
def test_the_name_of_a_recorded_call_holds_nobody(call: str, name: str) -> None:
    assert cassette.name_of(call) == name


def test_names_without_plain_letters_are_files_of_their_own() -> None:
    assert cassette.slug("日本") != cassette.slug("中国")


@pytest.mark.row("C5")
def test_json_lines_keep_their_times() -> None:
    pieces = [(10.0, b'{"response":"ja'), (20.0, b'ne"}\n{"n":1}\n{"do'), (30.0, b'ne":true}')]
    kept = made(heard(answered={"content-type": "application/x-ndjson"}, pieces=pieces))
    assert kept.response.stream
    assert [piece.at_ms for piece in kept.response.pieces] == [20.0, 20.0, 30.0]
    assert kept.response.body.endswith(b'{"n":1}\n{"done":true}')
    assert b"jane" not in kept.response.body
