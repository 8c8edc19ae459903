"""Tools in namespaces, as Codex sends those of its servers, toward vendors that know none: one by one, and back into their namespace."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trunkline.core.answer import Choice, Reply
from trunkline.core.conversation import Change, Request, ToolCall
from trunkline.core.ports import Facts
from trunkline.plugins.adapters import CODECS

pytestmark = pytest.mark.row("A2")

RESPONSES = CODECS["openai-responses"]
LOOK = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}
CRM = {"type": "namespace", "name": "crm", "description": "Customers.", "tools": [LOOK]}
ASKED = {"model": "m", "input": "Hi", "tools": [LOOK, CRM]}
EMULATED = Change("emulated", "tools.namespace", "its tools one by one and without its description")


def told(vendor: str, asked: dict[str, Any]) -> tuple[Request, dict[str, Any], list[Change]]:
    changes: list[Change] = []
    request = RESPONSES.read_request(json.dumps(asked).encode(), changes)
    request.model = "m"
    body = CODECS[vendor].write_request(request, Facts("m"), changes).body
    return request, json.loads(body), changes


def names(vendor: str, body: dict[str, Any]) -> list[str]:
    if vendor == "gemini-generate":
        return [one["name"] for one in body["tools"][0]["functionDeclarations"]]
    return [one["name"] if "name" in one else one["function"]["name"] for one in body["tools"]]


@pytest.mark.parametrize(
    "vendor", ["openai-chat", "anthropic-messages", "gemini-generate", "mistral-chat", "cohere-chat"]
)
def test_each_tool_of_a_namespace_is_told_under_a_name_of_its_own(vendor: str) -> None:
    _, body, changes = told(vendor, ASKED)
    plain, inner = names(vendor, body)

    assert (plain, inner[:9]) == ("look", "crm_look_")
    assert EMULATED in changes
    assert [change.act for change in changes if change.field == "tools.name"] == ["renamed"]


def test_a_call_comes_back_into_its_namespace_whole_and_streamed() -> None:
    request, body, _ = told("openai-chat", ASKED)
    _, inner = names("openai-chat", body)
    call = {"id": "c1", "type": "function", "function": {"name": inner, "arguments": "{}"}}
    choice = {"index": 0, "finish_reason": "tool_calls"}
    whole = {"id": "x", "choices": [{**choice, "message": {"role": "assistant", "tool_calls": [call]}}]}
    reply = CODECS["openai-chat"].read_reply(json.dumps(whole).encode(), request)
    [item] = json.loads(RESPONSES.write_reply(reply, request, []))["output"]

    assert (item["namespace"], item["name"], item["call_id"]) == ("crm", "look", "c1")

    delta = {"index": 0, "delta": {"tool_calls": [{"index": 0, **call}]}}
    reader, writer = CODECS["openai-chat"].reader(request), RESPONSES.writer(request, [])
    stream = b"".join(
        writer.write(reader.feed(b"data: " + json.dumps(chunk).encode() + b"\n\n"))
        for chunk in ({"id": "x", "choices": [delta]}, {"id": "x", "choices": [{**choice, "delta": {}}]})
    ) + writer.write(reader.finish())
    sent = [json.loads(line[6:]) for line in stream.decode().splitlines() if line.startswith("data: ")]
    items = [e["item"] for e in sent if e["type"] == "response.output_item.done"]
    assert [(one["namespace"], one["name"]) for one in items] == [("crm", "look")]
    [done] = [e for e in sent if e["type"] == "response.function_call_arguments.done"]
    assert done["name"] == "look"


def test_the_next_turn_names_the_same_tool() -> None:
    turns = [
        {"role": "user", "content": "Hi"},
        {"type": "function_call", "call_id": "c1", "namespace": "crm", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "ok"},
    ]
    _, body, _ = told("openai-chat", {**ASKED, "input": turns})
    [call] = body["messages"][1]["tool_calls"]
    assert call["function"]["name"] == names("openai-chat", body)[1]


def test_a_tool_in_no_namespace_says_none() -> None:
    request, _, changes = told("openai-chat", {**ASKED, "tools": [LOOK]})
    choice = Choice(parts=[ToolCall(id="c1", name="look", arguments="{}")], stop="tool")
    reply = Reply(dialect="openai-chat", choices=[choice])
    [item] = json.loads(RESPONSES.write_reply(reply, request, []))["output"]
    assert "namespace" not in item
    assert changes == []


def test_its_own_vendor_gets_the_tools_as_they_were() -> None:
    request = RESPONSES.read_request(json.dumps(ASKED).encode(), [])
    request.model = "m"
    assert json.loads(RESPONSES.write_request(request, Facts("m"), []).body) == ASKED
