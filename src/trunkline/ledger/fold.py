"""What a run of journal records means: which calls are running now, and which have ended and how. Pure.

Not for writing it down (`drain.py`), nor for counting it (`rollup.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from trunkline.core.record import Again, Begin, Boot, End, Persons, Record, Stop, Tried

STOPPED_MESSAGE = "the gateway process was stopped during this call"


class Running(NamedTuple):
    """A call without an end so far: how it began, the attempts that ended, and the one that is out (`n` 0: none is)."""

    begin: Begin
    tried: tuple[Tried, ...]
    n: int
    target: str
    credential: str
    acts: bool
    offset_us: int
    loaded: bool = False
    """It stems from the database, not from this reading of the journal."""


class Ended(NamedTuple):
    """A call with its end. `begin` is None when the journal has lost it, or when it was drained before."""

    begin: Begin | None
    end: End


class Folded(NamedTuple):
    """The outcome of a batch. `running` holds what changed: a call id with its new state, or None when it has ended."""

    running: dict[str, Running | None]
    ended: dict[str, Ended]


def fold(records: Iterable[Record], known: dict[str, Running]) -> Folded:
    """Apply records to the calls that were running before them. `known` is not changed."""
    running: dict[str, Running | None] = {}
    ended: dict[str, Ended] = {}
    for record in records:
        if isinstance(record, Begin):
            running[record.call_id] = started(record)
        elif isinstance(record, End):
            before = running[record.call_id] if record.call_id in running else known.get(record.call_id)
            running[record.call_id] = None
            if record.call_id not in ended:
                ended[record.call_id] = Ended(before.begin if before else None, record)
        elif isinstance(record, Again):
            before = running[record.call_id] if record.call_id in running else known.get(record.call_id)
            if before:
                running[record.call_id] = again(before, record)
        elif isinstance(record, Boot):
            _cut(record, known, running, ended)
        else:
            assert isinstance(record, Stop | Persons)
    return Folded(running, ended)


def started(begin: Begin) -> Running:
    """A call just begun; its first attempt is out unless it was refused before any."""
    return Running(begin, (), 1 if begin.target else 0, begin.target, begin.credential, begin.acts, 0)


def again(call: Running, record: Again) -> Running:
    """The call with its last attempt ended and another one out."""
    return call._replace(
        tried=(*call.tried, record.previous) if record.previous.n else call.tried,
        n=record.n,
        target=record.target,
        credential=record.credential,
        acts=record.acts,
        offset_us=max(0, record.at_us - call.begin.at_us),
    )


def cut(call: Running, at_us: int) -> Ended:
    """The end of a call whose gateway process died: unknown if its last attempt acts, else a plain failure."""
    state, code = ("outcome_unknown", "outcome_unknown") if call.n and call.acts else ("error", "network")
    tried = call.tried
    if call.n:
        tried = (*tried, _stopped(call, code))
    begin = call.begin
    end = End(
        call_id=begin.call_id,
        at_us=at_us,
        state=state,
        status=0,
        code=code,
        message=STOPPED_MESSAGE,
        source="trunkline",
        duration_us=0,
        overhead_us=0,
        first_byte_us=0,
        bytes_out=0,
        tried=list(tried),
        served_model="",
        input_tokens=0,
        output_tokens=0,
        cached_tokens=0,
        cache_write_tokens=0,
        reasoning_tokens=0,
        cost_usd=-1.0,
        wasted_usd=0.0,
        usage_estimated=False,
    )
    return Ended(begin, end)


def _stopped(call: Running, code: str) -> Tried:
    return Tried(
        n=call.n,
        target=call.target,
        credential=call.credential,
        offset_us=call.offset_us,
        connect_us=0,
        first_byte_us=0,
        duration_us=0,
        status=0,
        code=code,
        message=STOPPED_MESSAGE,
        vendor_code="",
        vendor_request_id="",
        sent=True,
    )


def lost_begin(end: End) -> Begin:
    """A stand-in for the begin of a call that the journal has lost."""
    return Begin(
        call_id=end.call_id,
        at_us=end.at_us - end.duration_us,
        correlation_id="",
        path="",
        bytes_in=0,
        stream=False,
        feature="",
        subject_hash="",
        tags="",
        boot="",
        key_id="",
        team="",
        ingress="",
        integration="",
        operation="",
        method="",
        model="",
        config_version="",
        target="",
        credential="",
        acts=False,
        simulated=False,
    )


def _cut(
    boot: Boot, known: dict[str, Running], running: dict[str, Running | None], ended: dict[str, Ended]
) -> None:
    """End every call of an earlier boot.

    A call begun in this reading stands before the boot record, so it is of an earlier process. One loaded from the
    database may be younger than a boot record that is read a second time: there the clock decides.
    """
    for call_id, call in {**known, **running}.items():
        if call is None or call.begin.boot == boot.boot or (call.loaded and call.begin.at_us > boot.at_us):
            continue
        running[call_id] = None
        ended[call_id] = cut(call, boot.at_us)
