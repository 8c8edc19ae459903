"""What a deferral keeps of a call, whom it will be shown to, and what it answers."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from trunkline.core.call import Caller
from trunkline.core.deferral import Bearer, Deferred
from trunkline.core.errors import CallError
from trunkline.plugins.policies.deferral import (
    Deferral,
    asked_span,
    notify_address,
    owner_of,
    without_credential,
)
from trunkline.testing import FakeClock, Trial, caller_key, service

BODY = b'{"model":"acme/tiny","messages":[]}'
DEFER = ("x-trunkline-defer", "true")


class Accepted:
    """Takes tasks into a list."""

    def __init__(self, error: CallError | None = None) -> None:
        self.calls: list[Deferred] = []
        self.error = error
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, call: Deferred) -> None:
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.calls.append(call)


def trial(accepted: Accepted, **more: Any) -> tuple[Trial, FakeClock]:
    clock = FakeClock()
    return Trial(services=[service()], calls=[Deferral(accepted, clock.wall)], **more), clock


@pytest.mark.row("F9")
async def test_a_call_is_taken_whole_but_for_its_credentials() -> None:
    accepted = Accepted()
    it, clock = trial(accepted)
    headers = (
        DEFER,
        ("X-Correlation-Id", "order-7"),
        ("Accept", "application/json"),
        ("Cookie", "a=b"),
        ("X-Trunkline-Feature", "f"),
    )
    heard = await it.ask("POST", "/v1/chat/completions", BODY, *headers)
    (call,) = accepted.calls
    now = clock.wall()
    assert msgspec.structs.asdict(call) | {"id": ""} == {
        "id": "",
        "at": now,
        "run_at": now,
        "deadline": now + 86400,
        "owner": "team:shop",
        "bearer": Bearer(key="key-1", team="shop", scopes=["*"]),
        "method": "POST",
        "target": "/v1/chat/completions",
        "headers": [
            ("accept", "application/json"),
            ("x-trunkline-feature", "f"),
            ("x-trunkline-priority", "batch"),
        ],
        "body": BODY,
        "correlation_id": "order-7",
        "integration": "acme",
        "model": "acme/tiny",
        "reason": "asked",
        "notify": "",
    }
    told = msgspec.json.decode(heard.body)
    assert (heard.status, told["correlationId"], told["task"]["id"], told["task"]["state"]) == (
        202,
        "order-7",
        call.id,
        "queued",
    )
    assert heard.field(b"location") == f"/v1/tasks/{call.id}".encode() == told["task"]["status_url"].encode()
    assert it.wire.sent == []
    assert it.ends[-1].notes == f"deferred={call.id}"


async def test_a_call_without_the_header_costs_nothing_and_a_granted_one_is_never_deferred() -> None:
    accepted = Accepted()
    policy = Deferral(accepted, FakeClock().wall)
    caller = Caller(caller_key())
    caller.task = "tsk_1"

    class Asking:
        notes: tuple[str, ...] = ()

        class request:  # noqa: N801
            fields = {b"x-trunkline-defer": b"true"}

    Asking.caller = caller  # type: ignore[attr-defined]
    assert policy.admit(Asking) is None  # type: ignore[arg-type]
    assert Asking.notes == ("task=tsk_1",)
    Asking.request.fields = {}
    assert policy.admit(Asking) is None  # type: ignore[arg-type]


async def test_what_cannot_be_stored_is_refused() -> None:
    it, _ = trial(Accepted(CallError("store_unavailable", "the disk is full")))
    heard = await it.ask("POST", "/v1/chat/completions", BODY, DEFER)
    assert (heard.status, msgspec.json.decode(heard.body)["code"]) == (503, "store_unavailable")


async def test_a_caller_who_goes_meanwhile_leaves_a_task_that_its_key_leads_to() -> None:
    accepted = Accepted()
    accepted.gate.clear()
    it, _ = trial(accepted)
    heard = it.begin("POST", "/v1/chat/completions", BODY, DEFER)
    await it.turn()
    (exchange,) = it.gateway.running
    heard.hang_up()
    await it.turn()
    accepted.gate.set()
    await it.until(lambda: not it.gateway.running)
    (call,) = accepted.calls
    assert exchange.answer is not None
    assert (exchange.answer.status, exchange.notes) == (202, (f"deferred={call.id}",))


@pytest.mark.parametrize(
    ("value", "span_s"),
    [
        (b"true", 86400),
        (b"1", 86400),
        (b"YES", 86400),
        (b"false", None),
        (b"30s", 30),
        (b"10m", 600),
        (b"2h", 7200),
        (b"7d", 604800),
    ],
)
def test_the_header_says_how_long_it_may_take(value: bytes, span_s: float | None) -> None:
    assert asked_span(value) == span_s


@pytest.mark.parametrize("value", [b"", b"0s", b"8d", b"-1s", b"1.5h", b"soon", b"1e9s", b"99999999s"])
def test_a_span_that_cannot_be_meant_is_refused(value: bytes) -> None:
    with pytest.raises(CallError, match="how long it may take"):
        asked_span(value)


@pytest.mark.parametrize(
    ("target", "kept"),
    [
        (
            b"/v1beta/models/x:generateContent?key=tl_test&alt=sse",
            b"/v1beta/models/x:generateContent?alt=sse",
        ),
        (b"/v1beta/models/x:generateContent?key=tlb_test", b"/v1beta/models/x:generateContent"),
        (b"/api/proxy/x?key=of-the-vendor", b"/api/proxy/x?key=of-the-vendor"),
        (b"/api/proxy/x", b"/api/proxy/x"),
    ],
)
def test_no_key_of_ours_stays_in_the_target(target: bytes, kept: bytes) -> None:
    assert without_credential(target) == kept


def test_whom_a_task_belongs_to() -> None:
    token, anonymous = Caller(caller_key(subject="user-7")), Caller(caller_key())
    token.token_id, anonymous.token_id = "tok-1", "tok-2"
    callers = [Caller(caller_key()), Caller(caller_key(team="")), token, anonymous]
    assert [owner_of(one) for one in callers] == [
        "team:shop",
        "key:key-1",
        "subject:key-1:user-7",
        "token:tok-2",
    ]


@pytest.mark.parametrize(
    "url",
    ["http://shop.test/", "https://10.0.0.1/", "https://[::1]/", "https://[fd00::1]/x", "https://localhost/", "https://x.internal/",
     "https://a:b@shop.test/", "ftp://shop.test/", "https:///x", "https://sh op.test/", "https://shop.test:99999/", "https://[::1/", "x"],
)  # fmt: skip
def test_an_address_inside_is_never_told(url: str) -> None:
    with pytest.raises(CallError, match="x-trunkline-notify"):
        notify_address(url.encode())


def test_an_address_outside_is() -> None:
    assert [notify_address(url) for url in (b"", b"https://shop.test:8443/hook?a=1", b"https://93.184.216.34/")] == [
        "", "https://shop.test:8443/hook?a=1", "https://93.184.216.34/",
    ]  # fmt: skip
