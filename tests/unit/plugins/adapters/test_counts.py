"""Counts of tokens in every dialect that has them: asked for by callers of each, counted by vendors of each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trunkline.core.answer import Reply, Usage
from trunkline.core.conversation import Change, Untranslatable
from trunkline.core.ports import Facts
from trunkline.plugins.adapters import CODECS

pytestmark = pytest.mark.row("A1", "A2")

WORDS = {"messages": [{"role": "user", "content": "x"}]}
CONTENTS = [{"role": "user", "parts": [{"text": "x"}]}]
ASKED: dict[str, Any] = {
    "anthropic-count-tokens": {"model": "m", **WORDS, "system": "s"},
    "openai-input-tokens": {"model": "m", "input": "x", "instructions": "s"},
    "gemini-count": {
        "generateContentRequest": {"contents": CONTENTS, "systemInstruction": {"parts": [{"text": "s"}]}}
    },
}
TOLD: dict[str, Any] = {
    "anthropic-count-tokens": {"model": "m", "messages": WORDS["messages"], "system": "s"},
    "openai-input-tokens": {
        "model": "m",
        "input": [{"role": "system", "content": "s"}, {"role": "user", "content": "x"}],
    },
    "gemini-count": {
        "generateContentRequest": {
            "model": "models/m",
            "systemInstruction": {"parts": [{"text": "s"}]},
            "contents": CONTENTS,
        }
    },
}
NUMBER: dict[str, Any] = {
    "anthropic-count-tokens": {"input_tokens": 7},
    "openai-input-tokens": {"object": "response.input_tokens", "input_tokens": 7},
    "gemini-count": {"totalTokens": 7},
}
PAIRS = [(asks, serves) for asks in ASKED for serves in TOLD if asks != serves]


@pytest.mark.parametrize(("asks", "serves"), PAIRS)
def test_a_count_is_asked_for_and_told_in_any_dialect(asks: str, serves: str) -> None:
    changes: list[Change] = []
    caller, vendor = CODECS[asks], CODECS[serves]
    asked = caller.read_request(json.dumps(ASKED[asks]).encode(), changes)
    asked.model = "m"
    written = vendor.write_request(asked, Facts("m"), changes)
    said = vendor.read_reply(json.dumps(NUMBER[serves]).encode(), asked)

    assert (json.loads(written.body), changes) == (TOLD[serves], [])
    assert json.loads(caller.write_reply(said, asked, changes)) == NUMBER[asks]


@pytest.mark.parametrize("dialect", NUMBER)
def test_what_is_no_number_is_no_answer(dialect: str) -> None:
    codec = CODECS[dialect]
    asked = codec.read_request(json.dumps(ASKED[dialect]).encode(), [])
    for body in (b"{}", b'{"input_tokens":"7","totalTokens":-1}'):
        with pytest.raises(Untranslatable, match="is missing"):
            codec.read_reply(body, asked)
    assert b"0" in codec.write_reply(Reply(dialect="x"), asked, [])
    assert codec.read_reply(json.dumps(NUMBER[dialect]).encode(), asked).usage == Usage(input=7)


def test_only_what_is_counted_goes_to_the_count() -> None:
    asked = CODECS["openai-input-tokens"].read_request(
        b'{"model":"m","input":"x","temperature":0.5,"max_output_tokens":9}', []
    )
    asked.model = "models/m"
    for dialect, members in (
        ("anthropic-count-tokens", {"model", "messages"}),
        ("openai-input-tokens", {"model", "input"}),
    ):
        assert set(json.loads(CODECS[dialect].write_request(asked, Facts("m"), []).body)) == members
    gemini = json.loads(CODECS["gemini-count"].write_request(asked, Facts("models/m"), []).body)
    assert set(gemini["generateContentRequest"]) == {"model", "contents"}
    assert CODECS["gemini-count"].method(False) == ("countTokens", b"")


def test_geminis_short_form_is_contents_alone() -> None:
    codec = CODECS["gemini-count"]
    short = codec.read_request(json.dumps({"contents": CONTENTS}).encode(), [])
    whole = codec.read_request(json.dumps({"generateContentRequest": {"contents": CONTENTS}}).encode(), [])
    assert short.messages == whole.messages
    with pytest.raises(Untranslatable, match="generateContentRequest"):
        codec.read_request(b'{"generateContentRequest":[]}', [])
