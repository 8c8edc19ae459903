"""Answers of other vendors that were to follow a schema: what does not fit is told, whole and streamed, and goes out as it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trunkline.core.answer import Closed, Ended, Event, Grown, Opened, Stopped
from trunkline.core.conversation import Change, Format, Request, Text, ToolCall
from trunkline.core.service import Dialect, Model
from trunkline.engine import answer_format
from trunkline.engine.answer_format import FormatWatch
from trunkline.testing import Play, Trial, answers, service, streams

pytestmark = pytest.mark.row("A2")

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
ASKED = Request(dialect="openai-chat", format=Format(kind="schema", schema=SCHEMA))
MISSING = [Change("changed", "format", "the answer does not fit: a member is missing")]


def said(text: str, stop: Any = "end", choice: int = 0) -> list[Event]:
    """An answer that grows letter by letter."""
    grown = [Grown(0, "text", letter, choice) for letter in text]
    return [
        Opened(part=0, what=Text(text=""), choice=choice),
        *grown,
        Closed(0, choice),
        Stopped(stop=stop, said="x", choice=choice),
        Ended(),
    ]


def found(asked: Request, *events: Event) -> list[Change]:
    watch = FormatWatch(asked)
    watch.see(events)
    return watch.found()


def test_what_fits_is_no_change() -> None:
    assert found(ASKED, *said('{"n": 1}')) == []


def test_what_does_not_fit_is_told() -> None:
    assert found(ASKED, *said("{}")) == MISSING
    assert found(ASKED, Opened(part=0, what=Text(text="{}"), choice=0), *said("")[2:]) == MISSING
    assert found(ASKED, *said('{"n": 1}'), *said("{}", choice=1)) == MISSING


@pytest.mark.parametrize("stop", ["length", "refusal", "tool", "stop_sequence"])
def test_what_did_not_come_to_its_end_is_not_judged(stop: str) -> None:
    assert found(ASKED, *said("{", stop)) == []


def test_a_call_of_a_tool_is_no_answer_yet() -> None:
    call = Opened(part=1, what=ToolCall(id="c", name="look"), choice=0)
    assert found(ASKED, call, *said("One moment")) == []


@pytest.mark.parametrize("wanted", [None, Format(kind="json"), Format(kind="schema")])
def test_without_a_schema_nothing_is_looked_at(wanted: Format | None) -> None:
    assert found(Request(dialect="openai-chat", format=wanted), *said("{}")) == []


def test_what_is_too_long_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_format, "LONGEST", 3)
    assert found(ASKED, *said('{"m": 1}')) == []


def chat(text: str, stream: bool) -> Play:
    usage = {"prompt_tokens": 1, "completion_tokens": 1}
    if not stream:
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return answers(200, json.dumps({"id": "c", "choices": [choice], "usage": usage}).encode())
    delta = {"index": 0, "delta": {"content": text}}
    end = {"index": 0, "delta": {}, "finish_reason": "stop"}
    chunks = [{"id": "c", "choices": [delta]}, {"id": "c", "choices": [end], "usage": usage}]
    return streams(*(b"data: " + json.dumps(one).encode() + b"\n\n" for one in chunks), b"data: [DONE]\n\n")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("text", "fits"), [('{"n":1}', True), ('{"m":1}', False)])
async def test_callers_are_told_in_the_report(text: str, fits: bool, stream: bool) -> None:
    dialects = [Dialect(name="openai-chat", path="/v1/chat/completions")]
    trial = Trial(chat(text, stream), services=[service("gpt", dialects=dialects, models=[Model(id="tiny")])])
    form = {"text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}}}
    body = {"model": "gpt/tiny", "input": "Hi", "stream": stream, **form}
    heard = await trial.ask("POST", "/v1/responses", json.dumps(body).encode())

    told = "changed text.format (the answer does not fit: a member is missing)"
    assert heard.status == 200
    assert text in heard.body.decode().replace("\\", "")
    assert (told in trial.ends[0].notes) is not fits
    if not stream:
        assert (told in (heard.field(b"x-trunkline-translation") or b"").decode()) is not fits
