"""Answers on their way to the caller: what is blotted out stays so however the pieces fall."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.plugins.policies.data_answer import HELD, ON_LOOP, WHOLE_MAX, BlottedReply, Stream, is_text
from trunkline.testing.script import Heard

MAIL = frozenset({"pii.email", "payment.card"})
TEXT = b"content-type: text/plain\r\n"
AS_JSON = b"content-type: application/json\r\n"


def event(text: str, **more: object) -> bytes:
    return (
        b"data: "
        + json.dumps({"choices": [{"index": 0, "delta": {"content": text}}], **more}).encode()
        + b"\n\n"
    )


def said(stream: bytes) -> str:
    events = [json.loads(line[6:]) for line in stream.decode().split("\n") if line.startswith("data: {")]
    return "".join(one["choices"][0]["delta"].get("content", "") for one in events)


def streamed(*pieces: bytes) -> bytes:
    stream = Stream(MAIL)
    return b"".join([*map(stream.feed, pieces), stream.finish()])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=60), st.integers(1, 200))
def test_a_text_is_clean_however_it_is_cut_into_events_and_pieces(sizes: list[int], chunk: int) -> None:
    whole = "Write to jane.doe@example.com, card 4242 4242 4242 4242, or to bob@example.org; " * 6
    events, at = [], 0
    for n in range(400):
        size = sizes[n % len(sizes)]
        if at >= len(whole):
            break
        events.append(event(whole[at : at + size]))
        at += size
    wire = b"".join(events)
    got = streamed(*(wire[start : start + chunk] for start in range(0, len(wire), chunk)))
    clean = (
        whole[:at].replace("jane.doe@example.com", "[pii.email]").replace("bob@example.org", "[pii.email]")
    )
    assert said(got) == clean.replace("4242 4242 4242 4242", "[payment.card]")
    assert got.count(b"data: ") == len(events)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=60), st.integers(1, 200))
def test_a_text_is_clean_however_it_is_cut_into_lines_and_pieces(sizes: list[int], chunk: int) -> None:
    whole = "Write to jane.doe@example.com, card 4242 4242 4242 4242; " * 6
    lines, at = [], 0
    while at < len(whole):
        size = sizes[len(lines) % len(sizes)]
        said_so = {
            "model": "m",
            "message": {"role": "assistant", "content": whole[at : at + size]},
            "done": False,
        }
        lines.append(json.dumps(said_so).encode() + b"\n")
        at += size
    wire = (
        b"".join(lines)
        + b'{"model":"m","message":{"role":"assistant","content":""},"done":true,"eval_count":4242}\n'
    )
    heard = Heard()
    reply = BlottedReply(heard, MAIL)
    reply.start(200, b"content-type: application/x-ndjson\r\n", None)
    for start in range(0, len(wire), chunk):
        reply.write(wire[start : start + chunk])
    reply.end()
    told = [json.loads(line) for line in heard.body.splitlines()]
    clean = whole.replace("jane.doe@example.com", "[pii.email]").replace(
        "4242 4242 4242 4242", "[payment.card]"
    )
    assert "".join(one["message"]["content"] for one in told) == clean
    assert len(told) == len(lines) + 1
    assert (heard.whole, told[-1]["done"], told[-1]["eval_count"]) == (True, True, 4242)


@pytest.mark.parametrize("cut", [1, 3, 7, 100])
def test_a_plain_text_is_clean_however_it_is_cut_into_events(cut: int) -> None:
    whole = "Write to jane.doe@example.com now."
    events = [f"data: {whole[at : at + cut]}\n\n".encode() for at in range(0, len(whole), cut)]
    got = streamed(*events, b"data: [DONE]\n\n").decode()
    texts = [line[6:] for line in got.split("\n") if line.startswith("data: ")]
    assert ("".join(texts[:-1]), texts[-1]) == ("Write to [pii.email] now.", "[DONE]")


async def test_an_answer_that_cannot_be_looked_at_to_its_end_is_cut() -> None:
    heard = Heard()
    BlottedReply(heard, MAIL).send(200, AS_JSON, b"[" * 200 + b"]" * 200)
    assert (heard.cut, heard.body) == (True, b"")


def test_only_the_end_of_a_text_is_held_back() -> None:
    stream = Stream(MAIL)
    got = b"".join(stream.feed(event("word ")) for _ in range(100))
    assert 500 - 2 * HELD <= len(said(got)) <= 500 - HELD


def test_memory_is_bounded_in_a_long_stream() -> None:
    stream = Stream(MAIL)
    for _ in range(3000):
        stream.feed(event("some words that go on and on "))
    assert sum(len(text.value) for text in stream._texts.values()) < 2000
    assert len(stream._held) < 50


def test_events_without_text_keep_their_place() -> None:
    head, tail = b'event: x\ndata: {"type":"start"}\n\n', b"data: [DONE]\n\n"
    assert streamed(head, event("hello"), tail) == head + event("hello") + tail


def test_other_values_of_an_event_are_looked_at_by_themselves() -> None:
    got = streamed(event("hello", user="jane@example.com", n=4242424242424242))
    assert json.loads(got[6:]) == {
        "choices": [{"index": 0, "delta": {"content": "hello"}}],
        "user": "[pii.email]",
        "n": 0,
    }


def test_two_texts_that_come_in_turns_are_kept_apart() -> None:
    def turn(index: int, text: str) -> bytes:
        return b"data: " + json.dumps({"index": index, "delta": {"text": text}}).encode() + b"\n\n"

    got = streamed(turn(0, "jane@"), turn(1, "bob@"), turn(0, "example.com"), turn(1, "nowhere"))
    texts: dict[int, str] = {}
    for line in got.decode().split("\n"):
        if line.startswith("data: "):
            one = json.loads(line[6:])
            texts[one["index"]] = texts.get(one["index"], "") + one["delta"]["text"]
    assert texts == {0: "[pii.email]", 1: "bob@nowhere"}


async def test_a_whole_answer() -> None:
    heard = Heard()
    BlottedReply(heard, MAIL).send(200, TEXT, b"to jane@example.com")
    assert (heard.body, heard.length) == (b"to [pii.email]", 14)


async def test_a_long_whole_answer_goes_out_from_a_thread() -> None:
    heard = Heard()
    BlottedReply(heard, MAIL).send(200, TEXT, b"x " * ON_LOOP + b"jane@example.com")
    assert not heard.closed
    while not heard.closed:
        await asyncio.to_thread(int)
    assert heard.body.endswith(b"x [pii.email]")


async def test_a_packed_answer_is_unpacked() -> None:
    heard = Heard()
    fields = AS_JSON + b"content-encoding: gzip\r\n"
    BlottedReply(heard, MAIL).send(200, fields, gzip.compress(b'{"to":"jane@example.com"}'))
    assert (heard.lines, heard.body) == (AS_JSON, b'{"to":"[pii.email]"}')


async def test_a_packed_stream_is_unpacked_on_the_way() -> None:
    heard = Heard()
    reply = BlottedReply(heard, MAIL)
    packer = zlib.compressobj()
    reply.start(200, b"content-type: text/event-stream\r\ncontent-encoding: deflate\r\n", None)
    reply.write(packer.compress(event("jane@example.com")) + packer.flush(zlib.Z_SYNC_FLUSH))
    reply.write(packer.flush())
    reply.end()
    assert (heard.whole, said(heard.body)) == (True, "[pii.email]")


async def test_a_long_body_that_is_no_event_stream_is_gathered_first() -> None:
    heard = Heard()
    reply = BlottedReply(heard, MAIL)
    reply.start(200, AS_JSON, 40)
    reply.write(b'{"to":"jane@exam')
    reply.write(b'ple.com"}')
    assert (heard.started, heard.length, heard.body) == (True, None, b"")
    reply.end()
    while not heard.closed:
        await asyncio.to_thread(int)
    assert (heard.whole, heard.body) == (True, b'{"to":"[pii.email]"}')


async def test_one_that_is_too_long_is_cut_rather_than_passed() -> None:
    heard = Heard()
    reply = BlottedReply(heard, MAIL)
    reply.start(200, AS_JSON, None)
    reply.write(b"x" * (WHOLE_MAX + 1))
    assert (heard.cut, heard.body) == (True, b"")


async def test_pictures_and_empty_answers_pass_as_they_are() -> None:
    heard = Heard()
    BlottedReply(heard, MAIL).send(
        200, b"content-type: image/png\r\netag: 1\r\n", b"\x89PNG jane@example.com"
    )
    assert (heard.lines, heard.body) == (
        b"content-type: image/png\r\netag: 1\r\n",
        b"\x89PNG jane@example.com",
    )
    heard = Heard()
    BlottedReply(heard, MAIL).send(204, b"", b"")
    assert (heard.status, heard.body) == (204, b"")


async def test_it_is_a_reply_like_any_other() -> None:
    heard = Heard()
    reply = BlottedReply(heard, MAIL)
    reply.hangup = lambda: None
    reply.flow = lambda stop: None
    assert (heard.hangup, heard.flow) == (reply.hangup, reply.flow)
    reply.start(200, b"content-type: text/event-stream\r\n", None)
    assert (reply.started, reply.closed) == (True, False)
    reply.write(event("jane@exam"))
    reply.abort()
    assert (reply.closed, heard.cut, heard.body) == (True, True, b"")


def test_what_is_text() -> None:
    assert all(
        map(
            is_text,
            ["application/json", "text/html; charset=utf-8", "application/problem+json", "application/xml"],
        )
    )
    assert not any(map(is_text, ["image/png", "application/octet-stream", "audio/mpeg", ""]))
