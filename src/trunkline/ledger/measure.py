"""Measures the ledger on this machine: how fast a journal is drained, how long a search takes. For `make bench` and the battery."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

from trunkline.core.codec import to_pack
from trunkline.core.record import Begin, Boot, End, Tried
from trunkline.journal.append import Journal
from trunkline.ledger.drain import Drain
from trunkline.ledger.query import CallFilter, Ledger

BEGIN_US = 1_795_219_200_000_000
"""2026-11-21T00:00:00Z; a fixed day, so that runs compare."""

SEARCHES: dict[str, CallFilter] = {
    "newest": CallFilter(),
    "correlation id": CallFilter(correlation_id="corr-0000777"),
    "call id": CallFilter(call_id="call-0000777"),
    "vendor request id": CallFilter(vendor_request_id="req-777"),
    "one integration": CallFilter(integration="openai"),
    "errors": CallFilter(state="error"),
    "a code that never came": CallFilter(code="billing"),
    "text that never came": CallFilter(text="no such words"),
    "slow calls, none": CallFilter(min_latency_us=10**9),
    "two that never met": CallFilter(integration="openai", key_id="key-nobody"),
    "model and feature that never met": CallFilter(
        integration="stripe", model="gpt-4o-mini", feature="feature-0"
    ),
}


class Rate(NamedTuple):
    """What a drain took."""

    calls: int
    wall_s: float
    cpu_s: float
    journal_bytes: int
    ledger_bytes: int

    @property
    def per_second(self) -> float:
        """Calls drained per second of wall-clock time."""
        return self.calls / self.wall_s

    @property
    def per_cpu_second(self) -> float:
        """Calls drained per second of processor time: what one free core would do."""
        return self.calls / self.cpu_s


def drain_rate(folder: Path, calls: int = 60_000) -> Rate:
    """Write so many synthetic calls (each a begin and an end with one attempt) to a real journal in `folder`, and drain it."""
    fill_journal(folder / "journal", calls)
    journal_bytes = _bytes(folder / "journal")
    drain = Drain(folder / "journal", folder / "ledger")
    wall, cpu = time.perf_counter(), time.process_time()
    while drain.step():
        continue
    rate = (time.perf_counter() - wall, time.process_time() - cpu)
    drain.close()
    return Rate(calls, *rate, journal_bytes, _bytes(folder / "ledger"))


def search_times_ms(folder: Path) -> dict[str, float]:
    """Milliseconds for the first page of each of `SEARCHES`, best of three, over the ledger in `folder`."""
    ledger = Ledger(folder / "ledger")
    try:
        return {name: min(_page_ms(ledger, wanted) for _ in range(3)) for name, wanted in SEARCHES.items()}
    finally:
        ledger.close()


def fill_journal(folder: Path, calls: int) -> None:
    """Append synthetic calls: three integrations, ten features, twenty keys, one call in fifty failed."""
    with Journal(folder, max_bytes=16 << 30) as journal:
        journal.append(to_pack(Boot("bench", BEGIN_US, 1, "bench")))
        for i in range(calls):
            begin, end = synthetic(i)
            journal.append(to_pack(begin))
            journal.append(to_pack(end))


def synthetic(i: int) -> tuple[Begin, End]:
    """The i-th synthetic call."""
    integration = ("openai", "stripe", "anthropic")[i % 3]
    model = "" if integration == "stripe" else "gpt-4o-mini"
    code = "server_error" if i % 50 == 0 else ""
    at_us = BEGIN_US + i * 80
    begin = Begin(
        call_id=f"call-{i:07d}",
        at_us=at_us,
        correlation_id=f"corr-{i:07d}",
        path="/v1/charges/ch_123",
        bytes_in=400,
        stream=False,
        feature=f"feature-{i % 10}",
        subject_hash="",
        tags="",
        boot="bench",
        key_id=f"key-{i % 20}",
        team=f"team-{i % 5}",
        ingress="proxy",
        integration=integration,
        operation="create",
        method="POST",
        model=model,
        config_version="c0ffee00",
        target=f"{integration}/{model}" if model else integration,
        credential="env:SOME_KEY",
        acts=True,
        simulated=True,
    )
    attempt = Tried(
        n=1,
        target=begin.target,
        credential=begin.credential,
        offset_us=100,
        connect_us=0,
        first_byte_us=20_000,
        duration_us=25_000,
        status=500 if code else 200,
        code=code,
        message="the vendor broke" if code else "",
        vendor_code="",
        vendor_request_id=f"req-{i}",
        sent=True,
    )
    end = End(
        call_id=begin.call_id,
        at_us=at_us + 30_000,
        state="error" if code else "ok",
        status=500 if code else 200,
        code=code,
        message=attempt.message,
        source=integration if code else "",
        duration_us=1_000 * (i % 500) + 900,
        overhead_us=300,
        first_byte_us=20_300,
        bytes_out=700,
        tried=[attempt],
        served_model=model,
        input_tokens=100,
        output_tokens=50,
        cached_tokens=0,
        cache_write_tokens=0,
        reasoning_tokens=0,
        cost_usd=0.0001,
        wasted_usd=0.0,
        usage_estimated=False,
    )
    return begin, end


def _page_ms(ledger: Ledger, wanted: CallFilter) -> float:
    start = time.perf_counter()
    ledger.calls(wanted, limit=50)
    return (time.perf_counter() - start) * 1000


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
