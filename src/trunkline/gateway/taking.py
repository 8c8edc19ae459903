"""One call whose bodies are kept while it runs, and what becomes of them: a sample, unpacked and without the vendor's credential.

Not for: which calls are taken (`sampler.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from trunkline.core.call import Member
from trunkline.core.data.head import telling
from trunkline.core.exchange import Attempt, Exchange
from trunkline.core.handling import Samples
from trunkline.core.sample import Sample
from trunkline.core.service import ApiVersion
from trunkline.engine.fields import TO_VENDOR
from trunkline.engine.reply import inflated
from trunkline.engine.translate import passes_on

_PACKED = (b"gzip", b"x-gzip", b"deflate")
_PLAIN = (b"", b"identity")
HEAD_BYTES = 4096
"""Of a query."""


class Bodies(NamedTuple):
    """What the thread makes a `Sample` of: bodies may still be packed, and hold what must not be kept."""

    sample: Sample
    member: Member
    request_packed: bytes
    response_packed: bytes
    spec: Samples

    @property
    def bytes(self) -> int:
        return len(self.sample.request) + len(self.sample.response)


class Taking:
    """One attempt whose bodies are kept while it runs (`Attempt.sample`)."""

    __slots__ = ("_answer", "_attempt", "_failed", "_pieces", "_put", "_sent", "_spec")

    def __init__(
        self,
        attempt: Attempt,
        body: Any,
        spec: Samples,
        put: Callable[[Bodies], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._attempt = attempt
        self._spec = spec
        self._put = put
        self._failed = failed
        self._sent = Begin(spec.request_bytes)
        self._pieces = Begin(spec.response_bytes)
        self._answer: bytes | None = None
        if isinstance(body, bytes):
            self._sent.see(body)
        else:
            body.each(self._sent.see)

    def answered(self, body: bytes) -> None:
        """A whole answer, as the vendor gave it."""
        self._answer = body

    def tee(self, sink: Callable[[bytes], None]) -> Callable[[bytes], None]:
        """A sink of a streamed answer that also keeps its begin."""
        see = self._pieces.see

        def both(piece: bytes) -> None:
            see(piece)
            sink(piece)

        return both

    def end(self) -> None:
        """The attempt is over: what was answered is handed to the thread. Raises nothing."""
        self._attempt.sample = None
        try:
            if self._attempt.response is not None and self._attempt.status:
                self._put(self._made())
        except Exception as defect:
            self._failed(defect)

    def _made(self) -> Bodies:
        attempt, exchange, spec = self._attempt, self._attempt.exchange, self._spec
        response, live = attempt.response, attempt.target.live
        if self._answer is None and response.complete:
            self._answer = response.body
        if self._answer is not None and not self._pieces.seen:
            self._pieces.see(self._answer)
        fields, caller = exchange.request.fields, exchange.caller
        answer_type = response.fields.get(b"content-type", b"")
        sample = Sample(
            call_id=exchange.call_id,
            at_us=int(exchange.started_wall * 1e6),
            correlation_id=exchange.correlation_id,
            integration=live.name,
            operation=operation_of(exchange),
            method=exchange.request.method,
            path=exchange.path.decode("latin-1"),
            version=_version(live.spec.api_version, fields),
            model=attempt.target.model or exchange.model,
            status=attempt.status,
            key_id=caller.id if caller is not None else "",
            team=caller.key.team if caller is not None else "",
            feature=exchange.feature,
            subject_hash=exchange.subject_hash,
            request_type=fields.get(b"content-type", b"")[:200].decode("latin-1"),
            request=self._sent.kept(),
            request_cut=self._sent.seen > spec.request_bytes,
            response_type=answer_type[:200].decode("latin-1"),
            response=self._pieces.kept(),
            response_cut=self._pieces.seen > spec.response_bytes or not response.complete,
            stream=answer_type.startswith(b"text/event-stream"),
            query=exchange.query.lstrip(b"?")[:HEAD_BYTES].decode("latin-1"),
            fields=_told(exchange),
        )
        asked, told = (part.get(b"content-encoding", b"").lower() for part in (fields, response.fields))
        return Bodies(sample, attempt.target.member, asked, told, spec)


class Begin:
    """The begin of what passes by, as much as there is room for; and how much passed."""

    __slots__ = ("_pieces", "_room", "seen")

    def __init__(self, room: int) -> None:
        self._room = room
        self._pieces: list[bytes] = []
        self.seen = 0

    def see(self, piece: bytes) -> None:
        room = self._room - self.seen
        self.seen += len(piece)
        if room > 0:
            self._pieces.append(piece if len(piece) <= room else piece[:room])

    def kept(self) -> bytes:
        return b"".join(self._pieces)


def finished(bodies: Bodies) -> Sample:
    """The sample as it is kept: unpacked, cut, without the credential that some vendors repeat."""
    sample, spec = bodies.sample, bodies.spec
    if bodies.request_packed not in _PLAIN:
        sample.request, cut = unpacked(sample.request, bodies.request_packed, spec.request_bytes)
        sample.request_cut = sample.request_cut or cut
    if bodies.response_packed not in _PLAIN:
        sample.response, cut = unpacked(sample.response, bodies.response_packed, spec.response_bytes)
        sample.response_cut = sample.response_cut or cut
    sample.response = bodies.member.blotted(sample.response)
    return sample


def unpacked(body: bytes, packed: bytes, limit: int) -> tuple[bytes, bool]:
    """A body without gzip or deflate, and whether something of it is missing; nothing of one in another coding."""
    if packed not in _PACKED:
        return b"", True
    found, complete = inflated(body, limit)
    return (b"", True) if found is body and body else (found, not complete)


def operation_of(exchange: Exchange) -> str:
    """Its declared name; empty for an undeclared one."""
    return exchange.operation.name if exchange.operation is not None else ""


def _told(exchange: Exchange) -> list[tuple[str, str]]:
    """What the caller's header says to the vendor beyond the technical."""
    sent = exchange.request.headers
    if exchange.translation is not None:
        sent = [one for one in sent if passes_on(one[0], exchange.translation.translator)]
    return telling(one for one in sent if one[0] not in TO_VENDOR)


def _version(pinned: ApiVersion | None, fields: dict[bytes, bytes]) -> str:
    """The API version that went out: the caller's own header wins over the pinned one."""
    if pinned is None:
        return ""
    own = fields.get(pinned.header.lower().encode()) if pinned.header else None
    return own[:100].decode("latin-1") if own is not None else pinned.value
