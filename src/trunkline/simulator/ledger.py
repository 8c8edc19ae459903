"""The simulator's own ledger: every request that it saw, what became of it, and whether an act was carried out.

It is the ground truth of the tests, so it is exact about what this process saw; with a file it can also be read after a kill.
Not for: credentials (only their hash is kept) or bodies (only their size and hash).
"""

from __future__ import annotations

import os
import time
from collections import Counter, deque
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from sys import intern
from typing import Any

import msgspec

from trunkline.core import codec

KEPT = 50_000


class Entry(msgspec.Struct):
    """One request. Times are epoch seconds; 0 = not (yet). `credential` is the first 16 hex digits of its SHA-256.

    `outcome`: `receiving` (its body is not here yet), `running`, `answered`, `cut` (this side broke the reply on purpose),
    `client_gone` (the client hung up, at `client_gone_at`), `incomplete` (it hung up before its request was whole), `malformed`.
    `acted`: an act was carried out (a charge made, a completion produced), whether or not the answer arrived.
    """

    seq: int
    connection: int
    vendor: str
    method: str
    path: str
    query: str
    header_names: tuple[str, ...]
    credential: str
    credential_place: str
    idempotency_key: str
    correlation_id: str
    retry_count: str
    begun: float
    whole_at: float = 0.0
    acted_at: float = 0.0
    ended: float = 0.0
    outcome: str = "receiving"
    status: int = 0
    fault: str = ""
    acted: bool = False
    replayed: bool = False
    bytes_in: int = 0
    bytes_out: int = 0
    body_sha256: str = ""
    client_gone_at: float = 0.0


@lru_cache(maxsize=1024)
def digest(value: str) -> str:
    """The form in which the ledger shows a credential."""
    return sha256(value.encode("utf-8", "replace")).hexdigest()[:16] if value else ""


class Ledger:
    """Keeps the newest `kept` entries; `dropped` counts the older ones, so that a reader knows when it came too late."""

    def __init__(self, file: Path | None = None, kept: int = KEPT) -> None:
        self._entries: deque[Entry] = deque()
        self._kept = kept
        self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if file else -1
        self._names: dict[tuple[str, ...], tuple[str, ...]] = {}
        self.seq = 0
        self.dropped = 0
        self.outcomes: Counter[str] = Counter()

    def add(self, entry: Entry) -> None:
        """A request's head has arrived."""
        if len(self._names) < 1000:
            entry.header_names = self._names.setdefault(entry.header_names, entry.header_names)
        entry.path = intern(entry.path)
        self._entries.append(entry)
        if len(self._entries) > self._kept:
            self._entries.popleft()
            self.dropped += 1
        self._note(entry)

    def next_seq(self) -> int:
        """The number of the next entry; numbers begin at 1 and are never used twice."""
        self.seq += 1
        return self.seq

    def whole(self, entry: Entry, body: bytes, bytes_in: int) -> None:
        """The request is here to its last byte."""
        entry.whole_at = time.time()
        if not entry.ended:
            entry.outcome = "running"
        entry.bytes_in = bytes_in
        entry.body_sha256 = sha256(body).hexdigest()[:16] if body else ""

    def act(self, entry: Entry) -> None:
        """An act is carried out; noted before any byte of its answer leaves."""
        entry.acted = True
        entry.acted_at = time.time()
        self._note(entry)

    def end(self, entry: Entry, outcome: str) -> None:
        """The exchange is over on this side. Only the first end counts."""
        if entry.ended:
            return
        entry.ended = time.time()
        entry.outcome = outcome
        if outcome in ("client_gone", "incomplete"):
            entry.client_gone_at = entry.ended
        self.outcomes[outcome] += 1
        self._note(entry)

    def read(self, since: int = 0, vendor: str = "", limit: int = KEPT) -> dict[str, Any]:
        """Entries with a number above `since`, oldest first; `next` is what to pass as `since` the next time."""
        found: list[Entry] = []
        last = since
        for entry in self._entries:
            if entry.seq > since and (not vendor or entry.vendor == vendor):
                if len(found) == limit:
                    break
                found.append(entry)
                last = entry.seq
        return {"next": last, "dropped": self.dropped, "entries": found}

    def clear(self) -> None:
        """Forgets the entries; numbers go on, and requests that still run keep their entry to themselves."""
        self._entries.clear()
        self.outcomes.clear()
        self.dropped = 0

    def close(self) -> None:
        """Closes the file, if there is one."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _note(self, entry: Entry) -> None:
        if self._file >= 0:
            os.write(self._file, codec.to_json(entry) + b"\n")


def read_file(path: Path) -> list[Entry]:
    """Entries of a ledger file in order of arrival, each as last written; a line torn by a kill is passed over."""
    decoder = codec.json_decoder(Entry)
    found: dict[int, Entry] = {}
    for line in path.read_bytes().split(b"\n"):
        try:
            entry = decoder.decode(line)
        except codec.DecodeError:
            continue
        found[entry.seq] = entry
    return [found[seq] for seq in sorted(found)]
