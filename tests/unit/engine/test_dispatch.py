"""One loop spends attempts on targets until an answer begins or nothing is left worth trying."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.unit.engine.test_body import Arriving
from trunkline.core.call import Live, Member
from trunkline.core.exchange import Attempt
from trunkline.core.flow import Retry
from trunkline.core.service import Credential, Idempotency, Operation
from trunkline.engine.pool import aim
from trunkline.testing import (
    EVENTS,
    JSON,
    SECRET,
    FakeClock,
    Sent,
    Trial,
    answers,
    cuts,
    fails,
    is_silent,
    request,
    service,
    streams,
)
from trunkline.wire.errors import ConnectRefused, PoolExhausted, ResetBeforeReply

CHAT = b'{"model":"acme/tiny"}'
STREAM = b'{"model":"acme/tiny","stream":true}'
BUSY = answers(503, b'{"error":{"message":"busy"}}')
OK = answers(200, b'{"ok":1}')
CONTENT = b'data: {"model":"tiny-1","choices":[{"delta":{"content":"a"}}]}\n\n'
DONE = b"data: [DONE]\n\n"
FAILURE = b'data: {"error":{"message":"overloaded","type":"server_error"}}\n\n'


class Passing(FakeClock):
    """A clock by which each look takes a microsecond."""

    def __call__(self) -> float:
        self.advance(1e-6)
        return super().__call__()


def codes(trial: Trial) -> list[str]:
    return [tried.code for tried in trial.ends[0].tried]


@pytest.mark.row("F1")
async def test_four_attempts_are_made_over_everything_and_each_is_recorded() -> None:
    trial = Trial(*[BUSY] * 9)
    heard = await trial.ask("GET", "/api/proxy/acme/x")
    assert (heard.status, len(trial.wire.sent), codes(trial)) == (503, 4, ["overloaded"] * 4)
    assert [again.n for again in trial.agains] == [2, 3, 4]
    assert heard.field(b"x-trunkline-attempts") == b"4"


@pytest.mark.row("F1")
@pytest.mark.parametrize(
    ("method", "key", "play", "attempts"),
    [
        ("POST", False, BUSY, 1),
        ("POST", True, BUSY, 1),
        ("POST", False, answers(429, b"{}"), 2),
        ("POST", False, fails(ConnectRefused("refused"), sent=False), 2),
        ("POST", False, fails(PoolExhausted("full"), sent=False), 1),
        ("POST", False, fails(ResetBeforeReply("reset", sent=True)), 1),
        ("PUT", False, BUSY, 1),
        ("PUT", True, BUSY, 2),
        ("DELETE", True, fails(ResetBeforeReply("reset", sent=True)), 2),
        ("GET", False, BUSY, 2),
        ("GET", False, answers(401, b"{}"), 1),
        ("GET", False, answers(400, b"{}"), 1),
        ("GET", False, answers(404, b"{}"), 1),
    ],
)
async def test_what_is_tried_again(method: str, key: bool, play: Any, attempts: int) -> None:
    trial = Trial(play, OK, services=[service(idempotency=Idempotency(header="Idempotency-Key"))])
    headers = [("idempotency-key", "k-1")] if key else []
    await trial.ask(method, "/api/proxy/acme/x", b"{}", *headers)
    assert len(trial.wire.sent) == attempts
    if attempts == 2:
        assert trial.wire.sent[0].head == trial.wire.sent[1].head
        assert trial.wire.sent[0].body == trial.wire.sent[1].body == b"{}"


@pytest.mark.row("F1")
async def test_a_key_helps_only_where_the_vendor_honours_it() -> None:
    trial = Trial(BUSY, OK)
    await trial.ask("PUT", "/api/proxy/acme/x", b"{}", ("idempotency-key", "k-1"))
    assert len(trial.wire.sent) == 1


@pytest.mark.row("F1", "F2")
async def test_an_act_without_an_answer_has_an_unknown_outcome() -> None:
    trial = Trial(fails(ResetBeforeReply("the vendor closed the connection", sent=True)))
    heard = await trial.ask("POST", "/api/proxy/acme/charges", b"{}")
    told = json.loads(heard.body)
    assert (heard.status, told["code"], told["retryable"], trial.ends[0].state) == (
        502,
        "outcome_unknown",
        False,
        "outcome_unknown",
    )
    assert "it may have been carried out" in told["message"]
    assert codes(trial) == ["network"]
    assert heard.field(b"x-should-retry") == b"false"


@pytest.mark.row("R10")
def breaks_off(sent: Sent) -> None:
    """A vendor that has acted, and whose answer is cut in the middle."""
    sent.begin(201, (b"content-type", b"application/json"), (b"content-length", b"1000"))
    sent.piece(b'{"id":"ch_1",')
    asyncio.get_running_loop().call_soon(sent.cut)


@pytest.mark.row("F2")
async def test_an_act_whose_answer_broke_off_has_an_unknown_outcome() -> None:
    """The id of what was done stood in the rest of it; to say `network, try again` would be to have it done twice."""
    trial = Trial(breaks_off)
    heard = await trial.ask("POST", "/api/proxy/acme/charges", b"{}")
    (end,) = trial.ends
    assert (heard.status, end.state, end.code, len(trial.wire.sent)) == (
        502,
        "outcome_unknown",
        "outcome_unknown",
        1,
    )
    assert "its answer broke off" in end.message
    assert (heard.field(b"x-should-retry"), b'"retryable":false' in heard.body) == (b"false", True)


@pytest.mark.row("F2", "E1")
async def test_what_may_be_repeated_and_what_the_vendor_itself_said_are_told_as_they_are() -> None:
    trial = Trial(breaks_off, breaks_off, breaks_off, breaks_off)
    heard = await trial.ask("GET", "/api/proxy/acme/charges")
    assert (heard.status, trial.ends[0].code, trial.ends[0].state) == (502, "network", "error")
    trial = Trial(answers(504, b'{"message":"late"}'))
    heard = await trial.ask("POST", "/api/proxy/acme/charges", b"{}")
    assert (heard.status, trial.ends[0].state) == (504, "error")


async def test_a_target_once_left_is_not_returned_to() -> None:
    pool = service(
        credentials=[Credential(ref="env:A"), Credential(ref="env:B")], retry=Retry(attempts=4, backoff=0.0)
    )
    trial = Trial(*[answers(401, b"{}")] * 9, services=[pool])
    await trial.ask("GET", "/api/proxy/acme/x")
    assert [t.credential for t in trial.ends[0].tried] == ["env:A", "env:B"]


@pytest.mark.row("R10")
async def test_a_member_without_its_secret_is_passed_over_and_told_when_alone() -> None:
    pool = service(credentials=[Credential(ref="env:A"), Credential(ref="env:B")])
    trial = Trial(OK, services=[pool])
    trial.gateway.world.services["acme"].members[0].problem = _missing()
    heard = await trial.ask("GET", "/api/proxy/acme/x")
    assert (heard.status, trial.begins[0].credential) == (200, "env:B")
    alone = Trial()
    alone.gateway.world.services["acme"].members[0].problem = _missing()
    heard = await alone.ask("GET", "/api/proxy/acme/x")
    assert (heard.status, json.loads(heard.body)["code"], alone.wire.sent) == (503, "secret_unavailable", [])


def _missing() -> Any:
    from trunkline.core.errors import CallError

    return CallError("secret_unavailable", "secret env:A is missing")


@pytest.mark.row("F1")
async def test_a_caller_may_ask_for_fewer_attempts_but_not_for_more() -> None:
    for asked, made in (("1", 1), ("2", 2), ("99", 4)):
        trial = Trial(*[BUSY] * 9)
        await trial.ask("GET", "/api/proxy/acme/x", b"", ("x-trunkline-max-attempts", asked))
        assert len(trial.wire.sent) == made


async def test_a_body_that_was_sent_once_is_not_sent_again() -> None:
    asked = request("POST", "/api/proxy/acme/search", b"ab")
    asked.stream = Arriving(b"cd")  # type: ignore[assignment]
    asked.stream.length = 2  # type: ignore[union-attr]
    spec = service(operations=[Operation(name="search", method="POST", path="/search", repeat="always")])
    trial = Trial(BUSY, OK, services=[spec])
    heard = trial.hand(asked)
    await trial.until(lambda: heard.whole)
    assert (len(trial.wire.sent), trial.wire.sent[0].body, heard.status) == (1, b"abcd", 503)
    assert trial.wire.sent[0].field(b"content-length") == b"4"


@pytest.mark.parametrize(
    ("method", "framing"), [("GET", None), ("HEAD", None), ("DELETE", None), ("POST", b"0")]
)
async def test_a_call_without_a_body_says_so_where_a_body_is_usual(
    method: str, framing: bytes | None
) -> None:
    trial = Trial(OK)
    await trial.ask(method, "/api/proxy/acme/x")
    assert trial.wire.sent[0].field(b"content-length") == framing


@pytest.mark.row("P1")
async def test_the_length_of_an_answer_to_head_is_told() -> None:
    trial = Trial(answers(200, b"", JSON, (b"content-length", b"1234")))
    heard = await trial.ask("HEAD", "/api/proxy/acme/x")
    assert (heard.length, heard.body) == (1234, b"")


@pytest.mark.row("F7")
@pytest.mark.parametrize(
    "first", [streams(FAILURE, end=False), fails(ResetBeforeReply("reset")), cuts(b"data: {")]
)
async def test_a_stream_that_fails_before_any_content_is_tried_again(first: Any) -> None:
    trial = Trial(first, streams(CONTENT, DONE))
    heard = await trial.ask("POST", "/v1/chat/completions", STREAM)
    assert (heard.status, heard.body, heard.whole, len(trial.wire.sent)) == (200, CONTENT + DONE, True, 2)
    assert trial.ends[0].state == "ok"


@pytest.mark.row("F7")
@pytest.mark.parametrize(
    ("play", "code"),
    [
        (cuts(CONTENT), "network"),
        (streams(CONTENT), "network"),
        (streams(CONTENT, FAILURE, end=False), "overloaded"),
        (streams(CONTENT + FAILURE), "overloaded"),
    ],
)
async def test_a_stream_that_fails_after_content_ends_with_an_error_event(play: Any, code: str) -> None:
    trial = Trial(play, streams(CONTENT, DONE))
    heard = await trial.ask("POST", "/v1/chat/completions", STREAM)
    assert heard.body.startswith(CONTENT)
    event = heard.body.removeprefix(CONTENT)
    assert (heard.whole, heard.cut, len(trial.wire.sent)) == (True, False, 1)
    assert json.loads(event.removeprefix(b"data: "))["error"]["code"] == code
    assert (trial.ends[0].state, trial.ends[0].code, codes(trial)) == ("truncated", code, [code])
    assert b"[DONE]" not in event


@pytest.mark.row("F7")
@pytest.mark.parametrize("end", [b"data: [DONE]", b"data: [DONE]\n", b"data: [DONE]\r\n"])
async def test_a_stream_whose_last_blank_line_was_forgotten_is_whole(end: bytes) -> None:
    """Some vendors close right after the last event (WHATWG would drop it; SDKs do not)."""
    trial = Trial(streams(CONTENT, end))
    heard = await trial.ask("POST", "/v1/chat/completions", STREAM)
    assert heard.body.startswith(CONTENT + b"data: [DONE]")
    assert (heard.whole, trial.ends[0].state) == (True, "ok")


@pytest.mark.row("P1")
async def test_a_stream_that_arrives_at_once_goes_event_by_event_all_the_same() -> None:
    trial = Trial(answers(200, CONTENT + DONE, EVENTS))
    heard = await trial.ask("POST", "/v1/chat/completions", STREAM)
    assert (heard.body, heard.whole, trial.ends[0].state, trial.ends[0].served_model) == (
        CONTENT + DONE,
        True,
        "ok",
        "tiny-1",
    )


@pytest.mark.row("P1")
async def test_what_is_no_model_stream_passes_piece_by_piece() -> None:
    trial = Trial(
        lambda sent: sent.begin(200, (b"content-type", b"application/pdf"), (b"content-length", b"900000"))
    )
    heard = trial.begin("GET", "/api/proxy/acme/file")
    await trial.turn()
    sent = trial.wire.sent[0]
    sent.piece(b"%PDF")
    assert (heard.started, heard.length, heard.body) == (True, 900000, b"%PDF")
    sent.piece(b"-1.7")
    sent.end()
    await trial.until(lambda: heard.whole)
    assert (heard.body, trial.ends[0].bytes_out, trial.ends[0].state) == (b"%PDF-1.7", 8, "ok")


@pytest.mark.row("P1")
async def test_a_plain_transfer_that_breaks_off_is_seen_to_break() -> None:
    trial = Trial(lambda sent: sent.begin(200, (b"content-type", b"application/pdf")))
    heard = trial.begin("GET", "/api/proxy/acme/file")
    await trial.turn()
    trial.wire.sent[0].piece(b"%PDF")
    trial.wire.sent[0].cut()
    await trial.until(lambda: heard.closed)
    assert (heard.body, heard.cut, heard.whole, trial.ends[0].state) == (b"%PDF", True, False, "truncated")


@pytest.mark.row("P1")
async def test_a_slow_caller_holds_the_vendor_back() -> None:
    trial = Trial(streams(CONTENT, end=False))
    heard = trial.begin("POST", "/v1/chat/completions", STREAM)
    await trial.turn()
    sent = trial.wire.sent[0]
    assert heard.flow is not None
    heard.flow(True)
    assert sent.held_back
    for _ in range(3):
        trial.passes(19.0)
    await trial.turn()
    assert not heard.closed
    heard.flow(False)
    assert not sent.held_back
    sent.piece(DONE)
    sent.end()
    await trial.until(lambda: heard.whole)


@pytest.mark.row("F6")
@pytest.mark.parametrize(("body", "play"), [(CHAT, is_silent), (STREAM, streams(CONTENT, end=False))])
async def test_a_caller_that_hangs_up_cancels_the_vendors_call_at_once(body: bytes, play: Any) -> None:
    trial = Trial(play)
    heard = trial.begin("POST", "/v1/chat/completions", body)
    await trial.turn()
    heard.hang_up()
    assert trial.wire.sent[0].dropped
    await trial.until(lambda: not trial.gateway.running)
    assert (trial.ends[0].state, trial.ends[0].code, codes(trial)) == (
        "cancelled",
        "cancelled",
        ["cancelled"],
    )
    assert trial.sweeper.running == set()


@pytest.mark.row("F6", "F1")
async def test_a_hang_up_while_waiting_for_the_next_attempt_ends_there() -> None:
    trial = Trial(BUSY, OK, services=[service(retry=Retry(backoff=1000.0, backoff_max=1000.0))])
    for _ in range(20):
        heard = trial.begin("GET", "/api/proxy/acme/x", b"", ("x-trunkline-timeout", "50000"))
        await trial.turn(5)
        if not heard.closed:
            break
    heard.hang_up()
    await trial.until(lambda: not trial.gateway.running)
    assert trial.ends[-1].state == "cancelled"


@pytest.mark.row("F6")
@pytest.mark.parametrize(("asked", "limit"), [("2", 2.0), ("5000", 60.0)])
async def test_a_caller_may_ask_for_less_time_but_not_for_more(asked: str, limit: float) -> None:
    trial = Trial(is_silent)
    heard = trial.begin("POST", "/api/proxy/acme/x", b"{}", ("x-trunkline-timeout", asked))
    await trial.turn()
    trial.clock.advance(min(limit, 30.0) - 0.1)
    trial.sweeper.sweep(trial.clock())
    assert not trial.wire.sent[0].dropped
    trial.passes(2.0)
    assert trial.wire.sent[0].dropped
    await trial.until(lambda: heard.closed)
    assert codes(trial) == ["deadline_exceeded" if limit == 2.0 else "timeout_upstream"]


@pytest.mark.row("F6")
async def test_a_call_whose_time_is_over_before_it_is_sent_is_not_sent() -> None:
    trial = Trial(OK, clock=Passing())
    heard = await trial.ask("POST", "/api/proxy/acme/x", b"{}", ("x-trunkline-timeout", "1e-7"))
    assert (heard.status, codes(trial)) == (504, ["deadline_exceeded"])
    assert trial.wire.sent == []


@pytest.mark.row("E3")
async def test_an_answer_that_no_rule_knows_is_kept_as_a_sample() -> None:
    trial = Trial(answers(418, b'{"a":{"b":1}}'), answers(429, b"{}"), OK)
    await trial.ask("POST", "/api/proxy/acme/x")
    assert [(e.source, e.status, e.body) for e in trial.unknown] == [("acme", 418, b'{"a":{"b":1}}')]


async def test_a_member_has_one_target_per_model_and_not_without_end() -> None:
    live, member = Live(service()), Member("m", 1, None, b"", b"")
    assert aim(live, member, "a") is member.targets["a"]
    for n in range(1500):
        aim(live, member, f"m{n}")
    assert len(member.targets) == 1000


@pytest.mark.row("S1")
async def test_the_credential_is_on_the_request_and_nowhere_else() -> None:
    trial = Trial(OK)
    heard = await trial.ask("GET", "/api/proxy/acme/x")
    assert trial.wire.sent[0].field(b"authorization") == b"Bearer " + SECRET.encode()
    assert SECRET.encode() not in heard.lines + heard.body + b"".join(trial.journal.payloads)


async def test_policies_see_the_attempt_with_its_outcome() -> None:
    seen: list[tuple[int, int, str]] = []

    class Seeing:
        def admit(self, subject: Attempt) -> None:
            assert subject.response is None

        def settle(self, subject: Attempt) -> None:
            seen.append((subject.n, subject.status, subject.error.code if subject.error else ""))

    trial = Trial(BUSY, OK, attempts=[Seeing()])
    await trial.ask("GET", "/api/proxy/acme/x")
    assert seen == [(1, 503, "overloaded"), (2, 200, "")]


async def test_a_defect_of_a_policy_is_told_as_our_own() -> None:
    def raises(subject: object) -> None:
        raise RuntimeError("a defect")

    trial = Trial(
        OK, attempts=[type("Broken", (), {"admit": staticmethod(raises), "settle": staticmethod(raises)})()]
    )
    heard = await trial.ask("GET", "/api/proxy/acme/x")
    assert (heard.status, json.loads(heard.body)["code"], json.loads(heard.body)["source"]) == (
        500,
        "internal",
        "trunkline",
    )
