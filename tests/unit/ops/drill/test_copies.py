from __future__ import annotations

from typing import Any

import pytest

from trunkline.core.flow import Cache, Fallback, Limit, Timeouts
from trunkline.core.service import (
    Alias,
    Auth,
    Credential,
    Dialect,
    Model,
    Operation,
    Service,
    Snapshot,
)
from trunkline.ops.drill.copies import FRESH_S, TOTAL_S, original, pace, part, whole
from trunkline.ops.drill.samples import Sample, samples

pytestmark = pytest.mark.row("F12")


def target(to: str) -> Fallback:
    return Fallback(kind="target", target=to)


def ai(name: str, *models: str, **more: Any) -> Service:
    return Service(
        name=name,
        vendor="openai",
        base_url="https://api.openai.com",
        credentials=[Credential(ref="env:KEY", weight=3)],
        dialects=[Dialect(name="openai-chat", path="/v1/chat/completions")],
        models=[Model(id=model) for model in models],
        **more,
    )


def snapshot(*services: Service, **more: Any) -> Snapshot:
    return Snapshot(version="v", created="", environment="dev", services=list(services), **more)


def place(service: Service, name: str) -> str:
    return f"http://127.0.0.1:4444/{service.vendor}~{name}"


def first(there: Snapshot, entry: str = "") -> Sample:
    return next(
        one
        for service in there.services
        for one in samples(there, service, {})
        if one.entry == (entry or there.services[0].name)
    )


def test_a_copy_is_at_the_simulator_with_a_credential_that_is_none() -> None:
    there = snapshot(ai("openai", "m", proxy="http://p", ca_file="x", auth=Auth(kind="oauth2")))
    made = part(there, first(there), 7, place)
    (copy,) = made.services
    assert (made.name, made.asked) == ("openai.7", "openai.7")
    assert (copy.name, copy.base_url) == ("openai.7", "http://127.0.0.1:4444/openai~openai.7")
    assert copy.credentials == [Credential(ref="drill:openai.7:0", weight=3)]
    assert (copy.private, copy.allow_http, copy.proxy, copy.ca_file, copy.auth.kind) == (
        True,
        True,
        "",
        "",
        "bearer",
    )


def test_it_keeps_what_is_drilled_and_leaves_out_what_has_its_own_rhythm() -> None:
    there = snapshot(
        ai("openai", "m", fallback=[target("spare")], limits=[Limit(requests=1, per=60)]), ai("spare")
    )
    openai, spare = part(there, first(there), 1, place).services
    assert openai.fallback == [target("spare.1")]
    assert (openai.limits, openai.adaptive.enabled, openai.probe) == ([], False, None)
    assert spare.name == "spare.1"


def test_time_runs_faster_by_one_factor_for_all_of_an_integration() -> None:
    slow = ai("openai", "m", timeout=Timeouts(connect=5, first_byte=300, idle=60, total=600))
    assert pace(slow) == 600 / TOTAL_S
    (copy,) = part(snapshot(slow), first(snapshot(slow)), 1, place).services
    assert (copy.timeout.total, copy.timeout.first_byte, copy.timeout.idle) == pytest.approx((4.0, 2.0, 0.5))
    assert copy.retry.backoff == pytest.approx(slow.retry.backoff * TOTAL_S / 600)
    assert copy.timeout.connect == 1.0  # no shorter, or the machine itself would overrun it
    quick = ai("openai", "m", timeout=Timeouts(total=2.0))
    assert pace(quick) == 1.0


def test_kept_answers_are_stale_at_once_and_for_as_long_as_declared() -> None:
    kept = Cache(ttl=60, stale_while_revalidate=30, stale_if_error=3600)
    there = snapshot(ai("openai", "m", cache=kept))
    (copy,) = part(there, first(there), 1, place).services
    assert copy.cache == Cache(ttl=FRESH_S, stale_while_revalidate=0.0, stale_if_error=3600)


def test_an_alias_and_a_route_are_copied_with_their_fallbacks() -> None:
    there = snapshot(
        ai("openai", "m", "n"),
        ai("spare", "m", "s"),
        aliases=[Alias(name="fast", target="openai/m", fallback=[target("spare/s")])],
        routes={"llm": "openai"},
        route_fallback={"llm": [target("spare")]},
    )
    alias = part(there, first(there, "model fast"), 2, place)
    assert alias.asked == "fast.2"
    assert alias.aliases == [Alias(name="fast.2", target="openai.2/m", fallback=[target("spare.2/s")])]
    assert [[model.id for model in service.models] for service in alias.services] == [["m"], ["m", "s"]]
    route = part(there, first(there, "route llm"), 3, place)
    assert (route.asked, route.routes, route.route_fallback) == (
        "llm.3",
        {"llm.3": "openai.3"},
        {"llm.3": [target("spare.3")]},
    )


def test_a_fallback_may_name_a_route() -> None:
    there = snapshot(
        ai("openai", "m", fallback=[target("second")]), ai("spare", "m"), routes={"second": "spare"}
    )
    made = part(there, first(there), 4, place)
    assert [service.name for service in made.services] == ["openai.4", "spare.4"]
    assert made.routes == {"second.4": "spare.4"}
    assert made.services[0].fallback == [target("second.4")]


def test_the_struck_one_can_be_reached_through_a_door() -> None:
    there = snapshot(ai("openai", "m", fallback=[target("spare")]), ai("spare", "m"))
    openai, spare = part(there, first(there), 1, place, through=9999).services
    assert (openai.base_url, spare.base_url) == (
        "http://127.0.0.1:9999/openai~openai.1",
        "http://127.0.0.1:4444/openai~spare.1",
    )


def test_all_parts_make_one_snapshot_that_bounds_nobody() -> None:
    there = snapshot(ai("openai", "m"))
    parts = [part(there, first(there), n, place) for n in range(3)]
    made = whole(there, parts)
    assert [service.name for service in made.services] == ["openai.0", "openai.1", "openai.2"]
    assert (made.budgets, made.caller_limits, made.error_style) == ([], [], "normalized")


def test_operations_that_the_call_cannot_touch_are_left_out() -> None:
    service = Service(
        name="crm",
        operations=[
            Operation(name="list", method="GET", path="/a", repeat="always"),
            Operation(name="add", method="POST", path="/a"),
        ],
    )
    there = snapshot(service)
    (copy,) = part(there, first(there), 1, place).services
    assert [one.name for one in copy.operations] == ["list"]


def test_texts_are_shown_with_the_names_that_people_know() -> None:
    assert (
        original("openai.12/m: 500, then spare.12", ["openai.12", "spare.12"]) == "openai/m: 500, then spare"
    )
