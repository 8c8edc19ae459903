"""Faults of form: each with its place, the bad value and the cure."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.registry.diagnose import Fault, faults, fits
from trunkline.registry.shape import Integration, Registry


def one(data: dict[str, Any], shape: Any = Integration) -> Fault:
    (fault,) = faults(data, shape)
    return fault


def test_what_fits_has_no_faults() -> None:
    assert (
        faults({"version": 1, "integrations": {"openai": {"secret": "env:A"}, "gotenberg": None}}, Registry)
        == []
    )


@pytest.mark.row("R4")
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            {"timout": {}},
            (("timout",), "unknown-key", "`timout` is not known here.", "Did you mean `timeout`?"),
        ),
        ({"zzz": 1}, (("zzz",), "unknown-key", "`zzz` is not known here.", None)),
        (
            {"timeout": {"total": 10}},
            (
                ("timeout", "total"),
                "bad-type",
                "`10` is a number; duration is needed here.",
                "Write e.g. `500ms`, `10s`, `1m`, `90d`.",
            ),
        ),
        (
            {"timeout": {"total": "10"}},
            (
                ("timeout", "total"),
                "bad-value",
                "`10` is no duration.",
                "Write e.g. `500ms`, `10s`, `1m`, `90d`.",
            ),
        ),
        ({"timeout": "10s"}, (("timeout",), "bad-type", "`10s` is text; a mapping is needed here.", "")),
        ({"owner": None}, (("owner",), "bad-type", "It is empty; text is needed here.", "")),
        (
            {"api_version": {"value": 1.10}},
            (
                ("api_version", "value"),
                "bad-type",
                "`1.1` is a number; text is needed here.",
                'Put it in quotes: "1.1".',
            ),
        ),
        (
            {"headers": {"X-A": 1}},
            (
                ("headers", "X-A"),
                "bad-type",
                "`1` is a number; text is needed here.",
                'Put it in quotes: "1".',
            ),
        ),
        ({"enabled": "yes"}, (("enabled",), "bad-type", "`yes` is text; true or false is needed here.", "")),
        (
            {"limits": [{"requests": 0}]},
            (("limits", 0, "requests"), "bad-value", "0 is out of range.", "Give at least 1."),
        ),
        (
            {"limits": [{"requests": True}]},
            (
                ("limits", 0, "requests"),
                "bad-type",
                "`true` is true or false; a whole number is needed here.",
                "",
            ),
        ),
        (
            {"limits": {"requests": 1}},
            (("limits",), "bad-type", "This is a mapping; a list is needed here.", ""),
        ),
        (
            {"breaker": {"failures": 1.5}},
            (("breaker", "failures"), "bad-value", "1.5 is out of range.", "Give at most 1."),
        ),
        (
            {"breaker": {"failures": 0}},
            (("breaker", "failures"), "bad-value", "0 is out of range.", "Give more than 0."),
        ),
        (
            {"criticality": "loadpath"},
            (("criticality",), "bad-value", "`loadpath` is not one of the known values.", None),
        ),
        (
            {"rotation": {"last": "yesterday"}},
            (("rotation", "last"), "bad-value", "`yesterday` is no date.", "Write e.g. `2026-10-01`."),
        ),
        (
            {"data": ["PII Email"]},
            (("data", 0), "bad-value", "`PII Email` is no data category.", "Write e.g. `pii.email`."),
        ),
        (
            {"operations": [{"path": "/a", "method": "GET"}]},
            (("operations", 0), "missing-key", "`name` is missing.", "Add `name:`."),
        ),
        (
            {"models": [{"id": "a", "kind": "chatt"}]},
            (("models", 0, "kind"), "bad-value", "`chatt` is not one of the known values.", None),
        ),
    ],
)
def test_a_fault_names_place_value_and_cure(data: dict[str, Any], expected: tuple[Any, ...]) -> None:
    fault = one(data)
    place, code, message, cure = expected
    assert (fault.place, fault.code, fault.message) == (place, code, message)
    assert cure is None or fault.cure == cure
    with pytest.raises(msgspec.ValidationError):
        fits(data, Integration)


def test_all_faults_are_told_at_once() -> None:
    data = {
        "version": 2,
        "integration": {},
        "integrations": {"a": {"secrt": "x", "enabled": 1}},
        "environments": {"dv": {}},
    }
    found = {(f.place, f.code, f.at_key) for f in faults(data, Registry)}
    assert found == {
        (("version",), "bad-value", False),
        (("integration",), "unknown-key", True),
        (("integrations", "a", "secrt"), "unknown-key", True),
        (("integrations", "a", "enabled"), "bad-type", False),
        (("environments", "dv"), "bad-value", True),
    }


@pytest.mark.row("S1")
@pytest.mark.parametrize(
    "data",
    [
        {"secret": 123456789},
        {"secret": [{"ref": 123456789}]},
        {"auth": {"secret": 123456789}},
        {"timeout": {"total": "sk-test-not-a-real-key-123456789"}},
        {"sk-test-not-a-real-key-123456789": 1},
    ],
)
def test_no_fault_shows_what_could_be_a_secret(data: dict[str, Any]) -> None:
    fault = one(data)
    assert "123456789" not in f"{fault.message} {fault.cure} {fault.value}"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5) | st.floats(-2, 2),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["secret", "limits", "timeout", "total", "requests", "operations", "name", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_there_are_faults_exactly_when_msgspec_refuses(data: Any) -> None:
    try:
        fits(data, Integration)
    except msgspec.ValidationError:
        assert faults(data, Integration)
    else:
        assert faults(data, Integration) == []
