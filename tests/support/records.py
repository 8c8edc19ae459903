"""Journal records with sensible contents, and a journal in memory, for the tests of what reads the journal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from trunkline.core.codec import to_pack
from trunkline.core.record import Again, Begin, Boot, End, Record, Tried
from trunkline.journal.reader import Cursor, Damage

NOON_US = 1_795_262_400_000_000
"""2026-11-21T12:00:00Z."""
SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US


def boot(name: str = "boot-1", at_us: int = NOON_US) -> Boot:
    return Boot(name, at_us, 100, "0.1.0")


def begin(call_id: str = "call-1", **changes: Any) -> Begin:
    record = Begin(
        call_id=call_id,
        boot="boot-1",
        at_us=NOON_US,
        correlation_id=f"corr-{call_id}",
        key_id="key-1",
        team="shop",
        feature="checkout",
        subject_hash="",
        tags="",
        ingress="proxy",
        integration="stripe",
        operation="create_charge",
        method="POST",
        path="/v1/charges",
        model="",
        stream=False,
        bytes_in=400,
        config_version="c0ffee",
        target="stripe",
        credential="env:STRIPE_SECRET_KEY",
        acts=True,
        simulated=False,
    )
    return msgspec.structs.replace(record, **changes)


def tried(n: int = 1, target: str = "stripe", **changes: Any) -> Tried:
    record = Tried(
        n, target, "env:STRIPE_SECRET_KEY", 100, 0, 20_000, 25_000, 200, "", "", "", f"req-{n}", True
    )
    return msgspec.structs.replace(record, **changes)


def again(call_id: str = "call-1", n: int = 2, **changes: Any) -> Again:
    record = Again(
        call_id=call_id,
        at_us=NOON_US + 30_000,
        n=n,
        target="stripe",
        credential="env:STRIPE_SECRET_KEY",
        acts=True,
        previous=tried(n - 1, status=503, code="overloaded"),
    )
    return msgspec.structs.replace(record, **changes)


def end(call_id: str = "call-1", **changes: Any) -> End:
    record = End(
        call_id=call_id,
        at_us=NOON_US + 30_000,
        state="ok",
        status=200,
        code="",
        message="",
        source="",
        duration_us=30_000,
        overhead_us=300,
        first_byte_us=20_000,
        bytes_out=700,
        tried=[tried()],
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
    return msgspec.structs.replace(record, **changes)


def call(
    call_id: str = "call-1", at_us: int = NOON_US, *, ended: dict[str, Any] | None = None, **begun: Any
) -> list[Record]:
    """A whole call: its begin and its end."""
    ending = {"at_us": at_us + 30_000, **(ended or {})}
    return [begin(call_id, at_us=at_us, **begun), end(call_id, **ending)]


class JournalInMemory:
    """Stands for a journal folder: `read_from` is what `Drain` takes. A cursor's offset is the number of records before it."""

    def __init__(self, *records: Record | bytes) -> None:
        self.payloads: list[bytes] = []
        self.damaged: list[Damage] = []
        self.opened_at: list[Cursor] = []
        self.append(*records)

    def append(self, *records: Record | bytes) -> None:
        self.payloads += [record if isinstance(record, bytes) else to_pack(record) for record in records]

    def read_from(self, folder: Path, cursor: Cursor) -> _Source:
        self.opened_at.append(cursor)
        return _Source(self, cursor.offset)


class _Source:
    def __init__(self, journal: JournalInMemory, place: int) -> None:
        self._journal = journal
        self._place = place
        self.damaged = journal.damaged

    def read(self, max_records: int) -> list[tuple[Cursor, bytes]]:
        taken = self._journal.payloads[self._place : self._place + max_records]
        start, self._place = self._place, self._place + len(taken)
        return [(Cursor(1, start + i + 1), payload) for i, payload in enumerate(taken)]

    def close(self) -> None:
        self._place = -1
