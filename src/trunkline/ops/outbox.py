"""Notices on their way to the registry's targets, and those that went: a log on disk that survives a crash.

Each change of a notice is a line of its own; the last line of an id rules. A notice with a `key` is made once, however often it is
put, so that a share of a budget is told once per window. What cannot be told is tried again with growing patience for a
day; a receiver may hear a notice twice if the process dies in between, with the same `webhook-id`. Several processes may share one
log. Not for: sending (`notify.py`), nor for what is worth a notice (`alerting/`).
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import msgspec

from trunkline.core.codec import DecodeError, json_decoder, to_json
from trunkline.ops.notify import Delivery, Sent

FILE_NAME = "notices.jsonl"
FIRST_S = 10.0
LONGEST_S = 3600.0
GIVEN_UP_S = 86_400.0
KEPT_S = 62 * 86_400.0
"""Longer than a month, whose shares must not be told twice."""
_TIDY_LINES = 5000


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One event, whom it was told so far, and when it is tried next. Times are epoch seconds."""

    id: str
    key: str
    event: str
    payload: dict[str, Any]
    at: float
    rule: str = ""
    """The rule of `alerts` whose targets are told; empty: those of `notify`."""
    state: Literal["waiting", "sent", "failed", "nowhere"] = "waiting"
    """`failed`: given up; `nowhere`: the registry names nobody to tell."""
    tries: int = 0
    next_at: float = 0.0
    told: list[str] = []
    """Channels that were told."""
    sent: list[Sent] = []
    """What became of the last try."""


_decoder = json_decoder(Notice)


class Outbox:
    """The log in a state folder. Not for several threads at once."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._notices: dict[str, Notice] = {}
        self._keys: set[str] = set()
        self._read_to = 0
        self._inode = 0
        self._lines = 0

    def put(
        self,
        event: str,
        payload: dict[str, Any],
        *,
        key: str = "",
        rule: str = "",
        now: float,
        later_s: float = 0.0,
    ) -> Notice | None:
        """A new notice, due after `later_s`; None when there is one with this key."""
        with self._locked():
            if key and key in self._keys:
                return None
            made = Notice(
                id=f"msg_{secrets.token_hex(12)}",
                key=key,
                rule=rule,
                event=event,
                payload=payload,
                at=now,
                next_at=now + later_s,
            )
            self._write(made)
            return made

    def due(self, now: float) -> list[Notice]:
        """What is to be tried now, oldest first."""
        self._refresh()
        return [one for one in self._notices.values() if one.state == "waiting" and one.next_at <= now]

    def note(self, notice: Notice, delivery: Delivery, now: float) -> Notice:
        """What became of a try."""
        told = sorted({*notice.told, *delivery.channels})
        tries = notice.tries + 1
        next_at = now + patience(tries)
        state: Literal["waiting", "sent", "failed", "nowhere"] = "waiting"
        if delivery.ok:
            state = "sent" if told else "nowhere"
        elif next_at > notice.at + GIVEN_UP_S:
            state = "failed"
        changed = msgspec.structs.replace(
            notice, state=state, tries=tries, told=told, sent=delivery.sent, next_at=next_at
        )
        with self._locked():
            self._write(changed)
        return changed

    def close(self, notice: Notice, delivery: Delivery) -> Notice:
        """What became of the only try that there will be."""
        state: Literal["sent", "failed"] = "sent" if delivery.ok else "failed"
        changed = msgspec.structs.replace(
            notice, state=state, tries=notice.tries + 1, told=sorted(delivery.channels), sent=delivery.sent
        )
        with self._locked():
            self._write(changed)
        return changed

    def again(self, notice: Notice, now: float) -> Notice:
        """A notice that was given up is tried once more, now and for another day, at those who were not told."""
        changed = msgspec.structs.replace(notice, state="waiting", at=now, tries=0, next_at=now)
        with self._locked():
            self._write(changed)
        return changed

    def log(self, limit: int = 100) -> list[Notice]:
        """Newest first."""
        self._refresh()
        return sorted(self._notices.values(), key=lambda one: -one.at)[:limit]

    def tidy(self, now: float) -> None:
        """Writes the log anew with one line a notice, without those of long ago; does nothing while it is short."""
        with self._locked():
            if self._lines < _TIDY_LINES:
                return
            kept = [one for one in self._notices.values() if one.state == "waiting" or now - one.at < KEPT_S]
            unborn = self._path.with_name(f".{self._path.name}.{os.getpid()}")
            unborn.write_bytes(b"".join(to_json(one) + b"\n" for one in kept))
            unborn.chmod(0o600)
            unborn.replace(self._path)
        self._refresh()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time changes the log, and knows all of it then."""
        with self._path.with_name(f"{FILE_NAME}.lock").open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            self._refresh()
            yield

    def _write(self, notice: Notice) -> None:
        handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            size = os.fstat(handle).st_size
            torn = size and os.pread(handle, 1, size - 1) != b"\n"
            os.write(handle, (b"\n" if torn else b"") + to_json(notice) + b"\n")
            os.fsync(handle)
        finally:
            os.close(handle)
        self._refresh()

    def _refresh(self) -> None:
        """Reads what was added since; all of it when the log was written anew."""
        with suppress(FileNotFoundError), self._path.open("rb") as file:
            inode = os.fstat(file.fileno()).st_ino
            if inode != self._inode:
                self._inode, self._read_to, self._lines = inode, 0, 0
                self._notices.clear()
                self._keys.clear()
            file.seek(self._read_to)
            for line in file:
                if not line.endswith(b"\n"):
                    break  # being written, or torn by a crash
                self._read_to += len(line)
                self._lines += 1
                with suppress(DecodeError):
                    self._take(_decoder.decode(line))

    def _take(self, notice: Notice) -> None:
        self._notices[notice.id] = notice
        if notice.key:
            self._keys.add(notice.key)


def patience(tries: int) -> float:
    """Seconds before the next try: 10 s, then three times as long each time, an hour at most. Pure."""
    return float(min(LONGEST_S, FIRST_S * 3.0 ** min(tries - 1, 8)))
