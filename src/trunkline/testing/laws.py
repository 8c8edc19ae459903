"""What every plugin must hold, as functions that raise AssertionError naming what broke.

`check_policy`: after any ending of a call, a policy's state is back where it was. `check_auth`: a credential goes on the request and
nowhere else. `check_adapter`: any split of a stream reads the same, and no bytes make a dialect fail. Not for: whether a plugin
does what it is for; that is your own test.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal

from msgspec.structs import asdict

from trunkline.core.call import Live, Member, Route, Target
from trunkline.core.codec import DecodeError
from trunkline.core.errors import CallError
from trunkline.core.exchange import Attempt, Exchange
from trunkline.core.ports import Adapter, Policy, Reading, Signer
from trunkline.core.service import Auth, Service
from trunkline.engine.classify import Rules
from trunkline.engine.relay import Relay
from trunkline.testing.script import FakeClock, Heard, Sent, answers, cuts, fails, is_silent, streams
from trunkline.testing.trial import Trial, request, service
from trunkline.wire.errors import ConnectRefused, ResetBeforeReply

CHAT = b'{"model":"acme/tiny","messages":[]}'
STREAM = b'{"model":"acme/tiny","stream":true,"messages":[]}'
ANSWER = b'{"model":"tiny-1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}'
CONTENT = b'data: {"model":"tiny-1","choices":[{"delta":{"content":"a"}}]}\n\n'
FAILURE = b'data: {"error":{"message":"overloaded","type":"server_error"}}\n\n'
DONE = b"data: [DONE]\n\n"
_CHAT_PATH = "/v1/chat/completions"
_NAME = re.compile(rb"[a-z0-9!#$%&'*+.^_`|~-]+")


class Refusing:
    """A policy that refuses everything."""

    def admit(self, subject: object) -> None:
        del subject
        raise CallError("forbidden", "refused by a policy of the law")

    def settle(self, subject: object) -> None:
        raise AssertionError(f"settled without having been admitted: {subject}")


class Waiting:
    """A policy that makes everything wait for ever."""

    def admit(self, subject: object) -> Awaitable[None]:
        del subject
        return asyncio.get_running_loop().create_future()

    def settle(self, subject: object) -> None:
        raise AssertionError(f"settled without having been admitted: {subject}")


Ending = Callable[[Trial], Awaitable[Heard]]


async def _ask(trial: Trial, body: bytes, *plays: Callable[[Sent], None]) -> Heard:
    trial.wire.plays.extend(plays)
    return await trial.ask("POST", _CHAT_PATH, body)


async def _begun(trial: Trial, body: bytes, *plays: Callable[[Sent], None]) -> Heard:
    trial.wire.plays.extend(plays)
    heard = trial.begin("POST", _CHAT_PATH, body)
    await trial.turn()
    return heard


async def _ended(trial: Trial, heard: Heard) -> Heard:
    await trial.until(lambda: heard.closed and not trial.gateway.running)
    return heard


async def _hung_up(trial: Trial, body: bytes, *plays: Callable[[Sent], None]) -> Heard:
    heard = await _begun(trial, body, *plays)
    heard.hang_up()
    return await _ended(trial, heard)


async def _late(trial: Trial, seconds: float, body: bytes, *plays: Callable[[Sent], None]) -> Heard:
    heard = await _begun(trial, body, *plays)
    for _ in range(8):
        trial.passes(seconds)
        await trial.turn()
    return await _ended(trial, heard)


async def _cancelled(trial: Trial, body: bytes, *plays: Callable[[Sent], None]) -> Heard:
    heard = await _begun(trial, body, *plays)
    for exchange in list(trial.gateway.running):
        if exchange.task is not None:
            exchange.task.cancel()
    return await _ended(trial, heard)


async def _unrecorded(trial: Trial) -> Heard:
    trial.journal.full = True
    heard = await trial.ask("POST", "/api/proxy/acme/charges", b"{}")
    trial.journal.full = False
    return heard


async def _act(trial: Trial, *plays: Callable[[Sent], None]) -> Heard:
    trial.wire.plays.extend(plays)
    return await trial.ask("POST", "/api/proxy/acme/charges", b"{}")


_BUSY = answers(503, b'{"error":{"message":"busy"}}')
ENDINGS: dict[str, Ending] = {
    "an answer": lambda t: _ask(t, CHAT, answers(200, ANSWER)),
    "a stream": lambda t: _ask(t, STREAM, streams(CONTENT, DONE)),
    "a refusal by the vendor": lambda t: _ask(t, CHAT, answers(400, b'{"error":{"message":"no"}}')),
    "an overloaded vendor, to the last attempt": lambda t: _ask(t, CHAT, _BUSY, _BUSY, _BUSY, _BUSY),
    "an answer at the second attempt": lambda t: _ask(t, CHAT, _BUSY, answers(200, ANSWER)),
    "an answer that is no JSON": lambda t: _ask(t, CHAT, *[answers(200, b"<html>")] * 4),
    "a vendor that cannot be reached": lambda t: _ask(
        t, CHAT, *[fails(ConnectRefused("refused"), sent=False)] * 4
    ),
    "an act without an answer": lambda t: _act(t, fails(ResetBeforeReply("reset", sent=True))),
    "a cut stream": lambda t: _ask(t, STREAM, cuts(CONTENT)),
    "a stream without its end": lambda t: _ask(t, STREAM, streams(CONTENT)),
    "an error in a stream": lambda t: _ask(t, STREAM, streams(CONTENT, FAILURE, end=False)),
    "an error before any content": lambda t: _ask(t, STREAM, *[streams(FAILURE, end=False)] * 4),
    "a hang-up while waiting": lambda t: _hung_up(t, CHAT, is_silent),
    "a hang-up while streaming": lambda t: _hung_up(t, STREAM, streams(CONTENT, end=False)),
    "a cancellation while streaming": lambda t: _cancelled(t, STREAM, streams(CONTENT, end=False)),
    "a deadline while waiting": lambda t: _late(t, 1000.0, CHAT, is_silent),
    "a silent vendor, to the last attempt": lambda t: _late(t, 36.0, CHAT, *[is_silent] * 4),
    "silence in a stream": lambda t: _late(t, 31.0, STREAM, streams(CONTENT, end=False)),
    "a journal that is full": _unrecorded,
}
"""Every way in which a call can end, by name; each lets one call of a Trial end that way."""


async def check_policy(
    make: Callable[[FakeClock], Policy[Any]],
    *,
    on: Literal["call", "attempt"],
    held: Callable[[Any], object] = repr,
    vendor: Service | None = None,
) -> None:
    """After any ending, what a policy holds is what it held before.

    `make` builds a fresh policy, `on` says whether it is admitted once per call or per attempt, `held` gives what it holds (its
    repr by default), `vendor` a service whose configuration wakes the policy (named `acme`).
    """
    cases: list[tuple[str, Ending, list[Policy[Any]]]] = [(name, e, []) for name, e in ENDINGS.items()]
    cases.append(("a refusal by a later policy", lambda t: _ask(t, CHAT), [Refusing()]))
    cases.append(("a hang-up while waiting for a place", lambda t: _hung_up(t, CHAT), [Waiting()]))
    for name, ending, after in cases:
        clock = FakeClock()
        policy = make(clock)
        before = held(policy)
        chosen = [policy, *after]
        trial = Trial(
            services=[vendor or service()],
            calls=chosen if on == "call" else (),
            attempts=chosen if on == "attempt" else (),
            clock=clock,
        )
        await ending(trial)
        _must(held(policy) == before, f"after {name}: {before} became {held(policy)}")


def check_auth(prepare: Callable[[Auth, str], Signer], auth: Auth, secret: str) -> None:
    """A signer puts the credential on the request in well-formed bytes, always the same, and shows it to nobody."""
    signer, twin = prepare(auth, secret), prepare(auth, secret)
    _must((signer.fields, signer.query) == (twin.fields, twin.query), "the same secret gave different bytes")
    _must(secret not in repr(signer) + str(signer), "the credential shows in the signer's repr")
    _well_formed(signer)
    for broken in (f"{secret}\r\nx-evil: 1", f"{secret}\n", f"{secret}\0"):
        try:
            _well_formed(prepare(auth, broken))
        except ValueError as refusal:
            _must(secret not in str(refusal), "the refusal of a secret shows it")


def _well_formed(signer: Signer) -> None:
    _must(not signer.fields or signer.fields.endswith(b"\r\n"), "the last header line has no end")
    for line in signer.fields.split(b"\r\n")[:-1]:
        name, colon, value = line.partition(b": ")
        _must(_NAME.fullmatch(name) is not None and bool(colon), f"{name!r} is no lower-case field name")
        _must(all(0x20 <= byte < 0x7F for byte in value), "a header value holds bytes that end or garble it")
    _must(
        signer.fields.count(b"\r\n") <= 1 or b"x-evil" not in signer.fields,
        "a secret began a line of its own",
    )
    _must(all(0x20 < byte < 0x7F for byte in signer.query), "the query is not encoded")
    _must(signer.query[:1] not in (b"?", b"&") and b"#" not in signer.query, "the query is no plain query")


def _must(holds: bool, otherwise: str) -> None:
    """Not `assert`, which Python leaves out when told to optimize."""
    if not holds:
        raise AssertionError(otherwise)


def reading_of(adapter: Adapter, pieces: Sequence[bytes]) -> tuple[dict[str, Any], bytes, str]:
    """What is read of a stream that arrives in these pieces, what the caller gets of it, and the code of its failure."""
    live = Live(service())
    live.rules = Rules()
    heard, clock = Heard(), FakeClock()
    exchange = Exchange(request(), heard, "call-1", clock(), clock.wall())
    exchange.route = Route(live, adapter.name, adapter)
    attempt = Attempt(exchange, Target(live, Member("test", 1, None, b"", b"")), 1, clock())
    relay = Relay(attempt, _Given(), adapter, lambda: True, clock.wall)
    for piece in pieces:
        if relay.error is None:
            relay.events(piece)
    return asdict(relay.reading), heard.body, relay.error.code if relay.error is not None else ""


class _Given:
    """A response of which only the giving up matters here."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


def check_adapter(adapter: Adapter, stream: bytes, *others: bytes) -> None:
    """Any split of a stream reads the same; no bytes (`others` and mutilated streams) make the dialect raise."""
    whole = reading_of(adapter, [stream])
    for size in (1, 2, 3, 5, 7, 16, 61):
        pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
        _must(reading_of(adapter, pieces) == whole, f"pieces of {size} bytes are read in another way")
    for at in range(1, len(stream)):
        assert reading_of(adapter, [stream[:at], stream[at:]]) == whole, (
            f"a cut at byte {at} changes the reading"
        )
    for odd in (b"", b"\0\xff", b"{", b"[" * 5000, b"null", stream[: len(stream) // 2], *others):
        adapter.watch(b"data: " + odd + b"\n\n", Reading())
        adapter.opens(b"data: " + odd + b"\n\n")
        try:
            adapter.read(odd, Reading())
        except DecodeError:
            continue
