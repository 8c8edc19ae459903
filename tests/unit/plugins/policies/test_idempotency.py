"""The same key gets the same answer and never a second act: stories of whole calls on a gateway in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.errors import CallError
from trunkline.core.exchange import Answer, Exchange
from trunkline.core.idempotency import ANSWER, DOUBT, FREED, UNKEPT, minted
from trunkline.core.record import Tried
from trunkline.core.service import Credential, Operation
from trunkline.core.service import Idempotency as Honoured
from trunkline.journal.answers import Answers
from trunkline.plugins.policies.idempotency import Idempotency, key_of, outcome
from trunkline.testing import (
    FakeClock,
    Heard,
    Trial,
    answers,
    caller_key,
    fails,
    is_silent,
    request,
    service,
    streams,
)
from trunkline.testing.script import Play, Sent
from trunkline.wire.body import BodyStream
from trunkline.wire.errors import ConnectRefused, ResetBeforeReply
from trunkline.wire.request import Request

pytestmark = pytest.mark.row("F2")

ACT = ("POST", "/api/proxy/acme/charges", b'{"amount":5}')
PAY = ("POST", "/api/proxy/pay/charges", b'{"amount":5}')
KEY = ("idempotency-key", "order-17")
DONE = answers(201, b'{"id":"ch_1"}', (b"content-type", b"application/json"), (b"x-request-id", b"req_1"))
RESET = fails(ResetBeforeReply("reset", sent=True))
REFUSED = fails(ConnectRefused("refused"), sent=False)
PAYING = service(
    "pay",
    idempotency=Honoured(header="Pay-Key", hours=2.0),
    operations=[Operation(name="charge", method="POST", path="/charges", repeat="with_key")],
)
CHAT = b'{"model":"acme/tiny","messages":[]}'
COMPLETION = b'{"model":"tiny-1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}'
EVENTS = [b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n', b"data: [DONE]\n\n"]


class Stage:
    """A gateway with an answer store on the disk, which outlives its processes."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, FakeClock()
        self.trial: Trial

    def start(self, *plays: Play, **given: Any) -> Trial:
        """A new process on the same folder; an earlier one is taken to be dead."""
        self.store = Answers(self.folder, b"k" * 32, background=False)
        self.store.open(self.clock.wall())
        self.policy = Idempotency(self.store, self.clock.wall)
        given.setdefault("services", [service(), PAYING])
        self.trial = Trial(*plays, calls=[self.policy], clock=self.clock, **given)
        return self.trial

    @property
    def sent(self) -> list[Sent]:
        return self.trial.wire.sent

    @property
    def notes(self) -> str:
        """Of the call that ended last."""
        return self.trial.ends[-1].notes


async def beside(trial: Trial, what: tuple[str, str, bytes], *headers: tuple[str, str]) -> Heard:
    """One whole call while another goes on."""
    heard = trial.begin(*what, *headers)
    await trial.until(lambda: heard.closed)
    return heard


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "answers")


def told(heard: Heard) -> tuple[int, str]:
    from trunkline.core.codec import from_json

    return heard.status, from_json(heard.body)["code"]


async def test_a_repeat_gets_the_stored_answer_and_no_vendor_is_asked(stage: Stage) -> None:
    trial = stage.start(DONE)
    first = await trial.ask(*ACT, KEY)
    again = await trial.ask(*ACT, KEY)

    assert len(stage.sent) == 1
    assert (again.status, again.body) == (first.status, first.body) == (201, b'{"id":"ch_1"}')
    assert (first.field(b"x-trunkline-idempotent-replay"), first.field(b"idempotent-replayed")) == (
        None,
        None,
    )
    assert (again.field(b"x-trunkline-idempotent-replay"), again.field(b"idempotent-replayed")) == (
        b"true",
        b"true",
    )
    assert again.field(b"x-request-id") == b"req_1"
    assert (again.field(b"x-trunkline-attempts"), again.field(b"x-trunkline-cost-usd")) == (b"0", b"0")
    assert again.field(b"x-correlation-id") != first.field(b"x-correlation-id")
    ours = {b"x-correlation-id", b"x-trunkline-attempts", b"x-trunkline-overhead-ms", b"x-trunkline-cost-usd"}
    added = {b"x-trunkline-idempotent-replay", b"idempotent-replayed"}
    assert [f for f in again.fields if f[0] not in ours | added] == [
        f for f in first.fields if f[0] not in ours
    ]
    one, two = trial.ends
    assert (two.state, two.status, two.cost_usd, two.tried) == ("ok", 201, 0.0, [])
    key = one.notes.removeprefix("idempotency=first;")
    assert two.notes == f"idempotency=replay;{key};of={one.call_id}"


async def test_it_survives_a_restart(stage: Stage) -> None:
    await stage.start(DONE).ask(*ACT, KEY)
    again = await stage.start().ask(*ACT, KEY)
    assert (again.status, again.body, stage.sent) == (201, b'{"id":"ch_1"}', [])


async def test_a_repeat_while_the_first_runs_is_told_to_wait(stage: Stage) -> None:
    trial = stage.start(is_silent)
    first = trial.begin(*ACT, KEY)
    await trial.turn()
    second = await beside(trial, ACT, KEY)

    assert told(second) == (409, "idempotency_in_progress")
    assert (second.field(b"retry-after"), second.field(b"x-should-retry")) == (b"1", b"true")
    stage.sent[0].reply(200, b"{}")
    await trial.until(lambda: first.whole)
    assert (await trial.ask(*ACT, KEY)).field(b"idempotent-replayed") == b"true"
    assert len(stage.sent) == 1


@pytest.mark.parametrize(
    "other",
    [
        ("POST", "/api/proxy/acme/charges", b'{"amount":6}'),
        ("POST", "/api/proxy/acme/refunds", b'{"amount":5}'),
        ("POST", "/api/proxy/acme/charges?x=1", b'{"amount":5}'),
        ("PATCH", "/api/proxy/acme/charges", b'{"amount":5}'),
    ],
)
@pytest.mark.parametrize("state", ["running", "answered", "in doubt"])
async def test_the_key_of_another_request_is_refused(
    stage: Stage, other: tuple[str, str, bytes], state: str
) -> None:
    trial = stage.start({"running": is_silent, "answered": DONE, "in doubt": RESET}[state])
    trial.begin(*ACT, KEY)
    await trial.turn()
    heard = await beside(trial, other, KEY)

    assert told(heard) == (422, "idempotency_conflict")
    assert (heard.field(b"x-should-retry"), len(stage.sent)) == (b"false", 1)


async def test_a_subject_is_part_of_the_request(stage: Stage) -> None:
    trial = stage.start(DONE, DONE)
    await trial.ask(*ACT, KEY, ("x-trunkline-subject", "user-1"))
    assert told(await trial.ask(*ACT, KEY, ("x-trunkline-subject", "user-2"))) == (
        422,
        "idempotency_conflict",
    )


async def test_keys_are_apart_by_caller_integration_and_operation(stage: Stage) -> None:
    """Ruling 4."""
    import hmac

    from trunkline.testing.trial import PEPPER

    def keyed(text: str, **changes: Any) -> Any:
        return caller_key(text, hash=hmac.digest(PEPPER, text.encode(), "sha256"), **changes)

    keys = [
        keyed("tl_one", id="key-1", team="shop"),
        keyed("tl_one_rotated", id="key-1", team="shop"),
        keyed("tl_two", id="key-2", team="shop"),
        keyed("tl_three", id="key-1x", team="other"),
    ]
    trial = stage.start(*[DONE] * 9, keys=keys)
    asked = [
        (await trial.ask(*what, KEY, key=key)).field(b"idempotent-replayed")
        for what, key in [
            (ACT, "tl_one"),
            (ACT, "tl_one_rotated"),
            (ACT, "tl_two"),
            (ACT, "tl_three"),
            (PAY, "tl_one"),
            (("POST", "/api/proxy/pay/refunds", b'{"amount":5}'), "tl_one"),
        ]
    ]
    assert asked == [None, b"true", None, None, None, None]


async def test_an_act_without_an_answer_is_in_doubt_and_never_repeated(stage: Stage) -> None:
    trial = stage.start(RESET)
    first = await trial.ask(*ACT, KEY)
    assert told(first) == (502, "outcome_unknown")
    for process in (trial, stage.start()):
        again = await process.ask(*ACT, KEY)
        assert told(again) == (502, "outcome_unknown")
        assert again.field(b"x-should-retry") == b"false"
        end = process.ends[-1]
        assert (end.state, end.tried) == ("error", [])
        assert trial.ends[0].call_id in end.message
        assert f"idempotency=doubt;of={trial.ends[0].call_id}" == end.notes
    assert (trial.ends[0].state, len(trial.wire.sent), len(stage.sent)) == ("outcome_unknown", 1, 0)


async def test_a_call_that_a_crash_cut_is_in_doubt(stage: Stage) -> None:
    trial = stage.start(is_silent)
    trial.begin(*ACT, KEY)
    await trial.turn()
    again = await stage.start().ask(*ACT, KEY)
    assert (told(again), stage.sent) == ((502, "outcome_unknown"), [])


@pytest.mark.parametrize(
    ("said", "status", "sent"),
    [("did-not-happen", 201, 1), ("repeat", 201, 1), ("happened", 409, 0)],
)
async def test_what_a_person_says_of_it_holds(stage: Stage, said: str, status: int, sent: int) -> None:
    trial = stage.start(RESET)
    await trial.ask(*ACT, KEY)
    call_id = trial.ends[0].call_id
    stage.start(DONE)
    stage.policy.resolved = {call_id: said}
    heard = await stage.trial.ask(*ACT, KEY)

    assert (heard.status, len(stage.sent)) == (status, sent)
    if said == "happened":
        assert told(heard) == (409, "conflict")
        assert heard.field(b"x-should-retry") == b"false"
    else:
        assert (await stage.trial.ask(*ACT, KEY)).field(b"idempotent-replayed") == b"true"


async def test_where_the_vendor_honours_keys_a_repeat_in_doubt_goes_out_under_the_same(stage: Stage) -> None:
    trial = stage.start(is_silent)
    trial.begin(*PAY, KEY)
    await trial.turn()
    stage.start(DONE)
    again = await stage.trial.ask(*PAY, KEY)

    assert (again.status, again.field(b"idempotent-replayed")) == (201, None)
    assert [one.field(b"pay-key") for one in (*trial.wire.sent, *stage.sent)] == [b"order-17"] * 2
    assert "idempotency=again;" in stage.notes
    assert stage.notes.endswith(f";of={trial.begins[0].call_id}")
    assert (await stage.trial.ask(*PAY, KEY)).field(b"idempotent-replayed") == b"true"
    assert len(stage.sent) == 1


async def test_the_vendors_memory_began_with_the_first_use(stage: Stage) -> None:
    trial = stage.start(is_silent)
    trial.begin(*PAY, KEY)
    await trial.turn()
    stage.clock.advance(1.5 * 3600)
    stage.start(DONE, DONE)
    assert (await stage.trial.ask(*PAY, KEY)).status == 201
    stage.clock.advance(0.5 * 3600 + 1)
    assert (await stage.trial.ask(*PAY, KEY)).field(b"idempotent-replayed") is None


async def test_with_several_credentials_it_does_not(stage: Stage) -> None:
    """The repeat could go to another account, which knows nothing of the key."""
    pool = msgspec.structs.replace(PAYING, credentials=[Credential(ref="env:A"), Credential(ref="env:B")])
    trial = stage.start(is_silent, services=[pool])
    trial.begin(*PAY, KEY)
    await trial.turn()
    stage.start(services=[pool])
    assert told(await stage.trial.ask(*PAY, KEY)) == (502, "outcome_unknown")


async def test_a_repeat_in_doubt_that_never_got_out_leaves_the_doubt(stage: Stage) -> None:
    trial = stage.start(is_silent)
    trial.begin(*PAY, KEY)
    await trial.turn()
    stage.start(*[REFUSED] * 4)
    assert told(await stage.trial.ask(*PAY, KEY)) == (502, "network")
    held = stage.store.find(next(iter(stage.store._index)), stage.clock.wall())
    assert held is not None
    assert (held.kind, held.call_id) == (DOUBT, trial.begins[0].call_id)


@pytest.mark.parametrize(
    "plays",
    [
        [REFUSED] * 4,
        [answers(429, b'{"error":{"message":"slow down"}}', (b"retry-after", b"3600"))],
        [answers(401, b'{"error":{"message":"bad key"}}')],
        [answers(404, b'{"error":{"message":"model gone","code":"model_not_found"}}')],
    ],
    ids=["never sent", "rate limited", "credential refused", "model gone"],
)
async def test_a_failure_that_did_nothing_leaves_the_key_free(stage: Stage, plays: list[Play]) -> None:
    trial = stage.start(*plays, DONE)
    assert (await trial.ask(*ACT, KEY)).status >= 400
    stage.clock.advance(3601)
    again = await trial.ask("POST", "/api/proxy/acme/charges", b'{"amount":7}', KEY)
    assert (again.status, again.field(b"idempotent-replayed")) == (201, None)


@pytest.mark.parametrize("style", ["superset", "native", "normalized"])
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (402, b'{"error":{"message":"Your card was declined.","type":"card_error","code":"card_declined"}}'),
        (400, b'{"error":{"message":"amount is missing","param":"amount"}}'),
        (413, b'{"error":{"message":"too large"}}'),
    ],
)
async def test_the_vendors_last_word_is_given_again_as_it_was(
    stage: Stage, status: int, body: bytes, style: str
) -> None:
    trial = stage.start(answers(status, body))
    headers = (KEY, ("x-trunkline-errors", style))
    first = await trial.ask(*ACT, *headers)
    again = await trial.ask(*ACT, *headers)

    assert len(stage.sent) == 1
    assert (again.status, again.body) == (first.status, first.body)
    assert again.field(b"idempotent-replayed") == b"true"
    assert len([line for line in again.fields if line[0] == b"x-correlation-id"]) == 1
    assert len([line for line in again.fields if line[0] == b"x-trunkline-attempts"]) == 1
    assert len([line for line in again.fields if line[0] == b"x-trunkline-integration"]) == 1
    assert again.field(b"x-trunkline-error-code") == first.field(b"x-trunkline-error-code")
    one, two = trial.ends
    assert (two.code, two.source, two.state) == (one.code, "acme", "error")


async def test_a_server_error_of_an_act_is_in_doubt(stage: Stage) -> None:
    trial = stage.start(answers(500, b'{"error":{"message":"oops"}}'))
    assert told(await trial.ask(*ACT, KEY)) == (500, "server_error")
    assert told(await trial.ask(*ACT, KEY)) == (502, "outcome_unknown")


async def test_what_may_be_repeated_freely_is_never_in_doubt(stage: Stage) -> None:
    chat = ("POST", "/v1/chat/completions", CHAT)
    trial = stage.start(*[RESET] * 4, answers(200, COMPLETION))
    assert (await trial.ask(*chat, KEY)).status == 502
    assert (await trial.ask(*chat, KEY)).status == 200
    assert (await trial.ask(*chat, KEY)).field(b"idempotent-replayed") == b"true"
    assert len(stage.sent) == 5


async def test_a_refusal_of_ours_leaves_the_key_free(stage: Stage) -> None:
    class Refusing:
        on = True

        def admit(self, subject: object) -> None:
            if self.on:
                raise CallError("circuit_open", "refused")

        def settle(self, subject: object) -> None: ...

    refusing = Refusing()
    trial = stage.start(DONE, attempts=[refusing])
    assert told(await trial.ask(*ACT, KEY)) == (503, "circuit_open")
    refusing.on = False
    assert (await trial.ask(*ACT, KEY)).status == 201


async def test_a_model_call_is_answered_again_too(stage: Stage) -> None:
    chat = ("POST", "/v1/chat/completions", CHAT)
    trial = stage.start(answers(200, COMPLETION))
    first = await trial.ask(*chat, KEY)
    again = await trial.ask(*chat, KEY)
    assert (again.body, again.field(b"x-trunkline-cost-usd")) == (first.body, b"0")
    assert (trial.ends[1].input_tokens, trial.ends[1].cost_usd) == (-1, 0.0)


async def test_a_key_is_not_sent_on_under_our_own_eyes_only(stage: Stage) -> None:
    """A vendor that honours none still gets the header as its caller sent it: nothing is taken away from a request."""
    trial = stage.start(DONE)
    await trial.ask(*ACT, ("Idempotency-Key", '"order-17"'))
    assert stage.sent[0].field(b"idempotency-key") == b'"order-17"'


async def test_a_key_expires_with_the_vendors_memory(stage: Stage) -> None:
    trial = stage.start(*[DONE] * 4)
    await trial.ask(*PAY, KEY)
    await trial.ask(*ACT, KEY)
    stage.clock.advance(2.0 * 3600 + 1)
    assert (await trial.ask(*PAY, KEY)).field(b"idempotent-replayed") is None
    assert (await trial.ask(*ACT, KEY)).field(b"idempotent-replayed") == b"true"
    stage.clock.advance(22.0 * 3600)
    assert (await trial.ask(*ACT, KEY)).field(b"idempotent-replayed") is None


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_reading_has_no_use_for_a_key(stage: Stage, method: str) -> None:
    trial = stage.start(answers(200, b"a"), answers(200, b"b"))
    for _ in range(2):
        await trial.ask(method, "/api/proxy/acme/charges", b"", KEY)
    assert (len(stage.sent), stage.notes) == (2, "")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_other_acts_have(stage: Stage, method: str) -> None:
    trial = stage.start(answers(200, b"a"))
    heard = [await trial.ask(method, "/api/proxy/acme/charges/1", b"{}", KEY) for _ in range(2)]
    assert ([one.body for one in heard], len(stage.sent)) == ([b"a", b"a"], 1)


MALFORMED = {
    "empty": (("idempotency-key", ""),),
    "empty in quotes": (("idempotency-key", '""'),),
    "256 characters": (("idempotency-key", "x" * 256),),
    "a tab": (("idempotency-key", "a\tb"),),
    "two": (("idempotency-key", "a"), ("idempotency-key", "b")),
    "the vendor's field says another": (("idempotency-key", "a"), ("pay-key", "b")),
}


@pytest.mark.parametrize("headers", MALFORMED.values(), ids=list(MALFORMED))
async def test_a_malformed_key_is_refused_with_the_cure(
    stage: Stage, headers: tuple[tuple[str, str], ...]
) -> None:
    heard = await stage.start(DONE).ask(*PAY, *headers)
    assert told(heard) == (400, "invalid_request")
    assert b"the idempotency key is not usable" in heard.body
    assert stage.sent == []


@pytest.mark.parametrize(
    "headers",
    [
        (("idempotency-key", '"order-17"'),),
        (("pay-key", "order-17"),),
        (("idempotency-key", "order-17"), ("pay-key", "order-17")),
        (("idempotency-key", "order-17"), ("idempotency-key", "order-17")),
    ],
)
async def test_one_key_has_several_spellings(stage: Stage, headers: tuple[tuple[str, str], ...]) -> None:
    trial = stage.start(DONE)
    await trial.ask(*PAY, KEY)
    again = await trial.ask(*PAY, *headers)
    assert (again.field(b"idempotent-replayed"), len(stage.sent)) == (b"true", 1)
    assert [line for line in stage.sent[0].fields if b"key" in line[0]] == [(b"pay-key", b"order-17")]


def test_a_quoted_key_is_read_as_the_draft_says() -> None:
    for text, key in (
        (b'"a\\"b\\\\c"', b'a"b\\c'),
        (b'"', b'"'),
        (b"plain", b"plain"),
        (b"\xc3\xa4", b"\xc3\xa4"),
    ):
        exchange = Exchange(
            Request("POST", b"/", [(b"idempotency-key", text)], {}), Heard(), "call-1", 1.0, 2.0
        )
        assert key_of(exchange, b"") == key


async def test_a_key_that_cannot_be_stored_stops_the_call(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trunkline.journal import files

    def full(fd: int, size: int) -> None:
        raise OSError(28, "No space left on device")

    trial = stage.start(DONE)
    with monkeypatch.context() as patch:
        patch.setattr(files, "allocate", full)
        heard = await trial.ask(*ACT, KEY)
    assert told(heard) == (503, "store_unavailable")
    assert (stage.sent, repr(stage.policy)) == ([], "Idempotency()")
    assert (await trial.ask(*ACT, KEY)).status == 201


async def test_a_stream_is_kept_and_given_again_whole(stage: Stage) -> None:
    chat = ("POST", "/v1/chat/completions", b'{"model":"acme/tiny","stream":true,"messages":[]}')
    trial = stage.start(streams(*EVENTS))
    first = await trial.ask(*chat, KEY)
    again = await trial.ask(*chat, KEY)
    assert (
        (again.body, again.field(b"content-type"))
        == (first.body, b"text/event-stream")
        == (b"".join(EVENTS), b"text/event-stream")
    )
    assert (again.field(b"idempotent-replayed"), len(stage.sent)) == (b"true", 1)


async def test_an_answer_over_a_megabyte_is_not_kept_and_its_repeat_says_so(stage: Stage) -> None:
    trial = stage.start(answers(200, b"x" * ((1 << 20) + 1)))
    assert (await trial.ask(*ACT, KEY)).status == 200
    for process in (trial, stage.start()):
        again = await process.ask(*ACT, KEY)
        assert told(again) == (409, "conflict")
        assert b"was carried out" in again.body
        assert b"longer than 1 MB" in again.body
        assert again.field(b"x-should-retry") == b"false"
    assert stage.sent == []


async def test_an_answer_whose_body_is_damaged_is_not_given_nor_made_again(stage: Stage) -> None:
    trial = stage.start(DONE)
    await trial.ask(*ACT, KEY)
    stage.store.close()
    (bodies,) = stage.folder.glob("*.bodies")
    bodies.write_bytes(b"\0" * bodies.stat().st_size)
    again = await stage.start().ask(*ACT, KEY)
    assert (told(again), stage.sent) == ((409, "conflict"), [])


async def test_a_key_is_minted_where_the_vendor_honours_one_and_kept_over_attempts(stage: Stage) -> None:
    trial = stage.start(RESET, RESET, DONE, DONE)
    assert (await trial.ask(*PAY)).status == 201
    (begin,) = trial.begins
    assert [one.field(b"pay-key") for one in stage.sent] == [minted(begin.call_id).encode()] * 3
    assert stage.notes == "idempotency=minted"
    await trial.ask(*PAY)
    assert stage.sent[3].field(b"pay-key") != stage.sent[0].field(b"pay-key")
    assert list(stage.folder.glob("*")) == []


async def test_an_act_under_a_minted_key_that_stays_without_an_answer_is_unknown(stage: Stage) -> None:
    """Its caller cannot repeat it under that key, so that for the caller it is as if there were none."""
    trial = stage.start(*[RESET] * 4)
    heard = await trial.ask(*PAY)
    assert told(heard) == (502, "outcome_unknown")
    assert (trial.ends[0].state, len(stage.sent)) == ("outcome_unknown", 4)


BUSY = answers(429, b'{"error":{"message":"slow down"}}', (b"retry-after", b"3600"))
NO = answers(402, b'{"error":{"message":"Your card was declined.","code":"card_declined"}}')


@pytest.mark.parametrize(
    ("plays", "headers", "expected"),
    [
        ([RESET, BUSY], (), (502, "outcome_unknown")),
        ([answers(500, b"{}"), BUSY], (), (502, "outcome_unknown")),
        ([RESET, BUSY], (KEY,), (429, "rate_limited")),
        ([RESET, NO], (), (402, "declined")),
        ([BUSY, DONE], (), (201, "")),
    ],
    ids=["lost, then busy", "failed, then busy", "the same under the caller's key", "lost, then no", "busy"],
)
async def test_what_may_have_acted_at_one_account_is_never_tried_at_another(
    stage: Stage, plays: list[Play], headers: tuple[tuple[str, str], ...], expected: tuple[int, str]
) -> None:
    """Also not after an attempt that did nothing; and a caller that does not know the key is told of the doubt."""
    pool = [
        Credential(ref="env:A", base_url="https://a.test"),
        Credential(ref="env:B", base_url="https://b.test"),
    ]
    trial = stage.start(*plays, services=[msgspec.structs.replace(PAYING, credentials=pool)])
    heard = await trial.ask(*PAY, *headers)
    assert (heard.status, told(heard)[1] if heard.status >= 400 else "") == expected
    hosts = [one.field(b"host") for one in stage.sent]
    assert len(hosts) == 2
    assert len(set(hosts)) == (2 if expected[0] == 201 else 1)


@pytest.mark.parametrize(
    "what", [ACT, ("POST", "/api/proxy/pay/other", b"{}"), ("GET", "/api/proxy/pay/charges", b"")]
)
async def test_no_key_is_minted_elsewhere(stage: Stage, what: tuple[str, str, bytes]) -> None:
    await stage.start(DONE).ask(*what)
    assert (stage.sent[0].field(b"pay-key"), stage.notes) == (None, "")


async def test_a_keyed_act_goes_on_when_its_caller_hangs_up_and_the_repeat_gets_its_answer(
    stage: Stage,
) -> None:
    trial = stage.start(is_silent)
    heard = trial.begin(*ACT, KEY)
    await trial.turn()
    heard.hang_up()
    await trial.turn()
    assert not stage.sent[0].dropped
    assert told(await beside(trial, ACT, KEY)) == (409, "idempotency_in_progress")
    stage.sent[0].reply(200, b'{"id":"ch_1"}')
    await trial.until(lambda: not trial.gateway.running)
    again = await trial.ask(*ACT, KEY)
    assert (again.status, again.body, len(stage.sent)) == (200, b'{"id":"ch_1"}', 1)


@pytest.mark.parametrize(
    ("what", "headers"),
    [(ACT, ()), (("POST", "/v1/chat/completions", CHAT), (KEY,))],
    ids=["an act without a key", "what may be repeated freely"],
)
async def test_everything_else_is_cut_when_its_caller_hangs_up(
    stage: Stage, what: tuple[str, str, bytes], headers: tuple[tuple[str, str], ...]
) -> None:
    trial = stage.start(is_silent)
    heard = trial.begin(*what, *headers)
    await trial.turn()
    heard.hang_up()
    await trial.until(lambda: not trial.gateway.running)
    assert stage.sent[0].dropped
    # An act that was cut in the air is for a person to look up.
    assert trial.ends[0].state == ("outcome_unknown" if what is ACT else "cancelled")


async def test_a_keyed_act_that_is_killed_in_flight_is_in_doubt(stage: Stage) -> None:
    trial = stage.start(is_silent)
    trial.begin(*ACT, KEY)
    await trial.turn()
    (running,) = trial.gateway.running
    trial.gateway.cut(running, CallError("unauthenticated", "the key of this call was revoked"))
    await trial.until(lambda: not trial.gateway.running)
    assert told(await trial.ask(*ACT, KEY)) == (502, "outcome_unknown")


def long_request(body: bytes, *pieces: bytes, total: int) -> Request:
    """A request over 1 MB: `body` is here, the pieces are still to come."""
    asked = request("POST", "/api/proxy/acme/files", b"", ("idempotency-key", "file-1"))
    rest = BodyStream(total - len(body))
    for piece in pieces:
        rest.push(piece)
    rest.finish()
    asked.body, asked.stream = body, rest
    return asked


async def hand(trial: Trial, asked: Request) -> Heard:
    heard = trial.hand(asked)
    await trial.until(lambda: heard.closed and not trial.gateway.running)
    return heard


async def test_a_long_body_is_compared_to_its_end(stage: Stage) -> None:
    start, middle, end = b"a" * 100_000, b"b" * 50_000, b"c" * 1000
    trial = stage.start(DONE)
    first = await hand(trial, long_request(start, middle, end, total=151_000))
    assert (first.status, stage.sent[0].body) == (201, start + middle + end)

    same = await hand(trial, long_request(start + middle[:7], middle[7:], end, total=151_000))
    assert (same.status, same.field(b"idempotent-replayed")) == (201, b"true")
    other_end = await hand(trial, long_request(start, middle, b"x" + end[1:], total=151_000))
    assert told(other_end) == (422, "idempotency_conflict")
    shorter = await hand(trial, long_request(start, middle, total=150_000))
    assert told(shorter) == (422, "idempotency_conflict")
    assert len(stage.sent) == 1


async def test_a_form_is_the_same_whatever_boundary_its_parts_have(stage: Stage) -> None:
    def form(boundary: str, text: str = "x") -> tuple[bytes, tuple[str, str]]:
        body = f"--{boundary}\r\ncontent-disposition: form-data; name=a\r\n\r\n{text}\r\n--{boundary}--\r\n"
        return body.encode(), ("content-type", f"multipart/form-data; boundary={boundary}")

    trial = stage.start(DONE)
    statuses = []
    for body, kind in (form("one"), form("two"), form("three", "y")):
        statuses.append((await trial.ask("POST", "/api/proxy/acme/files", body, KEY, kind)).status)
    assert (statuses, len(stage.sent)) == ([201, 201, 422], 1)


def tried(code: str = "", *, sent: bool = True, status: int = 0, n: int = 1) -> Tried:
    return Tried(n, "acme", "env:A", 0, 0, 0, 0, status, code, "", "", "", sent)


def ended(
    *attempts: Tried, error: CallError | None = None, repeat: str = "never", **changes: Any
) -> Exchange:
    exchange = Exchange(request("POST"), Heard(), "call-1", 1.0, 2.0)
    exchange.tried, exchange.error, exchange.repeat = list(attempts), error, repeat  # type: ignore[assignment]
    for name, value in changes.items():
        setattr(exchange, name, value)
    return exchange


VENDORS_NO = CallError("declined", "no", source="acme", vendor_status=402)
LATER = CallError("declined", "not now", source="acme", vendor_status=402, later=True)
DID_NOTHING = CallError("overloaded", "", source="acme", vendor_status=503, never_acted=True)
BUSY, CUT, NO_PLACE = (CallError(code, "") for code in ("rate_limited", "network", "circuit_open"))
STOPS, DEFECT = CallError("shutting_down", ""), CallError("internal", "")
ANSWERED = Answer(200, b"", b"{}")
LOST = tried("network")
OUTCOMES: list[tuple[str, Exchange, int]] = [
    ("an answer", ended(tried(status=200), kept=ANSWERED), ANSWER),
    ("an answer too long", ended(tried(status=200)), UNKEPT),
    ("the vendor's no", ended(tried("declined", status=402), error=VENDORS_NO, kept=ANSWERED), ANSWER),
    ("one that was not kept", ended(tried("declined", status=402), error=VENDORS_NO), FREED),
    ("a no that may pass", ended(tried("declined", status=402), error=LATER, kept=ANSWERED), FREED),
    ("nothing sent", ended(tried("network", sent=False), error=CUT), FREED),
    ("sent, no answer", ended(LOST, error=CUT), DOUBT),
    ("sent, and the vendor did nothing", ended(tried("overloaded", status=503), error=DID_NOTHING), FREED),
    ("doubt, then busy", ended(LOST, tried("rate_limited", status=429, n=2), error=BUSY), DOUBT),
    ("doubt, then no place", ended(LOST, tried("circuit_open", sent=False, n=2), error=NO_PLACE), DOUBT),
    (
        "doubt, then no",
        ended(LOST, tried("declined", status=402, n=2), error=VENDORS_NO, kept=ANSWERED),
        ANSWER,
    ),
    ("the process stops meanwhile", ended(tried("shutting_down", status=200), error=STOPS), DOUBT),
    ("a defect of ours after the answer", ended(tried("internal", status=200), error=DEFECT), DOUBT),
    ("the same, repeatable", ended(tried("internal", status=200), error=DEFECT, repeat="always"), FREED),
    ("an answer of the cache", ended(answer=ANSWERED, notes=("cache=hit",)), ANSWER),
    (
        "a stopgap",
        ended(tried("circuit_open", sent=False), answer=ANSWERED, notes=("fallback=static",)),
        FREED,
    ),
    ("a stopgap for an act in doubt", ended(LOST, answer=ANSWERED, notes=("fallback=static",)), DOUBT),
    ("a deferral", ended(answer=ANSWERED, notes=("deferred=tsk_1",)), ANSWER),
    ("a deferral instead", ended(answer=ANSWERED, notes=("fallback=defer", "deferred=tsk_1")), ANSWER),
]


@pytest.mark.parametrize(
    ("exchange", "kind"), [row[1:] for row in OUTCOMES], ids=[row[0] for row in OUTCOMES]
)
def test_what_a_call_leaves_under_its_key(exchange: Exchange, kind: int) -> None:
    assert outcome(exchange)[0] == kind


@given(
    st.text("0123456789abcdef", min_size=1, max_size=40), st.text("0123456789abcdef", min_size=1, max_size=40)
)
def test_minted_keys_look_like_random_uuids_and_follow_from_the_call(one: str, two: str) -> None:
    from uuid import UUID

    assert UUID(minted(one)).version == 4
    assert (minted(one) == minted(two)) == (one == two)


async def test_a_call_without_a_key_costs_the_policy_nothing(stage: Stage) -> None:
    exchange = Exchange(request("POST"), Heard(), "call-1", 1.0, 2.0)
    stage.start()
    assert stage.policy.admit(exchange) is None
    assert exchange.intent is None
