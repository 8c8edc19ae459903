"""Two versions side by side: each its share of the callers, who calls stays with one of them, a growing share gives nobody back."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from trunkline.core.service import ApiVersion
from trunkline.testing.script import answers
from trunkline.testing.trial import Trial, caller_key, service

pytestmark = pytest.mark.row("C6")

OLD, NEW = "acme@2025-11", "acme@2026-08"


def side_by_side(new: float, calls: int, **more: Any) -> Trial:
    """A route `shop` of which the newer version has a share."""
    services = [
        service(
            name,
            base_url="https://acme.test",
            api_version=ApiVersion(value=name.partition("@")[2], header="Acme-Version"),
        )
        for name in (OLD, NEW)
    ]
    shares = {"shop": {OLD: 1 - new, NEW: new}}
    plays = [answers(200, b"{}")] * calls
    return Trial(*plays, services=services, routes={"shop": OLD}, route_split=shares, **more)


async def versions(trial: Trial, subjects: list[str]) -> list[str]:
    """The version by which each subject's call was answered, as the vendor was asked for it."""
    for subject in subjects:
        heard = await trial.ask("GET", "/api/proxy/shop/items", b"", ("x-trunkline-subject", subject))
        assert heard.status == 200
    return [(sent.field(b"acme-version") or b"").decode() for sent in trial.wire.sent[-len(subjects) :]]


async def test_each_version_gets_its_share_and_nobody_changes_sides() -> None:
    people = [f"user-{n}" for n in range(400)]
    trial = side_by_side(0.25, 2 * len(people))
    first = await versions(trial, people)
    assert 70 <= Counter(first)["2026-08"] <= 130
    assert await versions(trial, people) == first


async def test_a_share_that_grows_takes_people_over_and_gives_none_back() -> None:
    people = [f"user-{n}" for n in range(200)]
    shares = (0.0, 0.1, 0.5, 1.0)
    seen = [await versions(side_by_side(new, len(people)), people) for new in shares]
    on_new = [{who for who, version in zip(people, one, strict=True) if version == "2026-08"} for one in seen]
    assert (on_new[0], on_new[3]) == (set(), set(people))
    assert on_new[0] < on_new[1] < on_new[2] < on_new[3]


async def test_without_a_subject_the_key_decides_and_either_version_may_be_called_by_name() -> None:
    keys = [caller_key(f"tl_key_{n}", id=f"key-{n}") for n in range(40)]
    trial = side_by_side(0.5, 3 * len(keys), keys=keys)
    for n in [*range(40), *range(40)]:
        await trial.ask("GET", "/api/proxy/shop/items", key=f"tl_key_{n}")
    taken = [sent.field(b"acme-version") for sent in trial.wire.sent]
    assert taken[:40] == taken[40:]
    assert set(taken) == {b"2025-11", b"2026-08"}
    heard = await trial.ask("GET", f"/api/proxy/{NEW}/items", key="tl_key_0")
    assert (heard.status, trial.wire.sent[-1].field(b"acme-version")) == (200, b"2026-08")


async def test_the_record_names_the_version_that_answered() -> None:
    trial = side_by_side(1.0, 1)
    heard = await trial.ask("GET", "/api/proxy/shop/items")
    assert heard.field(b"x-trunkline-integration") == NEW.encode()
    assert trial.begins[0].integration == NEW
