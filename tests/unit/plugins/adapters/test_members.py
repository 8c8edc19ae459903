"""Members of a caller's JSON are of the expected type, or the refusal names them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from trunkline.core.conversation import Request, Untranslatable
from trunkline.plugins.adapters.members import (
    NUMBER,
    an_object,
    beyond,
    read_members,
    take_bool,
    take_int,
    take_list,
    take_number,
    take_object,
    take_text,
    whole_object,
)

TAKERS: list[tuple[Callable[[dict[str, Any], str], Any], Any, Any, str]] = [
    (take_text, "a", 1, "is no string"),
    (take_list, [1], {}, "is no list"),
    (take_object, {"b": 1}, [], "is no object"),
    (take_number, 1.5, "1", "is no number"),
    (take_number, 1, True, "is no number"),
    (take_int, 3, 1.5, "is no whole number"),
    (take_bool, False, 0, "is neither true nor false"),
]


@pytest.mark.parametrize(("take", "good", "bad", "says"), TAKERS)
def test_what_is_taken_is_of_its_type(
    take: Callable[[dict[str, Any], str], Any], good: Any, bad: Any, says: str
) -> None:
    said = {"x": good, "y": 1}
    assert take(said, "x") == good
    assert said == {"y": 1}
    with pytest.raises(Untranslatable, match=f"`x` {says}"):
        take({"x": bad}, "x")
    assert not take({"x": None}, "x")
    assert not take({}, "x")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"[]", "no JSON object"),
        (b"{", "no valid JSON"),
        (b'"\xff"', "not in UTF-8"),
        (b"[" * 9999, "nested"),
    ],
)
def test_a_body_that_is_no_object_is_said_to_be_none(body: bytes, says: str) -> None:
    with pytest.raises(Untranslatable, match=says):
        whole_object(body)


def test_an_element_that_must_be_an_object_is_copied() -> None:
    given = {"a": 1}
    taken = an_object(given, "x")
    del taken["a"]
    assert given == {"a": 1}
    with pytest.raises(Untranslatable, match="`x` is no object"):
        an_object(None, "x")


def test_what_is_not_known_is_kept_in_its_order() -> None:
    assert beyond({"b": 1, "id": 2, "a": 3}, frozenset(("id",))) == {"b": 1, "a": 3}
    assert beyond({"id": 2}, frozenset(("id",))) == {}


def test_members_go_where_they_belong() -> None:
    request = Request(dialect="x")
    plain = {"t": ("temperature", NUMBER), "s": ("stream", bool)}
    special = {"u": lambda value, request: setattr(request, "user", value.upper())}
    nulls = read_members({"t": 1, "s": True, "u": "me", "z": None, "q": [1]}, request, plain, special)
    assert (request.temperature, request.stream, request.user, request.extra, nulls) == (
        1,
        True,
        "ME",
        {"q": [1]},
        ["z"],
    )
    for wrong in ({"t": "1"}, {"t": True}, {"s": 1}):
        with pytest.raises(Untranslatable, match="has the wrong type"):
            read_members(wrong, Request(dialect="x"), plain, special)
