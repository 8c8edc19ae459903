"""What joins the cache with the gateway: relevant header fields, orders to forget, numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cached import GOOD, chat, get, told, trial
from trunkline.core.codec import to_json
from trunkline.gateway.caching import Forgetting, relevance, stats


@pytest.mark.row("F11")
def test_fields_count_unless_they_stay_here_or_change_nothing() -> None:
    counts = relevance()
    assert [
        counts(name)
        for name in (b"accept", b"stripe-account", b"openai-organization", b"content-type", b"x-anything")
    ] == [True] * 5
    others = (
        b"authorization", b"x-api-key", b"cookie", b"host", b"content-length", b"connection", b"x-forwarded-for", b"user-agent",
        b"x-trunkline-key", b"x-trunkline-feature", b"sec-fetch-mode", b"x-stainless-os", b"traceparent", b"accept-encoding",
    )  # fmt: skip
    assert [name for name in others if counts(name)] == []


def order(path: Path, at: float, integration: str = "") -> None:
    with path.open("ab") as file:
        file.write(to_json({"at": at, "integration": integration, "actor": "cli"}) + b"\n")


@pytest.mark.row("F11")
async def test_orders_to_forget_are_obeyed_once_and_told(tmp_path: Path) -> None:
    t, path = trial(GOOD, GOOD, GOOD), tmp_path / "cache.clear"
    order(path, 1.0)
    forgetting = Forgetting(path, t.cache)
    await chat(t)
    await get(t)
    forgetting.take()
    assert forgetting.told == {}
    order(path, 2.0, "other")
    forgetting.take()
    assert forgetting.told == {"at": 2.0, "answers": 0}
    order(path, 3.0, "acme")
    forgetting.take()
    assert forgetting.told == {"at": 3.0, "answers": 2}
    forgetting.take()
    assert (told(await chat(t)), forgetting.told) == (b"miss", {"at": 3.0, "answers": 2})


async def test_a_torn_order_is_passed_over_and_a_file_begun_anew_is_read_from_its_start(
    tmp_path: Path,
) -> None:
    t, path = trial(GOOD), tmp_path / "cache.clear"
    path.write_bytes(b"x" * 1000 + b"\n")
    forgetting = Forgetting(path, t.cache)
    path.write_bytes(b"")
    order(path, 5.0)
    forgetting.take()
    assert forgetting.told == {"at": 5.0, "answers": 0}
    path.write_bytes(path.read_bytes() + b'{"at": 6\n')
    forgetting.take()
    path.unlink()
    forgetting.take()
    assert forgetting.told["at"] == 5.0


async def test_what_is_told_once_a_second(tmp_path: Path) -> None:
    t = trial(GOOD)
    await chat(t)
    await chat(t)
    told_now = stats(t.cache, Forgetting(tmp_path / "cache.clear", t.cache))
    assert (told_now["cache_hit"], told_now["cache_miss"], told_now["cache_stale"]) == (
        {"acme": 1},
        {"acme": 1},
        {"acme": 0},
    )
    assert (told_now["cache"]["answers"], told_now["stale_served"], told_now["cache_forgot"]) == (1, {}, {})
    t.clock.advance(61.0)
    assert stats(t.cache, Forgetting(tmp_path / "cache.clear", t.cache))["cache"]["answers"] == 0
