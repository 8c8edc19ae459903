"""What every call takes beside its own options."""

from __future__ import annotations

from typing import Any

import pytest

from trunkline.client.labels import fields

pytestmark = pytest.mark.row("A5")
NONE = {"feature": "", "subject": "", "tags": "", "timeout_s": None}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"timeout_s": 5}, {b"x-trunkline-timeout": b"5"}),
        ({"timeout_s": 0.25}, {b"x-trunkline-timeout": b"0.25"}),
        ({"tags": "tier=gold,eu"}, {b"x-trunkline-tags": b"tier=gold,eu"}),
        ({"tags": {"tier": "gold", "eu": ""}}, {b"x-trunkline-tags": b"tier=gold,eu"}),
        ({"tags": ["a", "b=c"]}, {b"x-trunkline-tags": b"a,b=c"}),
        ({"subject": 7, "feature": ""}, {b"x-trunkline-subject": b"7"}),
        ({"headers": {"X-A": "b"}, "idempotency_key": "k"}, {b"x-a": b"b", b"idempotency-key": b"k"}),
    ],
)
def test_labels_become_header_fields(given: dict[str, Any], told: dict[bytes, bytes]) -> None:
    assert dict(fields(b"", {**given}, NONE)) == told


@pytest.mark.parametrize("seconds", [0, 0.0, -1, float("nan"), float("inf")])
@pytest.mark.parametrize("held", [False, True])
def test_a_timeout_that_is_none_is_refused_and_never_left_out_in_silence(seconds: float, held: bool) -> None:
    given = {"timeout_s": seconds}
    with pytest.raises(ValueError, match="seconds above 0"):
        fields(b"", {} if held else {**given}, NONE | given if held else NONE)
