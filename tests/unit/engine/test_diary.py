"""Begin and End are encoded as tuples; what they decode to are the Structs of core/record.py, column by column."""

from __future__ import annotations

import itertools
import re

import pytest

from trunkline.core.record import Again, Begin, Boot, End, Persons, Stop, Tried
from trunkline.core.service import Credential
from trunkline.engine.diary import Diary
from trunkline.testing import JSON, FakeClock, MemoryJournal, Play, Sent, Trial, answers, caller_key, service
from trunkline.testing.trial import request

WALL_US = 1_795_262_400_000_000
PARTS = [("input", 6, 10**9), ("cached", 4, 10**9), ("output", 1, 2 * 10**9), ("reasoning", 1, 2 * 10**9)]
"""Of its answer, at 1 USD per million tokens in and 2 out."""
CHAT = b'{"model":"acme/tiny","messages":[]}'
ANSWER = (
    b'{"model":"tiny-1","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":2,'
    b'"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":1}}}'
)


def after(clock: FakeClock, seconds: float, play: Play) -> Play:
    """A vendor that takes its time."""

    def played(sent: Sent) -> None:
        clock.advance(seconds)
        play(sent)

    return played


def diary(journal: MemoryJournal) -> Diary:
    clock = FakeClock()
    return Diary(journal, "b1", clock, clock.wall)


def test_a_process_tells_of_its_start_and_its_end() -> None:
    journal = MemoryJournal()
    diary(journal).boot(7, "0.1.0")
    diary(journal).stop()
    assert journal.records == [Boot("b1", WALL_US, 7, "0.1.0"), Stop("b1", WALL_US)]


@pytest.mark.row("O1", "W2")
async def test_the_records_of_a_model_call_hold_everything() -> None:
    clock = FakeClock()
    key = caller_key(feature="search", tags="a", subject="user-7")
    trial = Trial(
        after(clock, 0.25, answers(200, ANSWER, JSON, (b"x-request-id", b"r-9"))), keys=[key], clock=clock
    )
    headers = [("x-correlation-id", "order-7"), ("x-trunkline-tags", "b=c")]
    heard = await trial.ask("POST", "/v1/chat/completions", CHAT, *headers)
    subject = trial.access.subject_hash("user-7")
    (begin,), (end,) = trial.begins, trial.ends
    assert begin == Begin(
        call_id=begin.call_id, at_us=WALL_US, correlation_id="order-7", path="/v1/chat/completions", bytes_in=len(CHAT) - len("acme/"),
        stream=False, feature="search", subject_hash=subject, tags="a,b=c", boot="b007b007", key_id="key-1", team="shop",
        ingress="openai-chat", integration="acme", operation="", method="POST", model="acme/tiny", config_version="v1",
        target="acme/tiny", credential="env:ACME_KEY", acts=False, simulated=False,
    )  # fmt: skip
    tried = Tried(
        1, "acme/tiny", "env:ACME_KEY", offset_us=0, connect_us=0, first_byte_us=250_000, duration_us=250_000, status=200, code="",
        message="", vendor_code="", vendor_request_id="r-9", sent=True,
    )  # fmt: skip
    assert end == End(
        call_id=begin.call_id, at_us=WALL_US + 250_000, state="ok", status=200, code="", message="", source="", duration_us=250_000,
        overhead_us=0, first_byte_us=250_000, bytes_out=len(heard.body), tried=[tried], served_model="tiny-1", input_tokens=10,
        output_tokens=2, cached_tokens=4, cache_write_tokens=0, reasoning_tokens=1, cost_usd=end.cost_usd, wasted_usd=0.0,
        usage_estimated=False, price_id=end.price_id, parts=PARTS,
    )  # fmt: skip
    assert end.cost_usd == 14e-6
    assert re.fullmatch(r"acme/tiny@undated#[0-9a-f]{6}", end.price_id)


@pytest.mark.row("O1")
async def test_the_records_of_an_act_that_failed_twice() -> None:
    busy = answers(
        429, b'{"error":{"message":"slow","code":"rate_limit_exceeded"}}', JSON, (b"x-request-id", b"r-1")
    )
    trial = Trial(busy, answers(400, b'{"error":{"message":"no amount","code":"parameter_missing"}}'))
    await trial.ask("POST", "/api/proxy/acme/v1/charges?x=1", b"{}")
    (begin,), (again,), (end,) = trial.begins, trial.agains, trial.ends
    assert (begin.ingress, begin.path, begin.operation, begin.acts, begin.model, begin.target) == (
        "proxy", "/v1/charges", "", True, "", "acme",
    )  # fmt: skip
    assert again == Again(begin.call_id, WALL_US, 2, "acme", "env:ACME_KEY", True, end.tried[0])
    assert [(t.n, t.status, t.code, t.vendor_code) for t in end.tried] == [
        (1, 429, "rate_limited", "rate_limit_exceeded"),
        (2, 400, "invalid_request", "parameter_missing"),
    ]
    assert (end.state, end.status, end.code, end.message, end.source, end.cost_usd) == (
        "error", 400, "invalid_request", "no amount", "acme", -1.0,
    )  # fmt: skip


@pytest.mark.row("O1")
async def test_what_calls_share_is_encoded_once_and_still_their_own() -> None:
    trial = Trial(keys=[caller_key(), caller_key("tl_other", id="key-2", team="ops")], routes={"pay": "acme"})
    for key, target, method in itertools.product(
        ("tl_test_not_a_real_key", "tl_other"), ("acme", "pay"), ("GET", "POST")
    ):
        trial.wire.plays.append(answers(200, b"{}"))
        await trial.ask(method, f"/api/proxy/{target}/x", key=key)
    assert [(b.key_id, b.team, b.method, b.acts) for b in trial.begins] == [
        (key, team, method, method == "POST")
        for key, team in (("key-1", "shop"), ("key-2", "ops")) for _ in range(2) for method in ("GET", "POST")
    ]  # fmt: skip


@pytest.mark.row("R10")
async def test_each_attempt_names_its_own_credential() -> None:
    pool = service(credentials=[Credential(ref="env:A", weight=2), Credential(ref="env:B")])
    trial = Trial(answers(401, b"{}"), answers(200, b"{}"), services=[pool])
    await trial.ask("GET", "/api/proxy/acme/x")
    assert (trial.begins[0].credential, trial.agains[0].credential) == ("env:A", "env:B")
    assert [t.credential for t in trial.ends[0].tried] == ["env:A", "env:B"]


@pytest.mark.row("S1")
async def test_long_and_odd_texts_are_cut_and_no_query_is_kept() -> None:
    trial = Trial(answers(400, b'{"error":{"message":"' + b"m" * 900 + b'"}}'))
    await trial.ask("GET", "/api/proxy/acme/" + "p" * 900 + "?key=not-to-be-kept")
    assert len(trial.begins[0].path) == 512
    assert len(trial.ends[0].message) == len(trial.ends[0].tried[0].message) == 500
    assert b"not-to-be-kept" not in b"".join(trial.journal.payloads)


async def test_an_act_that_cannot_be_recorded_is_not_sent() -> None:
    trial = Trial(answers(200, b"{}"))
    trial.journal.full = True
    heard = await trial.ask("POST", "/api/proxy/acme/charges", b"{}")
    assert (heard.status, trial.wire.sent, trial.journal.payloads) == (503, [], [])
    assert b"store_unavailable" in heard.body


async def test_what_may_be_repeated_goes_on_unrecorded_and_is_counted() -> None:
    trial = Trial(answers(200, b'{"a":1}'))
    trial.journal.full = True
    heard = await trial.ask("GET", "/api/proxy/acme/x")
    assert (heard.status, heard.body) == (200, b'{"a":1}')
    assert (trial.journal.payloads, trial.diary.lost) == ([], 2)


class KeptBack(MemoryJournal):
    """A full journal that keeps room for what has begun."""

    def append_end(self, payload: bytes) -> None:
        self.payloads.append(payload)


async def test_what_has_begun_is_ended_in_the_room_kept_back() -> None:
    journal = KeptBack()
    trial = Trial(journal=journal)

    def fills_up(sent: Sent) -> None:
        journal.full = True
        sent.reply(200, b"{}")

    trial.wire.plays.append(fills_up)
    heard = await trial.ask("POST", "/api/proxy/acme/charges", b"{}")
    assert (heard.status, [type(r) for r in journal.records], trial.diary.lost) == (200, [Begin, End], 0)


async def test_an_end_is_written_once() -> None:
    trial = Trial(answers(200, b"{}"))
    ended = []
    end = trial.diary.end
    trial.diary.end = lambda exchange: ended.append(exchange) or end(exchange)  # type: ignore[method-assign, func-returns-value]
    await trial.ask("GET", "/api/proxy/acme/x")
    end(ended[0])
    assert len(trial.ends) == 1


@pytest.mark.row("G3", "W2")
async def test_whom_a_path_names_is_kept_as_a_hash_and_not_in_clear() -> None:
    refused = answers(404, b'{"error":{"message":"no contact jane@example.com"}}', JSON)
    trial = Trial(refused, refused)
    asked = request("GET", "/api/proxy/acme/v3/contacts/Jane%40example.com/lists?limit=2")
    for _ in range(2):  # the second by what is remembered of the head
        trial.hand(asked)
        await trial.until(lambda: not trial.gateway.running)
    records = trial.journal.records
    jane = trial.access.subject_hash("jane@example.com")
    assert [one.hashes for one in records if isinstance(one, Persons)] == [[jane], [jane]]
    assert [one.path for one in trial.begins] == ["/v3/contacts/[pii.email]/lists"] * 2
    assert {one.message for one in trial.ends} == {"no contact [pii.email]"}
    assert "jane" not in repr(records).lower()
