"""What can be mended in a refused request is mended as declared, and nothing else is touched."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.errors import KINDS, CallError
from trunkline.core.flow import Repair
from trunkline.engine.repair import Mend, breaks_format, mended, unsupported

pytestmark = pytest.mark.row("F13")
ALL = Repair(bigger_context="acme/big", trim="oldest_messages", drop_unsupported=True, malformed_again=True)
TURNS = [{"role": "user", "content": "old"}, {"role": "assistant", "content": "old"}, {"role": "user", "content": "new"}]  # fmt: skip
BODY = json.dumps({"model": "m", "seed": 7, "max_tokens": 5, "messages": TURNS}).encode()
TOO_LONG = CallError("context_too_long", "too long", source="acme")


def refused(message: str, code: str = "", param: str = "") -> CallError:
    return CallError("invalid_request", message, source="acme", vendor_code=code, param=param)


def test_a_context_that_is_too_long_goes_to_the_bigger_model_first_and_is_trimmed_then() -> None:
    first = mended(ALL, TOO_LONG, BODY, [])
    assert first == Mend("bigger_context:acme/big", model="acme/big")
    second = mended(ALL, TOO_LONG, BODY, [first.name])
    assert second is not None
    assert (second.name, json.loads(second.body)["messages"]) == ("trim:oldest_messages", TURNS[2:])
    assert mended(ALL, TOO_LONG, second.body, [first.name, second.name]) is None


@pytest.mark.parametrize(
    ("error", "param"),
    [
        (refused("Unsupported parameter: 'seed' is not supported with this model.", "unsupported_parameter", "seed"), "seed"),
        (refused("Unsupported value: 'seed' does not support 7 with this model.", "unsupported_value", "seed"), "seed"),
        (refused("Unrecognized request argument supplied: seed"), "seed"),
        (refused("Unknown parameter: 'seed'.", "unknown_parameter"), "seed"),
        (refused("seed: Extra inputs are not permitted"), "seed"),
        (refused('Invalid JSON payload received. Unknown name "seed": Cannot find field.'), "seed"),
        (refused("property 'seed' is unsupported", param="seed"), "seed"),
        (refused("seed must be an integer", param="seed"), ""),
        (refused("'messages' is too short", "invalid_value", "messages"), ""),
        (refused(""), ""),
    ],
)  # fmt: skip
def test_the_parameter_that_a_vendor_does_not_support(error: CallError, param: str) -> None:
    assert unsupported(error) == param


def test_an_unsupported_parameter_is_left_out_and_all_else_keeps_its_bytes() -> None:
    body = b'{"model" : "m","seed":7, "temperature":1.0e0,"messages":[ {"role":"user"} ]}'
    error = refused("Unsupported parameter: 'seed'", "unsupported_parameter", "seed")
    assert mended(ALL, error, body, []) == Mend(
        "drop:seed", b'{"model":"m","temperature":1.0e0,"messages":[ {"role":"user"} ]}'
    )


def test_a_parameter_with_another_name_is_renamed_where_the_vendor_says_so() -> None:
    error = refused(
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        "unsupported_parameter",
        "max_tokens",
    )
    mend = mended(ALL, error, BODY, [])
    assert mend is not None
    assert mend.name == "rename:max_tokens"
    assert json.loads(mend.body) == {
        "model": "m", "seed": 7, "messages": TURNS, "max_completion_tokens": 5,
    }  # fmt: skip


@pytest.mark.parametrize("param", ["model", "messages", "gone", "messages[0].content", ""])
def test_what_is_needed_or_not_there_is_not_dropped(param: str) -> None:
    assert mended(ALL, refused("not supported", "unsupported_parameter", param), BODY, []) is None


def test_a_malformed_answer_is_asked_for_once_more() -> None:
    error = CallError("malformed_response", "no JSON", source="acme")
    assert mended(ALL, error, BODY, []) == Mend("malformed_again", BODY)
    assert mended(ALL, error, BODY, ["malformed_again"]) is None


@given(st.sampled_from(list(KINDS)), st.binary(max_size=40) | st.just(BODY))
def test_nothing_is_mended_that_is_not_declared(code: str, body: bytes) -> None:
    assert mended(Repair(), CallError(code, "unsupported: 'seed'", param="seed"), body, []) is None


def chat(content: Any, reason: str = "stop") -> dict[str, Any]:
    return {"choices": [{"message": {"content": content}, "finish_reason": reason}]}


GEMINI = {"candidates": [{"content": {"parts": [{"text": '{"a"'}, {"text": ":1}"}]}, "finishReason": "STOP"}]}
WANTED = {"response_format": {"type": "json_schema"}}


@pytest.mark.parametrize(
    ("request_", "reply", "broken"),
    [
        (WANTED, chat('{"a":1}'), False),
        (WANTED, chat("Sure! Here is the JSON: {}"), True),
        (WANTED, chat("[1, 2"), True),
        (WANTED, chat("[1, 2", "length"), False),
        (WANTED, chat(None), False),
        ({"response_format": {"type": "text"}}, chat("no json"), False),
        ({"messages": "json?"}, chat("no json"), False),
        ({"generationConfig": {"responseMimeType": "application/json"}}, GEMINI, False),
        ({"text": {"format": {"type": "json_schema"}}}, {"output": [{"content": [{"text": "oh"}]}]}, True),
        ({"text": {"format": {"type": "json_object"}}}, {"output": [{"content": [{"text": "{}"}]}]}, False),
    ],
)
def test_a_reply_must_be_in_the_format_that_was_asked_for(
    request_: dict[str, Any], reply: dict[str, Any], broken: bool
) -> None:
    assert breaks_format(json.dumps(request_).encode(), json.dumps(reply).encode()) is broken


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_no_bytes_make_it_fail(request_: bytes, reply: bytes) -> None:
    assert breaks_format(b"json" + request_, reply) is False
    mended(ALL, TOO_LONG, request_, ["bigger_context:acme/big"])
    mended(ALL, refused("unsupported", param="seed"), request_, [])
