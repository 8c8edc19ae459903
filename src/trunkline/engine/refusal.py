"""The answer to a call that failed: which style, which of the vendor's fields, which state the record gets.

Not for: the bodies themselves (`shape.py`), nor for sending and recording (`gateway.py`).
"""

from __future__ import annotations

import sys
import traceback
from urllib.parse import quote

from trunkline.core.errors import CallError
from trunkline.core.exchange import Exchange
from trunkline.core.idempotency import acted_unseen
from trunkline.engine.fields import OURS, RATE_LIMITS, TO_CALLER
from trunkline.engine.plan import repeatable
from trunkline.engine.shape import LONGEST_WAIT_S, answer

_REWRITTEN = {b"content-type", b"content-encoding"}


def shaped(exchange: Exchange, error: CallError, default_style: str, now: float) -> tuple[int, bytes, bytes]:
    """Status, header lines and body of the answer to a failed call, in the form that its caller asked for."""
    route, request = exchange.route, exchange.request
    spec = route.live.spec if route is not None else None
    dialect = "" if exchange.ingress == "proxy" else exchange.ingress
    spec_style = spec.error_style if spec is not None else None
    translation = exchange.translation
    style = exchange.error_style or spec_style or default_style
    status, extra, body = answer(
        error,
        style=style,
        dialect=dialect,
        accept=request.fields.get(b"accept", b""),
        correlation_id=exchange.correlation_id,
        attempts=len(exchange.tried),
        spent_usd=spent_usd(exchange),
        runbook=spec.runbook if spec is not None else "",
        should_retry=should_retry(exchange, error, now),
        vendor_same_dialect=translation is None,
        now=now,
    )
    lines = [b"%b: %b\r\n" % (name, value) for name, value in extra]
    if error.fields:
        replaced = {name for name, _ in extra} | _REWRITTEN
        if exchange.limits_told:
            replaced |= RATE_LIMITS
        fields = error.fields if translation is None else translation.passing(error.fields)
        lines += [b"%b: %b\r\n" % field for field in vendor_fields(fields, replaced)]
    if translation is not None:
        lines.append(translation.told)
    if route is not None:
        lines.append((exchange.via or route).answer_fields)
    lines.append(
        b"x-correlation-id: %b\r\nx-trunkline-attempts: %d\r\n"
        % (exchange.correlation_id.encode(), len(exchange.tried))
    )
    lines += (error.lines, exchange.extra)
    if exchange.caller is not None and exchange.caller.task:
        lines.append(told_to_worker(exchange, error))
    return status, b"".join(lines), body


def should_retry(exchange: Exchange, error: CallError, now: float) -> bool:
    """Whether an SDK should try again now (`x-should-retry`): never what may have acted, never when the attempts are spent, and not
    before the vendor, or we, could say yes.
    """
    if exchange.spent or not error.retryable:
        return False
    if not repeatable(error, exchange.repeat, bool(exchange.idempotency_key) and not exchange.key_minted):
        return False
    if error.retry_at is not None:
        return error.retry_at - now <= LONGEST_WAIT_S
    return error.again


def told_to_worker(exchange: Exchange, error: CallError) -> bytes:
    """What decides whether a deferred call runs once more, in whatever form its caller wants errors (tasks/deferral.py)."""
    worth_waiting = error.retryable and error.kind.who != "caller"
    safe = repeatable(error, exchange.repeat, bool(exchange.idempotency_key))
    again = b"yes" if worth_waiting and safe else b"no"
    retry_at = b"%.3f" % error.retry_at if error.retry_at is not None else b""
    message = quote(error.message[:300], safe=" /:,;()'").encode()
    return b"x-trunkline-task: %b; again=%b; retry-at=%b\r\nx-trunkline-task-message: %b\r\n" % (
        error.code.encode(),
        again,
        retry_at,
        message,
    )


def spent_usd(exchange: Exchange) -> float | None:
    """What the call is known to have cost so far."""
    return exchange.cost_usd if exchange.cost_usd >= 0 else None


def vendor_fields(fields: list[tuple[bytes, bytes]], replaced: set[bytes]) -> list[tuple[bytes, bytes]]:
    """What of a vendor's header fields goes with a failure, e.g. its rate limits."""
    return [f for f in fields if f[0] not in TO_CALLER and f[0] not in replaced and not f[0].startswith(OURS)]


def own_defect(defect: Exception) -> CallError:
    """A failure of ours: its traceback goes to the log, without locals, since they could hold a credential."""
    traceback.print_exception(defect, file=sys.stderr)
    name = type(defect).__name__
    return CallError(
        "internal", f"Trunkline failed on this call ({name}); see its log under this correlation id"
    )


def in_doubt(exchange: Exchange) -> bool:
    """Whether an act was on its way without any answer when its call was ended from outside: its caller left, its key was killed,
    or the process stops.
    """
    if exchange.repeat == "always" or not exchange.tried:
        return False
    own_key = bool(exchange.idempotency_key) and not exchange.key_minted
    last = exchange.tried[-1]
    return last.status == 0 and acted_unseen(last) and not (exchange.repeat == "with_key" and own_key)


def final_state(exchange: Exchange, error: CallError) -> str:
    """The state that a failed call is recorded with."""
    if (error.code == "outcome_unknown" and exchange.tried) or in_doubt(exchange):
        return "outcome_unknown"
    if exchange.gone or error.code == "cancelled":
        return "cancelled"
    return "truncated" if exchange.reply.started else "error"
