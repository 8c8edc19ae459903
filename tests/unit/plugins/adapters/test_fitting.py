"""Names and ids that a vendor does not take become ones that it does, the same always the same, and lead back."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.conversation import Change, Request, Tool
from trunkline.plugins.adapters.fitting import Names, fitting_id, free_text, own_name

ID = re.compile(r"[a-zA-Z0-9_-]+")


@given(name=st.text(max_size=90))
def test_every_name_fits_and_leads_back(name: str) -> None:
    names = Names(64)
    told = names.fit(name)
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", told)
    assert names.fit(name) == told
    assert own_name(Request(dialect="x", sent=names), told) == name


def test_names_that_fit_are_left_alone_and_told_so() -> None:
    names = Names(64)
    assert (names.fit("get_weather"), names.changes()) == ("get_weather", [])
    names.fit("get.weather")
    assert names.changes() == [Change("renamed", "tools.name", "as the vendor takes them")]
    assert own_name(Request(dialect="x"), "anything") == "anything"


def test_ids_that_fit_are_left_alone() -> None:
    assert fitting_id("call_1", ID, "toolu_", 30) == "call_1"
    made = fitting_id("call:1", ID, "toolu_", 30)
    assert (len(made), made[:6], made) == (30, "toolu_", fitting_id("call:1", ID, "toolu_", 30))
    assert made != fitting_id("call:2", ID, "toolu_", 30)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [('{"input": "x = 1"}', "x = 1"), ('{"input": 1}', '{"input": 1}'), ("[]", "[]"), ("{", "{"), ("", "")],
)
def test_free_text_is_taken_out_of_the_function_that_stands_for_it(arguments: str, text: str) -> None:
    assert free_text(arguments) == text


def test_a_tool_of_free_text_becomes_a_function_of_one_text() -> None:
    names = Names(64)
    told = names.free_text(Tool(name="run", kind="custom", description="Runs it."), "input_schema")
    assert told["name"] == "run"
    assert told["description"] == "Runs it."
    assert told["input_schema"]["required"] == ["input"]
    assert names.custom == {"run"}
