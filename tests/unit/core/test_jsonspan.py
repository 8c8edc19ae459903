"""Members of the outermost object are found in a body that arrives in any pieces, with the offsets of a full parse."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.jsonspan import Members, replace_model

NAMES = st.sampled_from(["model", "stream", "a", "\\", '"']) | st.text(max_size=3)
TRICKY = st.sampled_from(["{", "}", '"', "\\", '"model":', ","])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-999, 999) | st.text(max_size=8) | TRICKY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=10,
)
OBJECTS = st.dictionaries(
    st.sampled_from(["model", "stream", "x", 'mo"del', "\\"]) | st.text(max_size=4), VALUES, max_size=6
)
SPACES = st.sampled_from(["", " ", "\n\t ", "  \r\n", "python"])


def written(value: dict[str, Any], space: str, ascii_only: bool) -> bytes:
    """JSON with this much white space around everything."""
    if space == "python":
        return json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    text = json.dumps(
        value, separators=(f"{space},{space}", f"{space}:{space}"), ensure_ascii=ascii_only, allow_nan=False
    )
    return f"{space}{text}{space}".encode("utf-8", "surrogatepass")


def fed(pieces: list[bytes], *wanted: str) -> Members:
    members = Members(*wanted)
    for piece in pieces:
        members.feed(piece)
    return members


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    ends = [*sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in zip([0, *ends], ends, strict=False)]


@given(OBJECTS, SPACES, st.booleans(), st.lists(st.integers(0, 400), max_size=8))
def test_any_split_of_any_object_gives_what_a_full_parse_gives(
    value: dict[str, Any], space: str, ascii_only: bool, cuts: list[int]
) -> None:
    body = written(value, space, ascii_only)
    members = fed(split(body, cuts), "model", "stream")
    assert (members.done, members.broken, members.twice) == (True, False, set())
    assert {key: found[2] for key, found in members.found.items()} == {
        key: value[key] for key in ("model", "stream") if key in value
    }
    for key, (start, end, _) in members.found.items():
        assert json.loads(body[start:end]) == value[key]
        assert body[start:end] == body[start:end].strip()


@given(OBJECTS, SPACES, st.booleans())
def test_byte_by_byte_is_as_good_as_at_once(value: dict[str, Any], space: str, ascii_only: bool) -> None:
    body = written(value, space, ascii_only)
    one, all_ = fed([body[i : i + 1] for i in range(len(body))], "model"), fed([body], "model")
    assert one.found == all_.found


def test_members_of_inner_objects_are_not_meant() -> None:
    body = b'{"a":{"model":"inner"},"b":[{"model":"inner"}],"model":"outer"}'
    start = body.index(b'"outer"')
    assert fed([body], "model").found == {"model": (start, start + 7, "outer")}


def test_a_member_that_stands_twice_is_told() -> None:
    members = fed([b'{"model":"a","model":"b"}'], "model")
    assert (members.twice, members.found["model"][2]) == ({"model"}, "b")


def test_a_name_in_escapes_is_the_same_name() -> None:
    members = fed([b'{"mod', b"\\u00", b'65l":"a"}'], "model")
    assert members.found["model"][2] == "a"


@pytest.mark.parametrize("body", [b"[1]", b'"model"', b'[{"model":"a"}]', b":", b"}"])
def test_what_is_no_object_is_broken(body: bytes) -> None:
    assert fed([body], "model").broken


@pytest.mark.parametrize("body", [b"", b" ", b"{", b'{"model"', b'{"model":"a', b'{"model":"a"'])
def test_what_has_not_ended_is_not_done(body: bytes) -> None:
    members = fed([body], "model")
    assert (members.done, members.found) == (False, {})


def test_a_wanted_value_is_known_before_the_object_ends() -> None:
    assert fed([b'{"stream":true,"model":"a",'], "model", "stream").found == {
        "stream": (10, 14, True),
        "model": (23, 26, "a"),
    }


def test_a_name_or_value_that_is_no_json_is_broken() -> None:
    assert fed([b'{"mo\\xdel":1}'], "model").broken
    assert fed([b'{"model":tru}'], "model").broken


def test_a_value_too_long_for_a_name_is_found_and_not_read() -> None:
    body = b'{"model":"' + b"x" * 600 + b'"}'
    assert fed([body], "model").found == {"model": (9, len(body) - 1, None)}


def test_nothing_after_the_object_is_looked_at() -> None:
    members = fed([b'{"model":"a"} {"model":"b"}'], "model")
    assert (members.found["model"][2], members.twice) == ("a", set())


@given(OBJECTS, SPACES, st.booleans(), st.text(max_size=6))
def test_renaming_changes_the_model_and_no_other_byte(
    value: dict[str, Any], space: str, ascii_only: bool, name: str
) -> None:
    value = {**value, "model": "asked"}
    body = written(value, space, ascii_only)
    renamed = replace_model(body, "asked", name.encode("utf-8", "replace"))
    name = name.encode("utf-8", "replace").decode()
    assert json.loads(renamed) == {**value, "model": name}
    start, end, _ = fed([body], "model").found["model"]
    assert renamed.startswith(body[:start])
    assert renamed.endswith(body[end:])


@pytest.mark.row("W1")
@pytest.mark.parametrize("name", ['a","model":"dear', "a\\", 'a"', "a\nb", "hä"])
def test_a_name_cannot_end_its_own_string(name: str) -> None:
    """A caller writes `vendor/NAME`; NAME must not bring members of its own into the body."""
    for body in (b'{"model":"m"}', b'{ "model" : "m" }'):
        text = replace_model(body, "m", name.encode()).decode()
        assert json.loads(text) == {"model": name}
        assert len(re.findall(r'"model"\s*:', text.replace('\\"', ""))) == 1


def test_the_outer_model_is_renamed_even_where_an_inner_one_is_spelled_plainly() -> None:
    body = b'{"mod\\u0065l":"m","inner":{"model":"m"}}'
    assert json.loads(replace_model(body, "m", b"new")) == {"model": "new", "inner": {"model": "m"}}


def test_a_body_without_model_stays() -> None:
    assert replace_model(b'{"a":1}', "m", b"new") == b'{"a":1}'


def test_long_values_and_deep_ones_are_passed_over() -> None:
    """Whole ones by a pattern, others step by step: both must come out at the same place."""
    deep: Any = {"model": "not this"}
    for _ in range(20):
        deep = [{"a": deep, "b": ["]", "}", '"', "\\", "x" * 600, {"model": 1}]}, 7]
    whole = {"input": deep, "more": [[1, 2], {"x": "y" * 2000}], "model": "m", "stream": True}
    body = json.dumps(whole).encode()
    for size in (1, 7, 100, 1 << 20):
        members = Members("model", "stream")
        for at in range(0, len(body), size):
            members.feed(body[at : at + size])
        assert {name: found[2] for name, found in members.found.items()} == {"model": "m", "stream": True}
        assert (members.done, members.broken, members.twice) == (True, False, set())


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_what_is_nested_without_end_is_given_up(opening: bytes) -> None:
    members = Members("model")
    members.feed(b'{"a":' + opening * 100_000)
    assert members.broken
