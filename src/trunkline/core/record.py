"""The records of the journal: what is written about each call, and when. The ledger reads exactly these.

A call that reaches a vendor writes `Begin` (with its first attempt) before the first byte goes out, `Again` before each further
attempt, and `End` before the caller gets the last byte. A call refused before any attempt writes `Begin` without target and
`End`. `Boot` is written at each start: every call of an earlier boot without an `End` was cut by a crash. Times are epoch
microseconds (wall clock), durations are microseconds (monotonic clock). Records are encoded as arrays with a leading tag.
"""

from __future__ import annotations

import msgspec

STATES = ("running", "ok", "error", "cancelled", "truncated", "outcome_unknown")


class Boot(msgspec.Struct, array_like=True, tag="s", frozen=True):
    """A gateway process started."""

    boot: str
    at_us: int
    pid: int
    version: str


class Stop(msgspec.Struct, array_like=True, tag="x", frozen=True):
    """A gateway process ended in good order; no call was left running."""

    boot: str
    at_us: int


class Begin(msgspec.Struct, array_like=True, tag="b", gc=False):
    """A call began; unless `target` is empty its first attempt is about to be sent.

    What differs from call to call comes first; what calls with one head by one route share follows, so that it is encoded once.
    """

    call_id: str
    at_us: int
    correlation_id: str
    bytes_in: int
    stream: bool
    path: str
    """The path at the vendor without query."""
    feature: str
    subject_hash: str
    tags: str
    boot: str
    key_id: str
    team: str
    ingress: str
    """`proxy`, or the dialect that the caller spoke, e.g. `openai-chat`."""
    integration: str
    operation: str
    method: str
    model: str
    """As the caller named it; empty for calls that are no model calls."""
    config_version: str
    target: str
    """Integration, or integration/model, of the first attempt."""
    credential: str
    """Name of the credential (its reference, never its value)."""
    acts: bool
    """Whether a repeat of this request could do something twice."""
    simulated: bool


class Persons(msgspec.Struct, array_like=True, tag="p", gc=False):
    """Whom the request of a call is about, as keyed hashes (`core/persons.py`); written beside its `Begin` where it names anybody."""

    call_id: str
    at_us: int
    """As in its `Begin`."""
    hashes: list[str]


class Again(msgspec.Struct, array_like=True, tag="a", gc=False):
    """A further attempt is about to be sent; `previous` tells how the one before ended.

    A call that began as part of a request merged of several (engine/batch.py) and then goes on alone has none before: `n` is 0.
    """

    call_id: str
    at_us: int
    n: int
    target: str
    credential: str
    acts: bool
    previous: Tried


class Tried(msgspec.Struct, array_like=True, gc=False):
    """How one attempt ended."""

    n: int
    target: str
    credential: str
    offset_us: int
    """From the begin of the call to the begin of the attempt."""
    connect_us: int
    """0 when a kept connection served."""
    first_byte_us: int
    """From the begin of the attempt to the first byte of the answer; 0 if there was none."""
    duration_us: int
    status: int
    """The vendor's HTTP status, 0 without an answer."""
    code: str
    """Kind of failure, empty on success."""
    message: str
    """Redacted and at most 500 characters."""
    vendor_code: str
    vendor_request_id: str
    sent: bool
    """Whether a byte of the request may have reached the vendor."""


class End(msgspec.Struct, array_like=True, tag="e", gc=False):
    """A call ended; its whole outcome."""

    call_id: str
    at_us: int
    state: str
    status: int
    """HTTP status that the caller got; 0 if it got none."""
    code: str
    message: str
    source: str
    duration_us: int
    overhead_us: int
    """Time in Trunkline outside waiting for the vendor, up to the first byte for the caller."""
    first_byte_us: int
    bytes_out: int
    tried: list[Tried]
    served_model: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    cost_usd: float
    """-1 when unpriced or unknown."""
    wasted_usd: float
    usage_estimated: bool
    notes: str = ""
    """What flow control did, `name=value` separated by `;` (`Exchange.notes`)."""
    queued_us: int = 0
    """Time spent waiting for a place."""
    wasted_elsewhere: dict[str, float] = {}
    """By target, what of `wasted_usd` was paid at others than that of the last attempt."""
    price_id: str = ""
    """The price that it was counted by: integration/model@date#figures, and the tier or step that held (`core/pricing.py`)."""
    parts: list[tuple[str, int, int]] = []
    """Of which the cost is made: what, how much of it, femtodollars for each (-1: nobody knows)."""


Record = Boot | Stop | Begin | Persons | Again | End
