"""What a run of journal records means: which calls are running now, and which have ended and how. Pure.

Not for writing it down (`drain.py`), nor for counting it (`rollup.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from trunkline.core.record import Again, Begin, Boot, End, Record, Stop, Tried

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
            assert isinstance(record, Stop)
    return Folded(running, ended)


def started(begin: Begin) -> Running:
    """A call just begun; its first attempt is out unless it was refused before any."""
    return Running(begin, (), 1 if begin.target else 0, begin.target, begin.credential, begin.acts, 0)


def again(call: Running, record: Again) -> Running:
    """The call with its last attempt ended and another one out."""
    return call._replace(
        tried=(*call.tried, record.previous),
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
        begin.call_id, at_us, state, 0, code, STOPPED_MESSAGE, "trunkline", 0, 0, 0, 0,
        list(tried), "", 0, 0, 0, 0, 0, -1.0, 0.0, False,
    )  # fmt: skip
    return Ended(begin, end)


def _stopped(call: Running, code: str) -> Tried:
    return Tried(
        call.n, call.target, call.credential, call.offset_us, 0, 0, 0, 0, code, STOPPED_MESSAGE, "", "", True
    )  # fmt: skip


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
