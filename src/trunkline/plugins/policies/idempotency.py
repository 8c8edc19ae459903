"""Idempotency keys: the same key gets the same answer, and never a second act.

A caller's `Idempotency-Key` on POST, PATCH, PUT or DELETE is stored before the call reaches a vendor, and its answer afterwards;
a repeat gets that answer without a vendor being asked. A key whose outcome nobody knows is in doubt: a repeat is
refused with `outcome_unknown`, unless this vendor honours keys itself (then it goes out under the same one) or a person has
said what happened (`trunkline unknown resolve`). Calls without a key, to operations that the vendor makes safe by one, get one
of their own, kept over all attempts. Draft: draft-ietf-httpapi-idempotency-key-header-07.

Not for: whether an attempt may be repeated within its call (`engine/plan.py`), nor for files (`journal/answers.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from trunkline.core.errors import CallError
from trunkline.core.exchange import Answer, Exchange
from trunkline.core.idempotency import (
    AGAIN,
    ANSWER,
    DEFAULT_HOURS,
    DOUBT,
    FIRST,
    FREED,
    KEPT_BYTES,
    LONGEST_KEY,
    UNKEPT,
    AnswerStore,
    Held,
    Kept,
    acted_unseen,
    minted,
    scope_of,
)

HEADER = b"idempotency-key"
REPLAYED = b"x-trunkline-idempotent-replay: true\r\nidempotent-replayed: true\r\n"
"""The second is what Stripe says, and its SDKs read."""
READS = ("GET", "HEAD", "OPTIONS")
"""A key means nothing to them."""
_PREFIX = 64 << 10
"""So much of a streamed body is in its fingerprint; the rest is compared by a digest once it has passed."""
_OURS = (b"x-trunkline-attempts", b"x-correlation-id", b"idempotent-replayed")
"""Written anew with each answer."""


class _Call(NamedTuple):
    """What a running call holds of its key."""

    intent: Held
    digest: Any = None
    """hashlib object over a body that is streamed."""
    doubt: Held | None = None
    """What was in doubt when this call went out under the same key."""


class Idempotency:
    """The keys of running calls; all others are in the store. `resolved` is what people have said of calls, by call id."""

    def __init__(self, store: AnswerStore, wall: Callable[[], float]) -> None:
        self._store = store
        self._wall = wall
        self._running: dict[bytes, Held] = {}
        self.resolved: Mapping[str, str] = {}

    def concerns(self, exchange: Exchange) -> bool:
        """Whether the call comes with a key, or one would be made for it."""
        keyed = HEADER in exchange.request.fields or bool(exchange.idempotency_key)
        return (keyed or exchange.repeat == "with_key") and exchange.request.method not in READS

    def admit(self, exchange: Exchange) -> Awaitable[None] | None:
        """Waits only to compare a body over 1 MB with the one that a key was used for.

        Raises `invalid_request`, `idempotency_in_progress`, `idempotency_conflict`, `conflict`, `outcome_unknown` and
        `store_unavailable`.
        """
        if not self.concerns(exchange):
            return None
        route = exchange.route
        assert route is not None
        live = route.live
        key = key_of(exchange, live.key_name)
        if not key:
            if live.key_name and exchange.repeat == "with_key":
                exchange.idempotency_key = minted(exchange.call_id).encode()
                exchange.key_minted = True
                exchange.notes += ("idempotency=minted",)
            return None
        if live.key_name:
            exchange.idempotency_key = key
        return self._keyed(exchange, key)

    def settle(self, exchange: Exchange) -> None:
        """Stores what became of the call."""
        call = exchange.intent
        if call is None:
            return
        exchange.intent = None
        del self._running[call.intent.mark]
        kind, answer = outcome(exchange)
        intent = call.intent
        if kind == FREED and call.doubt is not None:
            # This one did nothing, but the earlier one may have.
            kind, intent = DOUBT, call.doubt
        kept = None
        if kind == ANSWER and answer is not None:
            kept = _kept(exchange, answer, call.digest)
            kind = UNKEPT if kept is None else ANSWER
        self._store.end(intent, kind, answer.status if answer is not None else exchange.status, kept)

    def _keyed(self, exchange: Exchange, key: bytes) -> Awaitable[None] | None:
        caller, route = exchange.caller, exchange.route
        assert caller is not None
        assert route is not None
        operation = exchange.operation
        mark = self._store.mark(
            *scope_of(
                caller.key.team,
                caller.key.id,
                caller.subject if caller.token_id else "",
                route.live.name,
                operation.name if operation is not None else "",
            ),
            key,
        )
        fingerprint = self._fingerprint(exchange)
        now = self._wall()
        running = self._running.get(mark)
        if running is not None:
            same_request(running, fingerprint)
            text = f"the first request with this idempotency key still runs (call {running.call_id})"
            raise CallError("idempotency_in_progress", text, scope="request", retry_at=now + 1)
        held = self._store.find(mark, now)
        if held is None or held.kind == FREED:
            self._go(exchange, mark, fingerprint, now)
            return None
        same_request(held, fingerprint)
        if held.kind == ANSWER:
            return self._replay(exchange, held)
        if held.kind == UNKEPT:
            raise _not_kept(held)
        self._doubtful(exchange, held, fingerprint, now)
        return None

    def _go(
        self, exchange: Exchange, mark: bytes, fingerprint: bytes, now: float, doubt: Held | None = None
    ) -> None:
        """Stores the intent; only then may the call go out."""
        route = exchange.route
        assert route is not None
        spec = route.live.spec.idempotency
        until = now + (spec.hours if spec is not None else DEFAULT_HOURS) * 3600
        if doubt is not None:
            # The vendor's memory began with the first use.
            until = min(until, doubt.expires_us / 1e6)
        try:
            intent = self._store.begin(mark, fingerprint, exchange.call_id, now, until)
        except OSError as problem:
            raise CallError(
                "store_unavailable",
                f"this idempotency key could not be stored before the call was made: {problem}",
            ) from None
        digest = None
        if exchange.rest is not None:
            digest = hashlib.blake2b(digest_size=32)
            exchange.rest.each(digest.update)
        self._running[mark] = intent
        exchange.intent = _Call(intent, digest, doubt)
        exchange.keep = max(exchange.keep, KEPT_BYTES)
        exchange.finishes = exchange.repeat != "always"
        exchange.notes += (FIRST if doubt is None else AGAIN, f"key={mark.hex()}")
        if doubt is not None:
            exchange.notes += (f"of={doubt.call_id}",)

    def _replay(self, exchange: Exchange, held: Held) -> Awaitable[None] | None:
        kept = self._store.read(held)
        if kept is None:
            raise _not_kept(held)
        if exchange.rest is not None:
            return self._compared(exchange, held, kept)
        _give(exchange, held, kept)
        return None

    async def _compared(self, exchange: Exchange, held: Held, kept: Kept) -> None:
        """Reads a streamed body to its end, keeping none of it: only then is it known to be the same request."""
        digest = hashlib.blake2b(digest_size=32)
        try:
            async for piece in exchange.rest:
                digest.update(piece)
        except Exception as problem:
            raise CallError(
                "invalid_request", f"the request's body broke off ({type(problem).__name__})", scope="request"
            ) from None
        if digest.digest() != kept.digest:
            raise _other(held)
        _give(exchange, held, kept)

    def _doubtful(self, exchange: Exchange, held: Held, fingerprint: bytes, now: float) -> None:
        """A key whose outcome nobody knows."""
        route = exchange.route
        assert route is not None
        live = route.live
        said = self.resolved.get(held.call_id, "")
        if said == "happened":
            text = (
                f"the request with this idempotency key happened (call {held.call_id}), as a person has found out at the "
                "vendor; its answer is not known here, and it is not made again"
            )
            raise CallError("conflict", text, scope="request", later=False)
        if said or exchange.repeat == "always":
            self._go(exchange, held.mark, fingerprint, now)
            return
        # With several credentials the repeat could go to another account of the vendor, which does not know the key.
        if live.key_name and exchange.repeat == "with_key" and len(live.members) == 1:
            self._go(exchange, held.mark, fingerprint, now, held)
            return
        exchange.notes += ("idempotency=doubt", f"of={held.call_id}")
        text = (
            f"nobody knows whether the first request with this idempotency key was carried out (call {held.call_id or 'unknown'}), "
            f"so it is not made again; look at {live.name}, then `trunkline unknown resolve {held.call_id} --as happened|did-not-happen`"
        )
        raise CallError("outcome_unknown", text, scope="call")

    def _fingerprint(self, exchange: Exchange) -> bytes:
        """The request as far as it must be the same: what is asked, of whom, with which body."""
        parts = (exchange.method, exchange.path, exchange.query, exchange.subject_hash.encode())
        if exchange.rest is None:
            return self._store.mark(*parts, whole(exchange))
        length = exchange.rest.length
        start = exchange.request.body[:_PREFIX]
        return self._store.mark(*parts, start, b"%d" % (-1 if length is None else length))

    def __repr__(self) -> str:
        return f"Idempotency({ {held.call_id for held in self._running.values()} or '' })"


def key_of(exchange: Exchange, vendors: bytes) -> bytes:
    """The caller's key, empty if it sent none. Raises `invalid_request` for one that cannot be.

    It stands in `Idempotency-Key`, or in the field of the vendor (`vendors`); as a plain text or as the quoted string of the draft.
    """
    given = {
        value for name, value in exchange.request.headers if name == HEADER or (name == vendors and name)
    }
    if not given:
        return b""
    if len(given) > 1:
        raise unusable("two different ones were sent")
    key = given.pop()
    if len(key) > 1 and key[:1] == b'"' == key[-1:]:
        key = key[1:-1].replace(b'\\"', b'"').replace(b"\\\\", b"\\")
    if not key:
        raise unusable("it is empty")
    if len(key) > LONGEST_KEY:
        raise unusable(f"it has {len(key)} characters, and at most {LONGEST_KEY} are allowed")
    if any(byte < 0x20 or byte == 0x7F for byte in key):
        raise unusable("it holds a control character")
    return key


def whole(exchange: Exchange) -> bytes:
    """The body, without the boundary of a multipart one: clients draw a new one for each repeat."""
    body = exchange.request.body
    kind = exchange.request.fields.get(b"content-type", b"")
    if not kind.lower().startswith(b"multipart/"):
        return body
    boundary = kind.partition(b"boundary=")[2].partition(b";")[0].strip(b' "')
    return body.replace(b"--" + boundary, b"--") if boundary else body


def outcome(exchange: Exchange) -> tuple[int, Answer | None]:
    """What a call that has ended leaves under its key, and the answer if there is one to keep. Pure."""
    error, given = exchange.error, exchange.answer
    if error is None and given is None:
        return (ANSWER, exchange.kept) if exchange.kept is not None else (UNKEPT, None)
    if error is not None and is_final(error):
        # It may be repeated if it could not be kept: the vendor said no, so that nothing happened.
        return (ANSWER, exchange.kept) if exchange.kept is not None else (FREED, None)
    if may_have_acted(exchange):
        return DOUBT, None
    if given is not None and not _is_stopgap(exchange):
        return ANSWER, given
    return FREED, None


def is_final(error: CallError) -> bool:
    """Whether a failure is the vendor's last word on this very request."""
    return error.vendor_status > 0 and error.kind.who == "caller" and not error.retryable


def may_have_acted(exchange: Exchange) -> bool:
    """Whether some attempt may have done what it was asked, unseen, and doing it again would be something else."""
    if exchange.repeat == "always":
        return False
    error = exchange.error
    for tried in exchange.tried:
        if (
            error is not None
            and error.never_acted
            and tried is exchange.tried[-1]
            and tried.code == error.code
        ):
            continue
        if acted_unseen(tried):
            return True
    return False


def _is_stopgap(exchange: Exchange) -> bool:
    """Whether the answer only stands in for a real one that failed: the next try may have better luck."""
    return any(note.startswith("fallback=") for note in exchange.notes) and not any(
        note.startswith("deferred=") for note in exchange.notes
    )


def same_request(held: Held, fingerprint: bytes) -> None:
    """Raises `idempotency_conflict` for another request. A record that was lost on the disk fits every request."""
    if held.fingerprint != fingerprint and any(held.fingerprint):
        raise _other(held)


def _other(held: Held) -> CallError:
    text = f"this idempotency key was used for a different request (call {held.call_id}); a new request needs a new key"
    return CallError("idempotency_conflict", text, scope="request", param="idempotency-key")


def _not_kept(held: Held) -> CallError:
    text = (
        f"the request with this idempotency key was carried out (call {held.call_id}, status {held.status}), but its answer "
        f"was not kept: it was longer than {KEPT_BYTES >> 20} MB, or there was no room for it; it is not made again"
    )
    return CallError("conflict", text, scope="request", later=False)


def unusable(why: str) -> CallError:
    """The refusal of a key that is none."""
    return CallError(
        "invalid_request",
        f"the idempotency key is not usable: {why}; send 1 to {LONGEST_KEY} characters, e.g. a random UUID",
        scope="request",
        param="idempotency-key",
    )


def _kept(exchange: Exchange, answer: Answer, digest: Any) -> Kept | None:
    """The answer as it is kept; None for one that is too long, or to a body of which not all was read."""
    if len(answer.body) > KEPT_BYTES or (digest is not None and not exchange.rest.spent):
        return None
    error = exchange.error
    return Kept(
        _vendors(exchange, answer.fields),
        answer.body,
        digest.digest() if digest is not None else b"",
        error.code if error is not None else "",
        error.source if error is not None else "",
    )


def _vendors(exchange: Exchange, fields: bytes) -> bytes:
    """The header lines of an answer that belong to it for good."""
    route = exchange.route
    assert route is not None
    for ours in (exchange.extra, route.answer_fields, route.live.answer_fields):
        if ours:
            fields = fields.replace(ours, b"", 1)
    return b"".join(
        line for line in fields.splitlines(keepends=True) if line.partition(b":")[0].lower() not in _OURS
    )


def _give(exchange: Exchange, held: Held, kept: Kept) -> None:
    """Answers a repeat; no vendor is asked, and it costs nothing."""
    exchange.answer = Answer(held.status, kept.fields, kept.body)
    exchange.extra += REPLAYED
    exchange.cost_usd = 0.0
    exchange.notes += ("idempotency=replay", f"key={held.mark.hex()}", f"of={held.call_id}")
    if kept.code:
        exchange.error = CallError(
            kept.code, f"the answer of call {held.call_id}, given again", source=kept.source
        )
