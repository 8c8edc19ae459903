"""What is read of a vendor's answer: compressed ones within bounds, failures in disguise, nothing that need not be read."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib

import pytest

from trunkline.core.service import ErrorRule
from trunkline.engine.reply import READ_MAX, UNPACKED_MAX, inflated, plain
from trunkline.testing import EVENTS, JSON, Sent, Trial, answers, service

CHAT = b'{"model":"acme/tiny"}'
GZIP = (b"content-encoding", b"gzip")
REPLY = b'{"model":"tiny-1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}'


def test_compressed_bodies_are_read_and_bombs_stay_small() -> None:
    data = b'{"a":1}' * 100
    for encoding, packed in ((b"gzip", gzip.compress(data)), (b"deflate", zlib.compress(data))):
        assert plain([(b"content-encoding", encoding)], packed) == data
    bomb = gzip.compress(b"\0" * (50 << 20))
    assert len(plain([(b"content-encoding", b"gzip")], bomb)) <= 1 << 20
    assert plain([(b"content-encoding", b"gzip")], b"no gzip") == b"no gzip"
    assert plain([(b"content-encoding", b"br")], b"...") == b"..."


def test_a_bomb_takes_no_more_than_what_is_asked_of_it() -> None:
    # Hard to pack, so that what zlib has not come to is as long as the rest: it must not be copied.
    noise = zlib.compress(bytes(range(256)) * 40_000, 0)
    bomb = gzip.compress(b"\0" * (50 << 20)) + noise
    tracemalloc.start()
    data, complete = inflated(bomb, 1 << 20)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (len(data), complete) == (1 << 20, False)
    assert most < 3 << 20


@pytest.mark.parametrize("size", [0, 1, UNPACKED_MAX - 1, UNPACKED_MAX])
def test_what_fits_is_whole(size: int) -> None:
    data, complete = inflated(gzip.compress(b"x" * size), UNPACKED_MAX)
    assert len(data) == size
    assert complete or size == UNPACKED_MAX


@pytest.mark.row("A1")
async def test_a_models_reply_that_comes_compressed_unasked_is_read_all_the_same() -> None:
    trial = Trial(answers(200, gzip.compress(REPLY), JSON, GZIP))
    heard = await trial.ask("POST", "/v1/chat/completions", CHAT)
    assert (heard.status, heard.body, trial.ends[0].input_tokens) == (200, gzip.compress(REPLY), 3)


@pytest.mark.row("Q3")
@pytest.mark.parametrize("size", [UNPACKED_MAX + 1, 50 << 20])
async def test_one_that_unpacks_beyond_measure_is_malformed_at_once(size: int) -> None:
    packed = gzip.compress(b" " * size)
    trial = Trial(*[answers(200, packed, JSON, GZIP)] * 4)
    heard = await trial.ask("POST", "/v1/chat/completions", CHAT)
    assert (trial.ends[0].code, len(trial.wire.sent)) == ("malformed_response", 1)
    assert "does not unpack within 4 MB" in json.loads(heard.body)["error"]["message"]


@pytest.mark.row("Q3")
async def test_one_that_is_announced_beyond_measure_is_not_even_read() -> None:
    def play(sent: Sent) -> None:
        sent.begin(200, JSON, GZIP, (b"content-length", b"%d" % (UNPACKED_MAX + 1)))

    trial = Trial(play)
    await trial.ask("POST", "/v1/chat/completions", CHAT)
    assert (trial.ends[0].code, trial.wire.sent[0].dropped) == ("malformed_response", True)


WATCHED = service(errors=[ErrorRule(kind="not_found", status=[200], body={"/error": "gone"})])


@pytest.mark.row("E2")
async def test_streams_and_files_of_a_vendor_whose_good_answers_are_judged_pass_as_they_come() -> None:
    for kind in (EVENTS, (b"content-type", b"application/pdf")):
        trial = Trial(lambda sent, kind=kind: sent.begin(200, kind), services=[WATCHED])
        heard = trial.begin("GET", "/api/proxy/acme/x")
        await trial.turn()
        trial.wire.sent[0].piece(b"first")
        assert heard.body == b"first"
        trial.wire.sent[0].end()
        await trial.until(lambda heard=heard: heard.closed)


@pytest.mark.row("E2")
async def test_a_long_good_answer_of_such_a_vendor_is_not_lost() -> None:
    long = b'{"items":"' + b"x" * (2 * READ_MAX) + b'"}'

    def play(sent: Sent) -> None:
        sent.begin(200, JSON)
        sent.piece(long)
        sent.end()

    def announced(sent: Sent) -> None:
        sent.begin(200, JSON, (b"content-length", b"%d" % len(long)))
        sent.piece(long)
        sent.end()

    for one in (play, announced):
        heard = await Trial(one, services=[WATCHED]).ask("GET", "/api/proxy/acme/x")
        assert (heard.status, heard.body == long) == (200, True)


@pytest.mark.row("E2")
async def test_a_good_answer_of_such_a_vendor_that_breaks_off_is_a_failure() -> None:
    def play(sent: Sent) -> None:
        sent.begin(200, JSON)
        sent.piece(b'{"items":')
        sent.cut()

    heard = await Trial(*[play] * 4, services=[WATCHED]).ask("GET", "/api/proxy/acme/x")
    assert (heard.status, json.loads(heard.body)["code"]) == (502, "network")
