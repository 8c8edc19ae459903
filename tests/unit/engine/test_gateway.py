"""The entry of every request: who calls, what they label it with, what refusals look like, and that nothing is left running."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.errors import CallError
from trunkline.engine.fields import without_key
from trunkline.engine.gateway import Ids
from trunkline.engine.heading import positive
from trunkline.testing import EVENTS, KEY, Trial, answers, caller_key, is_silent, request, service, streams

OK = answers(200, b'{"ok":1}')
CHAT = b'{"model":"acme/tiny"}'


@given(st.lists(st.floats(1_000_000_000, 4_000_000_000), min_size=1, max_size=30))
def test_ids_are_apart_whatever_the_clock_does(walls: list[float]) -> None:
    ids = Ids("b007b007")
    minted = [ids.mint(wall) for wall in walls]
    assert len(set(minted)) == len(minted)
    assert all(re.fullmatch(r"[0-9a-f]{12}b007b007[0-9a-f]{8}", one) for one in minted)


def test_ids_sort_by_the_second_they_began_in() -> None:
    ids = Ids("b007b007")
    minted = [ids.mint(1_795_262_400 + n / 2) for n in range(20)]
    assert minted == sorted(minted)


@pytest.mark.row("W1")
@pytest.mark.parametrize(
    ("headers", "target", "key", "status"),
    [
        ([], "/api/proxy/acme/x", "", 401),
        ([], "/api/proxy/acme/x", "tl_unknown", 401),
        ([], "/api/proxy/acme/x", "sk-not-ours", 401),
        ([], "/nowhere", "", 401),
        ([], "/v1/models", "", 401),
        ([], "/health", "", 401),
        ([("x-trunkline-key", "tl_other")], "/api/proxy/acme/x", KEY, 400),
    ],
)
async def test_unknown_callers_get_nowhere_and_are_counted_not_journaled(
    headers: list[tuple[str, str]], target: str, key: str, status: int
) -> None:
    trial = Trial(OK)
    heard = await trial.ask("GET", target, b"", *headers, key=key)
    assert (heard.status, trial.wire.sent, trial.journal.payloads) == (status, [], [])
    assert sum(trial.gateway.refused.values()) == 1


@pytest.mark.row("W2")
@pytest.mark.parametrize(
    ("fixed", "headers", "feature", "tags"),
    [
        ({}, [("x-trunkline-feature", "search"), ("x-trunkline-tags", "a")], "search", "a"),
        (
            {"feature": "fixed", "tags": "k"},
            [("x-trunkline-feature", "search"), ("x-trunkline-tags", "a")],
            "fixed",
            "k,a",
        ),
        ({"feature": "fixed", "tags": "k"}, [], "fixed", "k"),
        ({}, [("x-trunkline-feature", "f" * 200)], "f" * 128, ""),
    ],
)
async def test_labels_are_the_keys_then_the_calls(
    fixed: dict[str, Any], headers: list[tuple[str, str]], feature: str, tags: str
) -> None:
    trial = Trial(OK, keys=[caller_key(**fixed)])
    await trial.ask("GET", "/api/proxy/acme/x", b"", *headers)
    assert (trial.begins[0].feature, trial.begins[0].tags) == (feature, tags)


@pytest.mark.row("W2")
async def test_a_subject_is_kept_as_a_keyed_hash_only() -> None:
    trial = Trial(OK, OK)
    for _ in range(2):
        await trial.ask("GET", "/api/proxy/acme/x", b"", ("x-trunkline-subject", "jane@example.com"))
    one, two = trial.begins
    assert one.subject_hash == two.subject_hash == trial.access.subject_hash("jane@example.com")
    assert re.fullmatch(r"[0-9a-f]{32}", one.subject_hash)
    assert b"jane" not in b"".join(trial.journal.payloads)


@pytest.mark.row("W2", "W4")
async def test_a_key_bound_to_a_subject_speaks_for_no_other() -> None:
    trial = Trial(OK, OK, keys=[caller_key(subject="user-7")])
    other = await trial.ask("GET", "/api/proxy/acme/x", b"", ("x-trunkline-subject", "user-8"))
    same = await trial.ask("GET", "/api/proxy/acme/x", b"", ("x-trunkline-subject", "user-7"))
    assert (other.status, same.status, len(trial.wire.sent)) == (403, 200, 1)


@pytest.mark.row("P3")
async def test_a_correlation_id_is_taken_or_minted_returned_sent_on_and_recorded() -> None:
    trial = Trial(OK, OK)
    given_ = await trial.ask("GET", "/api/proxy/acme/x", b"", ("x-correlation-id", "order-7"))
    minted = await trial.ask("GET", "/api/proxy/acme/x", b"", ("x-correlation-id", "no good!"))
    assert given_.field(b"x-correlation-id") == b"order-7"
    one, two = trial.begins
    assert (one.correlation_id, two.correlation_id) == ("order-7", two.call_id)
    assert minted.field(b"x-correlation-id") == two.call_id.encode()
    assert [sent.field(b"x-correlation-id") for sent in trial.wire.sent] == [b"order-7", two.call_id.encode()]


@pytest.mark.row("E1")
@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ([("x-trunkline-timeout", "abc")], "x-trunkline-timeout takes a number above 0, not 'abc'"),
        ([("x-trunkline-timeout", "-1")], "x-trunkline-timeout takes a number above 0, not '-1'"),
        ([("x-trunkline-timeout", "nan")], "x-trunkline-timeout takes a number above 0, not 'nan'"),
        ([("x-trunkline-timeout", "inf")], "x-trunkline-timeout takes a number above 0, not 'inf'"),
        ([("x-trunkline-max-attempts", "0")], "x-trunkline-max-attempts takes a number above 0, not '0'"),
        ([("x-trunkline-errors", "pretty")], "x-trunkline-errors takes superset, native or normalized"),
    ],
)
async def test_headers_that_make_no_sense_are_refused(headers: list[tuple[str, str]], told: str) -> None:
    trial = Trial(OK)
    heard = await trial.ask("GET", "/api/proxy/acme/x", b"", *headers)
    assert (heard.status, json.loads(heard.body)["message"], trial.wire.sent) == (400, told, [])
    assert trial.ends[0].code == "invalid_request"


@given(st.binary(max_size=12))
def test_a_number_is_above_nought_or_refused(value: bytes) -> None:
    try:
        number = positive(value, "x")
    except CallError:
        return
    assert 0 < number < 1e9


@pytest.mark.row("E1")
@pytest.mark.parametrize(
    ("call", "key", "service_", "snapshot", "style"),
    [
        (None, None, None, "superset", "superset"),
        (None, None, None, "normalized", "normalized"),
        (None, None, "native", "superset", "native"),
        (None, "normalized", "native", "superset", "normalized"),
        ("superset", "normalized", "native", "native", "superset"),
    ],
)
async def test_the_form_of_errors_is_the_calls_the_keys_the_integrations_or_the_registrys(
    call: str | None, key: Any, service_: Any, snapshot: Any, style: str
) -> None:
    body = b'{"error":{"message":"no"},"extra":1}'
    trial = Trial(
        answers(400, body),
        services=[service(error_style=service_)],
        keys=[caller_key(error_style=key)],
        error_style=snapshot,
    )
    headers = [("x-trunkline-errors", call)] if call else []
    heard = await trial.ask("GET", "/api/proxy/acme/x", b"", *headers)
    told = json.loads(heard.body)
    forms = {(True, True): "superset", (True, False): "native", (False, True): "normalized"}
    assert forms["extra" in told, "correlationId" in told] == style


@pytest.mark.row("P1")
@pytest.mark.parametrize(
    ("query", "gemini", "left"),
    [
        (b"a=1&key=AIza", False, b"a=1&key=AIza"),
        (b"a=1&key=tl_x&b=2", True, b"a=1&b=2"),
        (b"key=whatever", True, b""),
        (b"monkey=1", True, b"monkey=1"),
        (b"", True, b""),
    ],
)
def test_key_in_the_query_is_ours_on_gemini_routes_only(query: bytes, gemini: bool, left: bytes) -> None:
    assert without_key(query, gemini=gemini) == left


@pytest.mark.row("S1")
@pytest.mark.parametrize("query", [b"key=tl_x", b"a=1&key=tlb_y"])
def test_a_trunkline_key_never_goes_to_a_vendor_in_the_query(query: bytes) -> None:
    with pytest.raises(CallError, match="send it in a header"):
        without_key(query, gemini=False)


async def test_a_defect_in_a_policy_is_told_recorded_and_leaves_nothing_running() -> None:
    class Broken:
        def admit(self, subject: object) -> None:
            raise RuntimeError(f"a defect that names a secret: {KEY}")

        def settle(self, subject: object) -> None:
            raise AssertionError

    trial = Trial(OK, calls=[Broken()])
    heard = await trial.ask("GET", "/api/proxy/acme/x")
    assert (heard.status, json.loads(heard.body)["code"], trial.ends[0].code) == (500, "internal", "internal")
    assert KEY.encode() not in heard.body + b"".join(trial.journal.payloads)
    assert trial.gateway.running == set()


async def test_a_defect_while_a_failure_is_told_cuts_the_call_and_ends_its_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr("trunkline.engine.gateway.shaped", broken)
    trial = Trial(answers(400, b"{}"))
    heard = await trial.ask("GET", "/api/proxy/acme/x")
    assert (heard.cut, trial.gateway.running, [end.code for end in trial.ends]) == (True, set(), ["internal"])


@pytest.mark.parametrize(
    ("body", "play"),
    [(CHAT, is_silent), (b'{"model":"acme/tiny","stream":true}', lambda sent: sent.begin(200, EVENTS))],
)
async def test_a_call_that_is_cut_at_the_end_of_the_process_is_recorded(body: bytes, play: Any) -> None:
    trial = Trial(play)
    heard = trial.begin("POST", "/v1/chat/completions", body)
    await trial.turn()
    for exchange in list(trial.gateway.running):
        trial.gateway.cut(exchange, CallError("shutting_down", "the process stops"))
    await trial.turn()
    assert (trial.gateway.running, heard.closed) == (set(), True)
    assert [(end.state, end.code) for end in trial.ends] == [("error", "shutting_down")]
    assert len(trial.wire.sent) == 1


async def test_a_caller_that_is_gone_before_its_call_began_costs_no_attempt() -> None:
    gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    class Slow:
        def admit(self, subject: object) -> asyncio.Future[None]:
            return gate

        def settle(self, subject: object) -> None:
            raise AssertionError

    trial = Trial(OK, calls=[Slow()])
    heard = trial.begin("GET", "/api/proxy/acme/x")
    await trial.turn()
    heard.hang_up()
    await trial.until(lambda: not trial.gateway.running)
    assert (trial.wire.sent, trial.ends[0].state, trial.ends[0].status) == ([], "cancelled", 0)


@pytest.mark.row("R5")
async def test_a_running_call_keeps_the_world_that_it_began_with() -> None:
    trial = Trial(lambda sent: sent.begin(200, EVENTS), OK)
    old = trial.begin("GET", "/api/proxy/acme/x")
    await trial.turn()
    trial.gateway.world = Trial(services=[service("new")], clock=trial.clock).gateway.world
    trial.wire.sent[0].piece(b"data: 1\n\n")
    trial.wire.sent[0].end()
    await trial.until(lambda: old.whole)
    assert (old.status, old.body, trial.ends[0].state) == (200, b"data: 1\n\n", "ok")
    gone = await trial.ask("GET", "/api/proxy/acme/x")
    here = await trial.ask("GET", "/api/proxy/new/x")
    assert (gone.status, here.status) == (404, 200)


@pytest.mark.row("W4")
async def test_a_browser_can_read_answers_and_errors_of_a_key_that_allows_its_origin() -> None:
    trial = Trial(OK, answers(400, b"{}"), keys=[caller_key(origins=["https://shop.test"])])
    for _ in range(2):
        heard = await trial.ask("GET", "/api/proxy/acme/x", b"", ("origin", "https://shop.test"))
        assert (heard.field(b"access-control-allow-origin"), heard.field(b"vary")) == (
            b"https://shop.test",
            b"origin",
        )
    other = await trial.ask("GET", "/api/proxy/acme/x", b"", ("origin", "https://evil.test"))
    assert (other.status, other.field(b"access-control-allow-origin")) == (403, None)


async def test_many_calls_at_once_end_each_in_its_own_way() -> None:
    trial = Trial(*[streams(b"data: 1\n\n"), OK, answers(400, b"{}")] * 10)
    heard = [trial.hand(request("GET", "/api/proxy/acme/x")) for _ in range(30)]
    await trial.until(lambda: not trial.gateway.running)
    assert [one.status for one in heard] == [200, 200, 400] * 10
    assert len({end.call_id for end in trial.ends}) == 30
