"""The header lines of an answer: the vendor's that pass to the caller, then ours.

Not for: those of a failure (`refusal.py`), nor which names pass (`fields.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from trunkline.core.exchange import Answer, Attempt, Exchange
from trunkline.core.ports import Response
from trunkline.engine.fields import OURS, RATE_LIMITS, TO_CALLER, Filter, without_named
from trunkline.engine.lifecycle import LIFECYCLE
from trunkline.engine.translate import FAMILIES, OF_BYTES

_LINES_MAX = 2048
_LINE_MAX = 256
REQUEST_IDS = frozenset(
    (b"x-request-id", b"request-id", b"x-amzn-requestid", b"x-github-request-id", b"x-goog-request-id", b"apim-request-id", b"cf-ray",
     b"x-slack-req-id", b"x-notion-request-id", b"dg-request-id", b"twilio-request-id", b"x-shopify-request-id")
)  # fmt: skip

_LOOKED_AT = REQUEST_IDS | LIFECYCLE


class _Lines(dict[tuple[bytes, bytes], bytes]):
    """A vendor's field -> our header line, or nothing where it does not pass. Vendors send the same fields again and again."""

    def __init__(self, dropped: Iterable[bytes] = TO_CALLER, *prefixes: bytes) -> None:
        super().__init__()
        self._filter = Filter(dropped, OURS, *prefixes)

    def __missing__(self, field: tuple[bytes, bytes]) -> bytes:
        name, value = field
        line = b"%b: %b\r\n" % field if self._filter.passes(name) else b""
        if name not in REQUEST_IDS and len(value) <= _LINE_MAX:
            if len(self) >= _LINES_MAX:
                self.clear()
            self[field] = line
        return line


class AnswerFields:
    """Writes the vendor's part of an answer's fields. `noticed` is told of those that hold what the vendor says of its API's life."""

    def __init__(self, noticed: Callable[[Attempt, Response], None]) -> None:
        self._line = _Lines().__getitem__
        self._translated = _Lines(TO_CALLER | OF_BYTES, *FAMILIES).__getitem__
        self._noticed = noticed

    def lines(self, attempt: Attempt, response: Response) -> list[bytes]:
        """The vendor's header lines that pass; notes the vendor's request id on the attempt."""
        if not _LOOKED_AT.isdisjoint(response.fields):
            names = [name for name in response.fields if name in _LOOKED_AT]
            if not LIFECYCLE.isdisjoint(names):
                self._noticed(attempt, response)
                names = [name for name in names if name in REQUEST_IDS]
            if names:
                told = next((name for name in reversed(names) if name != b"cf-ray"), names[0])
                attempt.vendor_request_id = response.fields[told][:200].decode("latin-1")
        headers = without_named(response.headers, response.fields.get(b"connection"))
        if attempt.exchange.limits_told:
            headers = [field for field in headers if field[0] not in RATE_LIMITS]
        translation = attempt.exchange.translation
        if translation is not None:
            out = [*map(self._translated, headers), translation.lines(attempt.vendor_request_id)]
        else:
            out = list(map(self._line, headers))
        return out if attempt.exchange.array is None else [_as_array(line) for line in out]


def _as_array(lines: bytes) -> bytes:
    return lines.replace(b"content-type: text/event-stream", b"content-type: application/json")


def kept(attempt: Attempt, response: Response, fields: bytes) -> Answer | None:
    """The vendor's part of an answer for those who asked for it; of a stream only the head, its body follows at its end."""
    body = response.body if response.complete else b""
    if len(body) > attempt.exchange.keep:
        return None
    member = attempt.target.member
    shown = member.blotted(fields) if member.repeated_in(fields) else fields
    return Answer(response.status, shown, body, b"set-cookie" in response.fields)


def own_fields(exchange: Exchange, attempts: int, now: float) -> bytes:
    """Our header lines of an answer."""
    route = exchange.via or exchange.route
    assert route is not None
    overhead_ms = (now - exchange.started - exchange.vendor_wait) * 1e3
    lines = b"%bx-correlation-id: %b\r\nx-trunkline-attempts: %d\r\nx-trunkline-overhead-ms: %.3f\r\n%b" % (
        route.answer_fields,
        exchange.correlation_id.encode(),
        attempts,
        overhead_ms,
        exchange.extra,
    )
    if exchange.cost_usd >= 0:
        return lines + b"x-trunkline-cost-usd: %.9g\r\n" % exchange.cost_usd
    return lines
