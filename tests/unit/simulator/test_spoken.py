from __future__ import annotations

import json

import pytest

from trunkline.simulator.spoken import broken_json, played_by, spoken
from trunkline.simulator.vendors import profile


@pytest.mark.parametrize(
    ("vendor", "dialects", "played"),
    [
        ("stripe", [], "stripe"),
        ("", [], "generic"),
        ("hubspot", [], "hubspot"),
        ("", ["openai-embeddings"], "vllm"),
        ("", ["cohere-embed"], "cohere"),
        ("", ["ollama-embed"], "ollama"),
        ("somebody", ["rerank", "anthropic-messages"], "anthropic"),
        ("openai", ["anthropic-messages"], "openai"),
    ],
)
def test_a_vendor_of_the_simulator_stands_in(vendor: str, dialects: list[str], played: str) -> None:
    assert played_by(vendor, dialects) == played


def test_a_failure_is_in_the_vendors_own_shape_and_as_an_event() -> None:
    said = spoken("openai", "rate_limit")
    assert (said.status, json.loads(said.body)["error"]["code"]) == (429, "rate_limit_exceeded")
    assert ("retry-after", "2") in said.fields
    assert json.loads(said.events[""].removeprefix("data: "))["error"]["code"] == "rate_limit_exceeded"
    assert said.events["responses"].startswith("event: error\n")


def test_a_bare_limit_names_no_time() -> None:
    assert "retry-after" not in dict(spoken("openai", "rate_limit_bare").fields)


def test_broken_json_is_none() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        json.loads(broken_json("openai"))


def test_a_label_makes_another_installation_of_the_same_vendor() -> None:
    assert profile("openai~copy.7").shape == profile("openai").shape == "openai"
    assert profile("nobody~x").name == "nobody"
