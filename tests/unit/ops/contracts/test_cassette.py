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
