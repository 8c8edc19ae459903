"""Calls of tools as servers really stream them, brought to callers of every dialect: in turns, without arguments, forced."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trunkline.core.conversation import Change, Request
from trunkline.core.ports import Facts
from trunkline.plugins.adapters import CODECS

pytestmark = pytest.mark.row("A2")
CHAT, MESSAGES, RESPONSES, GEMINI = "openai-chat", "anthropic-messages", "openai-responses", "gemini-generate"
CALLERS = (CHAT, MESSAGES, RESPONSES, GEMINI)


def asked(dialect: str) -> Request:
    request = Request(dialect=dialect, stream=True)
    CODECS["mistral-chat"].write_request(request, Facts(), [])
    return request


def sse(*events: Any) -> list[bytes]:
    return [b"data: %b\n\n" % (e.encode() if isinstance(e, str) else json.dumps(e).encode()) for e in events]


def heard(vendor: str, caller: str, events: list[bytes]) -> tuple[list[Any], list[Change]]:
    """What the caller gets of a vendor's stream, event by event."""
    lost: list[Change] = []
    request = asked(caller)
    reader, writer = CODECS[vendor].reader(request), CODECS[caller].writer(request, lost)
    out = b"".join([writer.write(reader.feed(event)) for event in events]) + writer.write(reader.finish())
    lines = [line[6:] for line in out.decode().splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"], lost


def calls(caller: str, events: list[Any]) -> list[tuple[str, Any]]:
    """The calls as the caller's SDK puts them together; arguments are parsed, as every client does."""
    found: dict[Any, list[str]] = {}
    for event in events:
        if caller == CHAT:
            for one in [c for choice in event["choices"] for c in choice["delta"].get("tool_calls", ())]:
                told = found.setdefault(one["index"], ["", ""])
                told[0] += one["function"].get("name", "")
                told[1] += one["function"].get("arguments", "")
        elif caller == MESSAGES and event["type"] == "content_block_start":
            if event["content_block"]["type"] == "tool_use":
                found[event["index"]] = [event["content_block"]["name"], ""]
        elif caller == MESSAGES and event.get("delta", {}).get("type") == "input_json_delta":
            found[event["index"]][1] += event["delta"]["partial_json"]
        elif caller == RESPONSES and event["type"] == "response.output_item.done":
            if event["item"]["type"] == "function_call":
                found[event["output_index"]] = [event["item"]["name"], event["item"]["arguments"]]
        elif caller == GEMINI:
            for part in [
                p for c in event["candidates"] for p in c["content"]["parts"] if "functionCall" in p
            ]:
                told_args = json.dumps(part["functionCall"]["args"])
                found[len(found)] = [part["functionCall"]["name"], told_args]
    empty = "{}" if caller == MESSAGES else ""  # Anthropic's SDK itself takes nothing for an empty object.
    return [(name, json.loads(text or empty)) for name, text in found.values()]


def stop(caller: str, events: list[Any]) -> str:
    """The reason that the caller is told."""
    if caller == CHAT:
        return next(c["finish_reason"] for e in events for c in e["choices"] if c["finish_reason"])
    if caller == MESSAGES:
        return next(e["delta"]["stop_reason"] for e in events if e["type"] == "message_delta")
    return ""


def chunk(*tool_calls: Any, finish: str | None = None) -> Any:
    delta = {"tool_calls": list(tool_calls)} if tool_calls else {}
    return {"id": "c", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def begun(index: int, name: str, arguments: str = "") -> Any:
    return {
        "index": index,
        "id": f"id{index}",
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def more(index: int, arguments: str) -> Any:
    return {"index": index, "function": {"arguments": arguments}}


TURNS = sse(
    chunk(begun(0, "a"), begun(1, "b"), begun(2, "c")), chunk(more(0, '{"x"')), chunk(more(1, '{"y": [')), chunk(more(0, ":1}")),
    chunk(more(1, "2]}")), chunk(finish="tool_calls"), "[DONE]",
)  # fmt: skip
IN_A_ROW = sse(
    chunk(begun(0, "a", '{"x":')), chunk(more(0, "1}")), chunk(begun(1, "b", '{"y":[2]}')), chunk(begun(2, "c", "{}")),
    chunk(finish="tool_calls"), "[DONE]",
)  # fmt: skip


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("stream", [TURNS, IN_A_ROW], ids=["by turns", "in a row"])
def test_calls_come_whole_however_they_grow(caller: str, stream: list[bytes]) -> None:
    events, _ = heard("mistral-chat", caller, stream)
    assert calls(caller, events) == [("a", {"x": 1}), ("b", {"y": [2]}), ("c", {})]


def test_calls_in_a_row_are_told_one_after_the_other() -> None:
    """As Anthropic itself streams them."""
    events, _ = heard(CHAT, MESSAGES, IN_A_ROW)
    told = [
        (e["type"], e["index"]) for e in events if e["type"] in ("content_block_start", "content_block_stop")
    ]
    assert told == [(f"content_block_{what}", n) for n in range(3) for what in ("start", "stop")]


def bare_messages() -> list[bytes]:
    return sse(
        {"type": "message_start", "message": {"id": "msg_1", "model": "m", "usage": {"input_tokens": 1, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "t1", "name": "now", "input": {}}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": ""}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    )  # fmt: skip


@pytest.mark.parametrize("caller", CALLERS)
def test_a_call_without_arguments_can_be_parsed(caller: str) -> None:
    events, _ = heard(MESSAGES, caller, bare_messages())
    assert calls(caller, events) == [("now", {})]
    if caller == RESPONSES:
        [done] = [e for e in events if e["type"] == "response.function_call_arguments.done"]
        assert done["arguments"] == "{}"
        assert events[-1]["response"]["output"][0]["arguments"] == "{}"


FORCED = sse(chunk(begun(0, "a", "{}")), chunk(finish="stop"), "[DONE]")


def test_a_forced_call_of_openai_ends_as_a_call_everywhere() -> None:
    """OpenAI says `stop` there, and agents would take that for the end of the work."""
    assert stop(MESSAGES, heard(CHAT, MESSAGES, FORCED)[0]) == "tool_use"
    message = {"role": "assistant", "content": None, "tool_calls": [begun(0, "a", "{}")]}
    whole = {"id": "c", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    reply = CODECS[CHAT].read_reply(json.dumps(whole).encode(), asked(MESSAGES))
    assert json.loads(CODECS[MESSAGES].write_reply(reply, asked(MESSAGES), []))["stop_reason"] == "tool_use"


def test_probabilities_and_hosted_tools_of_responses_are_told_or_named() -> None:
    token = {"token": "hi", "logprob": -0.5, "bytes": [104, 105], "top_logprobs": []}
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}}
    text = {"type": "output_text", "text": "hi", "annotations": [], "logprobs": [token]}
    message = {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [text],
    }
    whole = {"id": "resp_1", "model": "m", "status": "completed", "output": [search, message]}
    events, lost = heard(
        RESPONSES, CHAT,
        sse(
            {"type": "response.created", "response": {**whole, "output": []}},
            {"type": "response.output_item.added", "output_index": 0, "item": search},
            {"type": "response.output_item.done", "output_index": 0, "item": search},
            {"type": "response.output_item.added", "output_index": 1, "item": {**message, "content": []}},
            {"type": "response.content_part.added", "output_index": 1, "content_index": 0, "part": {**text, "text": ""}},
            {"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "hi", "logprobs": [token]},
            {"type": "response.output_item.done", "output_index": 1, "item": message},
            {"type": "response.completed", "response": whole},
        ),
    )  # fmt: skip
    assert [c["logprobs"] for e in events for c in e["choices"] if c["logprobs"]] == [
        {"content": [token], "refusal": None}
    ]
    assert lost == [Change("dropped", "answer.part", "web_search_call")]

    changes: list[Change] = []
    reply = CODECS[RESPONSES].read_reply(json.dumps(whole).encode(), asked(CHAT))
    said = json.loads(CODECS[CHAT].write_reply(reply, asked(CHAT), changes))
    assert said["choices"][0]["logprobs"]["content"] == [token]
    assert changes == lost
