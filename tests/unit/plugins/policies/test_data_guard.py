"""Routes that block or redact: what reaches the vendor, what the caller is told, what costs nobody else anything."""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
from typing import Any

import pytest

from trunkline.core.flow import Fallback
from trunkline.core.handling import DataRules, Privacy
from trunkline.core.service import Alias, Operation
from trunkline.plugins.policies.data_guard import ON_LOOP, WHOLE_MAX, DataGuard, Guard
from trunkline.testing.laws import check_policy
from trunkline.testing.script import JSON, Heard, Play, Sent, answers, fails, streams
from trunkline.testing.trial import Trial, request, service
from trunkline.wire.errors import ConnectRefused

AS_JSON = ("content-type", "application/json")
CHAT = "/v1/chat/completions"


def guarded(name: str = "acme", **rules: Any) -> Any:
    more = {key: rules.pop(key) for key in ("operations", "fallback") if key in rules}
    return service(name, privacy=Privacy(rules=DataRules(**rules)), **more)


def prompt(text: str, **more: Any) -> bytes:
    return json.dumps(
        {"model": "acme/tiny", "messages": [{"role": "user", "content": text}], **more}
    ).encode()


def chat(text: str) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return json.dumps({"id": "c", "object": "chat.completion", "model": "tiny", "choices": [choice]}).encode()


def only(host: str) -> Play:
    """Answers at one host, and nobody listens at any other."""

    def play(sent: Sent) -> None:
        here = sent.field(b"host") == host.encode()
        (answers(200, b"{}") if here else fails(ConnectRefused("nobody listens"), sent=False))(sent)

    return play


async def ended(trial: Trial, heard: Heard) -> Heard:
    """Also what a thread does on the way."""
    for _ in range(2000):
        if heard.closed and not trial.gateway.running:
            return heard
        await asyncio.to_thread(int)
    raise AssertionError("the call has not ended")


@pytest.mark.row("G2")
async def test_a_request_with_a_blocked_category_never_reaches_the_vendor() -> None:
    trial = Trial(answers(200, b"{}"), services=[guarded(block=["payment"])])
    heard = await trial.ask("POST", "/api/proxy/acme/v1/notes", b'{"note":"card 4242424242424242"}', AS_JSON)
    told = json.loads(heard.body)
    assert (heard.status, told["code"], told["retryable"]) == (422, "data_blocked", False)
    assert told["message"] == "the request holds payment.card, which 'acme' does not take"
    assert "4242" not in heard.body.decode()
    assert trial.wire.sent == []
    assert (trial.ends[0].code, trial.ends[0].message) == ("data_blocked", told["message"])


@pytest.mark.row("G2")
async def test_a_redacted_category_is_blotted_out_before_the_vendor_sees_it() -> None:
    trial = Trial(answers(200, chat("done")), services=[guarded(redact=["pii.email", "pii.phone"])])
    heard = await trial.ask("POST", CHAT, prompt("Mail jane@example.com or +49 30 901820, Jane"), AS_JSON)
    (sent,) = trial.wire.sent
    assert json.loads(sent.body)["messages"][0]["content"] == "Mail [pii.email] or [pii.phone], Jane"
    assert heard.field(b"x-trunkline-redacted") == b"pii.email=1, pii.phone=1"
    assert trial.ends[0].notes == "redacted=pii.email:1,pii.phone:1"
    assert heard.status == 200


async def test_a_request_without_such_data_goes_as_it_came() -> None:
    trial = Trial(answers(200, b"{}"), services=[guarded(redact=["pii"], block=["payment"])])
    body = b'{ "note" : "nothing of anybody" }'
    heard = await trial.ask("POST", "/api/proxy/acme/v1/notes", body, AS_JSON)
    assert trial.wire.sent[0].body == body
    assert heard.field(b"x-trunkline-redacted") is None


async def test_data_in_the_address_is_blocked_too() -> None:
    trial = Trial(answers(200, b"{}"), services=[guarded(block=["pii.email", "pii.phone"])])
    for path in (
        "/v1/users?email=jane%40example.com",
        "/v1/users/jane%40example.com",
        "/v1/x?q=1&phone=%2B4930901820",
    ):
        heard = await trial.ask("GET", f"/api/proxy/acme{path}")
        assert (heard.status, json.loads(heard.body)["code"]) == (422, "data_blocked"), path
    assert trial.wire.sent == []
    assert (await trial.ask("GET", "/api/proxy/acme/v1/calls/20261121103000?day=2026-11-21")).status == 200


@pytest.mark.row("G2")
async def test_data_in_the_header_is_blocked_too() -> None:
    trial = Trial(answers(200, b"{}"), services=[guarded(block=["pii"])])
    for value in ("Jane <jane@example.com>", "jane%40example.com"):
        heard = await trial.ask("GET", "/api/proxy/acme/v1/notes", b"", ("x-acting-for", value))
        assert (heard.status, trial.ends[-1].code) == (422, "data_blocked")
    assert trial.wire.sent == []
    plain = (("x-acting-for", "Jane"), ("cookie", "m=jane@example.com"))
    heard = await trial.ask("GET", "/api/proxy/acme/v1/notes", b"", *plain)
    assert (heard.status, len(trial.wire.sent)) == (200, 1)


async def test_data_in_the_query_is_blotted_out() -> None:
    trial = Trial(answers(200, b"{}"), services=[guarded(redact=["pii.email"])])
    heard = await trial.ask("GET", "/api/proxy/acme/v1/users?page=2&email=jane%40example.com")
    assert trial.wire.sent[0].target == b"/v1/users?page=2&email=%5Bpii.email%5D"
    assert heard.field(b"x-trunkline-redacted") == b"pii.email=1"


@pytest.mark.parametrize(
    ("body", "media", "message"),
    [
        ("jane@example.com".encode("utf-16"), "application/json", "no UTF-8"),
        (b"{}", "application/json; charset=utf-16le", "utf-16le"),
        (b"[" * 200 + b'"jane@example.com"' + b"]" * 200, "application/json", "nested too deep"),
        (b"[" + b"1," * 100 + b'"jane@example.com"]', "application/json", "more than 100 values"),
        (
            b"a=1&" * 102 + b"e=jane%40example.com",
            "application/x-www-form-urlencoded",
            "more than 100 values",
        ),
    ],
    ids=["utf-16", "charset", "deep", "wide", "form"],
)
async def test_a_body_that_cannot_be_looked_at_to_its_end_is_refused(
    body: bytes, media: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trunkline.core.data.leaves.LEAVES_MAX", 100)
    trial = Trial(answers(200, b"{}"), services=[guarded(redact=["pii.email"])])
    heard = await ended(trial, trial.begin("POST", "/api/proxy/acme/v1/notes", body, ("content-type", media)))
    told = json.loads(heard.body)
    assert (heard.status, told["code"], message in told["message"]) == (422, "data_blocked", True)


async def test_other_integrations_are_not_asked() -> None:
    trial = Trial(answers(200, b"{}"), services=[guarded(block=["pii"]), service("free")])
    heard = await trial.ask("POST", "/api/proxy/free/v1/notes", b'{"email":"jane@example.com"}', AS_JSON)
    assert heard.status == 200


async def test_an_operation_may_be_stricter_than_its_integration() -> None:
    notes = Operation(name="notes", method="POST", path="/v1/notes", rules=DataRules(block=["pii.email"]))
    trial = Trial(answers(200, b"{}"), services=[guarded(redact=["pii"], operations=[notes])])
    heard = await trial.ask("POST", "/api/proxy/acme/v1/notes", b'{"email":"jane@example.com"}', AS_JSON)
    assert heard.status == 422
    heard = await trial.ask("POST", "/api/proxy/acme/v1/others", b'{"email":"jane@example.com"}', AS_JSON)
    assert (heard.status, trial.wire.sent[0].body) == (200, b'{"email":"[pii.email]"}')


async def test_a_named_route_and_a_model_name_may_be_stricter_too() -> None:
    rules = {"safe": DataRules(block=["payment.card"]), "careful": DataRules(redact=["pii.email"])}
    plays = [answers(200, chat("ok"))] * 3
    trial = Trial(
        *plays,
        routes={"safe": "acme"},
        aliases={"careful": Alias(name="careful", target="acme/tiny")},
        route_rules=rules,
    )
    card = b'{"note":"4242424242424242"}'
    assert (await trial.ask("POST", "/api/proxy/safe/v1/notes", card, AS_JSON)).status == 422
    assert (await trial.ask("POST", "/api/proxy/acme/v1/notes", card, AS_JSON)).status == 200
    body = prompt("jane@example.com").replace(b"acme/tiny", b"careful")
    await trial.ask("POST", CHAT, body, AS_JSON)
    assert b"[pii.email]" in trial.wire.sent[1].body


async def test_a_long_request_is_looked_at_in_a_thread() -> None:
    trial = Trial(answers(200, b"{}"), services=[guarded(redact=["pii.email"])])
    body = json.dumps({"text": "x " * ON_LOOP + "jane@example.com"}).encode()
    heard = await ended(trial, trial.begin("POST", "/api/proxy/acme/v1/notes", body, AS_JSON))
    assert heard.status == 200
    assert trial.wire.sent[0].body == body.replace(b"jane@example.com", b"[pii.email]")


async def test_a_request_that_is_still_arriving_is_read_whole_first() -> None:
    class Rest:
        length: int | None = 40

        def __init__(self) -> None:
            self.pieces = [b'"jane@exam', b'ple.com"}']

        def __aiter__(self) -> Rest:
            return self

        async def __anext__(self) -> bytes:
            if not self.pieces:
                raise StopAsyncIteration
            return self.pieces.pop(0)

    trial = Trial(answers(200, b"{}"), services=[guarded(redact=["pii.email"])])
    asked = request("POST", "/api/proxy/acme/v1/notes", b'{"text":', AS_JSON)
    asked.stream = Rest()  # type: ignore[assignment]
    heard = await ended(trial, trial.hand(asked))
    assert heard.status == 200
    assert trial.wire.sent[0].body == b'{"text":"[pii.email]"}'


async def test_what_cannot_be_looked_at_is_refused() -> None:
    trial = Trial(services=[guarded(block=["payment.card"])])
    packed = gzip.compress(b'{"note":"4242424242424242"}')
    heard = await trial.ask("POST", "/api/proxy/acme/v1/notes", packed, AS_JSON, ("content-encoding", "gzip"))
    assert (heard.status, json.loads(heard.body)["code"]) == (422, "data_blocked")
    long = trial.begin("POST", "/api/proxy/acme/v1/notes", b'"' + b"x" * WHOLE_MAX + b'"', AS_JSON)
    assert ((await ended(trial, long)).status, json.loads(long.body)["code"]) == (413, "request_too_large")
    assert trial.wire.sent == []


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        ("", b'{"email":"jane@example.com"}', (AS_JSON,)),
        ("?email=jane%40example.com", b"", ()),
        ("", gzip.compress(b"{}", mtime=0), (AS_JSON, ("content-encoding", "gzip"))),
        ("", "{}".encode("utf-16"), (AS_JSON,)),
    ],
    ids=["body", "query", "packed", "utf-16"],
)
async def test_a_fallback_that_does_not_take_the_data_is_passed_over(
    path: str, body: bytes, fields: tuple[tuple[str, str], ...]
) -> None:
    fallback = [Fallback(kind="target", target="strict"), Fallback(kind="target", target="lax")]
    services = [service("acme", fallback=fallback), guarded("strict", block=["pii.email"]), service("lax")]
    trial = Trial(*[only("lax.test")] * 4, services=services)
    heard = await ended(trial, trial.begin("GET", f"/api/proxy/acme/v1/notes{path}", body, *fields))
    hosts = {sent.field(b"host") for sent in trial.wire.sent}
    assert (heard.status, b"strict.test" in hosts, b"lax.test" in hosts) == (200, False, True)


async def test_a_fallback_that_takes_the_data_as_it_is_is_gone_to() -> None:
    services = [
        guarded("acme", redact=["pii.email"], fallback=[Fallback(kind="target", target="strict")]),
        guarded("strict", block=["pii.email"]),
    ]
    trial = Trial(*[only("strict.test")] * 4, services=services)
    heard = await ended(
        trial, trial.begin("GET", "/api/proxy/acme/v1/notes", b'{"email":"jane@example.com"}', AS_JSON)
    )
    assert heard.status == 200
    assert trial.wire.sent[-1].body == b'{"email":"[pii.email]"}'
    assert trial.wire.sent[-1].field(b"host") == b"strict.test"


async def test_answers_are_blotted_out_whole() -> None:
    trial = Trial(
        answers(200, chat("Write to jane@example.com"), JSON, (b"etag", b'"1"')),
        services=[guarded(redact=["pii.email"], answers=True)],
    )
    heard = await trial.ask("POST", CHAT, prompt("hello"), AS_JSON)
    assert json.loads(heard.body)["choices"][0]["message"]["content"] == "Write to [pii.email]"
    assert heard.length == len(heard.body)
    assert heard.field(b"etag") is None


async def test_answers_are_blotted_out_as_they_stream() -> None:
    def delta(text: str) -> bytes:
        return (
            b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}).encode() + b"\n\n"
        )

    words = ["Sure", ": write to ja", "ne@exa", "mple.com", " today", ", please", "."]
    pieces = [delta(word) for word in words]
    done = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    trial = Trial(streams(*pieces, done), services=[guarded(redact=["pii.email"], answers=True)])
    heard = await trial.ask("POST", CHAT, prompt("hello", stream=True), AS_JSON)
    events = [json.loads(line[6:]) for line in heard.body.decode().split("\n") if line.startswith("data: {")]
    text = "".join(event["choices"][0]["delta"].get("content", "") for event in events)
    assert text == "Sure: write to [pii.email] today, please."
    assert len(events) == len(words) + 1
    assert heard.body.endswith(b"data: [DONE]\n\n")
    assert heard.whole


async def test_a_stream_that_breaks_off_shows_nothing_that_was_held_back() -> None:
    def breaks(sent: Sent) -> None:
        sent.begin()
        for text in ("hello ", "x" * 300, " ja", "ne@exa"):
            sent.piece(
                b"data: "
                + json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}).encode()
                + b"\n\n"
            )
        sent.cut()

    trial = Trial(breaks, services=[guarded(redact=["pii.email"], answers=True)])
    heard = await trial.ask("POST", CHAT, prompt("hello", stream=True), AS_JSON)
    assert b"hello" in heard.body
    assert trial.ends[0].state == "truncated"


async def test_rules_are_swapped_by_a_reload() -> None:
    trial = Trial(*[answers(200, b"{}")] * 2, services=[service()])
    guard = trial.guard
    assert repr(guard) == "DataGuard(0 integrations, 0 operations, 0 names)"
    guard.load(
        trial.snapshot.__class__(
            version="2", created="", environment="dev", services=[guarded(block=["pii"])]
        )
    )
    assert repr(guard) == "DataGuard(1 integrations, 0 operations, 0 names)"


def test_what_is_blocked_need_not_be_blotted_out() -> None:
    guard = Guard().joined(DataRules(block=["payment"], redact=["pii.email", "payment.card"]))
    assert guard == Guard(
        frozenset({"payment.card", "payment.iban", "payment.account"}), frozenset({"pii.email"}), False
    )
    assert guard.joined(None) is guard


async def test_the_laws_of_policies_hold() -> None:
    await check_policy(lambda clock: DataGuard(), on="call")


def test_a_gateway_without_rules_does_not_load_the_detectors() -> None:
    program = "import trunkline.app, sys; print('trunkline.core.data.text' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
