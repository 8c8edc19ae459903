"""The way of a call that has failed at least once: what was tried, what is left, what must be told. Calls that succeed at once have none.

Not for: deciding what comes next (`plan.py`), nor doing it (`dispatch.py`).
"""

from __future__ import annotations

from trunkline.core.call import Link, Live, Member, Target
from trunkline.core.errors import CallError
from trunkline.core.exchange import Attempt, Exchange
from trunkline.core.idempotency import acted_unseen
from trunkline.engine.plan import repeatable


class Trail:
    """Made at the first failure of a call."""

    __slots__ = (
        "_began",
        "_lines",
        "_place",
        "_refused",
        "acted",
        "body",
        "doubt",
        "exchange",
        "here",
        "left",
        "malformed",
        "mended",
        "soonest",
    )

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.body = exchange.body
        """Before any repair."""
        self.left: set[Target] = set()
        """Targets that are not returned to."""
        self.here = 0
        """Attempts at the present target."""
        self.malformed = 0
        """Good statuses with a body that was none: each may have been paid."""
        self.mended: list[str] = []
        self.doubt: CallError | None = None
        """An attempt was sent and had no answer, and nothing since then has told what became of it."""
        self._began = False
        """Of the attempt in doubt an answer began."""
        self.acted: CallError | None = None
        """An attempt may have acted, answered or not, and nothing since then has told what became of it."""
        self.soonest: float | None = None
        """When the first of the targets may serve again, epoch seconds."""
        self._refused = 0
        self._place: tuple[Member, str] | None = None
        self._lines: dict[bytes, bytes] = {}

    def failed(self, attempt: Attempt, error: CallError) -> None:
        """Takes in one more failure, which stands in `exchange.tried` already."""
        place = (attempt.target.member, attempt.target.model)
        if place != self._place:
            self._place, self.here = place, 0
        self.here += 1
        self.malformed += error.code == "malformed_response" and attempt.status == 200
        response = attempt.response
        acts = error.may_have_acted and self.exchange.repeat != "always"
        if response is None:
            self._refused += 1
        elif acts and response.sent and (attempt.status == 0 or _broke_off(error)):
            self.doubt, self._began = error, attempt.status > 0
        elif (
            attempt.status and not error.may_have_acted and error.kind.who == "caller" and not error.retryable
        ):
            # The vendor's own word on the request, under the same key; that it is busy now tells nothing of before.
            self.doubt = self.acted = None
        if acts and acted_unseen(self.exchange.tried[-1]):
            self.acted = error
        if error.retry_at is not None:
            self.soonest = min(error.retry_at, self.soonest if self.soonest is not None else error.retry_at)

    @property
    def chain(self) -> tuple[Link, ...]:
        """What of the fallbacks is left."""
        return self.exchange.chain or ()

    @property
    def attempts_left(self) -> int:
        """What policies refused before it was sent took no attempt; a body that has begun to stream can be sent no more."""
        exchange = self.exchange
        if exchange.rest is not None and exchange.rest.started:
            return 0
        return exchange.attempts_max - len(exchange.tried) + self._refused

    @property
    def next_n(self) -> int:
        """Number of the next attempt in the record."""
        return max(one.n for one in self.exchange.tried) + 1

    def members_left(self, live: Live, model: str) -> set[Member]:
        """Members of a pool that were left for good."""
        return {target.member for target in self.left if target.live is live and target.model == model}

    def take(self, index: int) -> Link:
        """A link is used up, whether or not it leads anywhere."""
        chain = self.chain
        self.exchange.chain = chain[:index] + chain[index + 1 :]
        return chain[index]

    def tell(self, name: bytes, value: str) -> None:
        """A header line of the answer, or of the refusal; it replaces what was said there before."""
        line = b"%b: %b\r\n" % (name, value.encode("ascii", "replace"))
        exchange = self.exchange
        exchange.extra = exchange.extra.replace(self._lines.get(name, b"\0"), b"") + line
        self._lines[name] = line

    def final(self, error: CallError) -> CallError:
        """The failure as the caller should see it: an act without any answer has an unknown outcome."""
        exchange = self.exchange
        doubt = self.doubt or (self.acted if not error.may_have_acted else None)
        if doubt is not None and not repeatable(
            doubt, exchange.repeat, bool(exchange.idempotency_key) and not exchange.key_minted
        ):
            became = "it failed there"
            if doubt is self.doubt:
                became = "its answer broke off" if self._began else "no answer came"
            what = f"the request was sent to {doubt.source} and {became} ({doubt.code}: {doubt.message})"
            text = f"{what}; it may have been carried out"
            return CallError(
                "outcome_unknown", text, source=doubt.source, scope="call", vendor_code=doubt.vendor_code
            )
        if error.retry_at is not None and self.soonest is not None:
            error.retry_at = min(error.retry_at, self.soonest)
        return error


def _broke_off(error: CallError) -> bool:
    """Whether an answer began and did not come to its end: what the vendor did stands in the rest of it, so it tells no more than none."""
    return error.code in ("network", "timeout_upstream") and not error.status
