"""The store of answers under keys: what was asked, and what was answered, until the key expires. One holds idempotent answers,
another stored responses.

Append-only and encrypted. Each key has an intent before its call reaches a vendor and an outcome afterwards; the newest head of
a key counts. `kill -9` loses nothing that was stored: heads are copied into mapped memory, bodies are written by one system
call, and a thread brings both to the disk within 10 ms, for a power cut, as the journal does. Segments are made at need and
dropped whole once everything in them has expired. A key whose outcome was not stored stays in doubt: it is never taken
for one that was not used.

The process that opens the journal of a state folder is the only one that may open its answers. Not for: what a key
means for a call (`plugins/policies/idempotency.py`).
"""

from __future__ import annotations

import contextlib
import hmac
import os
import threading
from collections import deque
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trunkline.core.codec import DecodeError, pack_decoder, to_pack
from trunkline.core.idempotency import ANSWER, DOUBT, FREED, INTENT, UNKEPT, Held, Kept
from trunkline.journal import answer_segment as segment
from trunkline.journal.answer_segment import MARK_BYTES, NONCE_BYTES, Head, Writer

__all__ = ["ANSWER", "DOUBT", "FREED", "INTENT", "UNKEPT", "Answers", "AnswersFull", "Head", "Kept"]

SYNC_INTERVAL_S = 0.010
SWEEP_US = 60_000_000
SLOTS = 8192
"""Heads in a segment; each call with a key takes two."""
_SLOT_BITS = 20


class AnswersFull(OSError):
    """A key cannot be stored now. An OSError, so that those who know no store can tell it from a mistake."""


class Opened(NamedTuple):
    """What `open` found."""

    keys: int
    segments: int
    damaged: int


_kept: msgspec.msgpack.Decoder[Kept] = pack_decoder(Kept)


class Answers:
    """One writer, used from one thread. Times are epoch seconds."""

    def __init__(
        self,
        folder: Path,
        key: bytes,
        *,
        slots: int = SLOTS,
        segment_bytes: int = 64 << 20,
        max_bytes: int = 2 << 30,
        background: bool = True,
        rolls: bool = False,
    ) -> None:
        """`key`: 32 secret bytes of the installation. Without `background` nothing reaches the disk unless you call `tend`. With
        `rolls` the oldest keys make room for new ones, which may only be where forgetting one does no harm.
        """
        if not 4 <= slots < 1 << _SLOT_BITS:
            raise ValueError(f"slots is {slots}: give 4 to {(1 << _SLOT_BITS) - 1}")
        self.trouble = ""
        """Why keys cannot be stored now; empty when all is well."""
        self._folder = folder
        self._mark_key = hmac.digest(key, b"answers: keys", "sha256")
        self._box = AESGCM(hmac.digest(key, b"answers: bodies", "sha256"))
        self._slots = slots
        self._segment_bytes = segment_bytes
        self.max_bytes = max_bytes
        self._rolls = rolls
        self._index: dict[bytes, int] = {}
        """Key -> its newest head: number of the segment, then the slot."""
        self._expires_us: dict[int, int] = {}
        """Segments that nobody writes any more -> when all in them has expired."""
        self._writer: Writer | None = None
        self._retired: deque[Writer] = deque()
        self._next_number = 1
        self._open_intents = 0
        self._swept_us = 0
        self._stop = threading.Event()
        self._dirty = threading.Event()
        self._thread = threading.Thread(target=self._run, name="answers", daemon=True) if background else None
        self._is_open = False

    def open(self, now: float) -> Opened:
        """Reads the heads of what is there and drops what has expired. Nothing is made before the first key.

        Raises OSError when that cannot be done; `begin` then refuses every key, for none can be known to be new.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        damaged, known = 0, segment.numbers(self._folder)
        for number in known:
            found = segment.scan(self._folder, number)
            damaged += found.damaged
            if found.expires_us <= now * 1e6 and not found.damaged:
                segment.drop(self._folder, number)
                continue
            segment.shrink(self._folder, number)
            place = number << _SLOT_BITS
            self._index.update((mark, place | slot) for mark, slot in found.last.items())
            self._expires_us[number] = found.expires_us
        self._next_number = known[-1] + 1 if known else 1
        self._is_open = True
        if self._thread is not None:
            self._thread.start()
        return Opened(len(self._index), len(self._expires_us), damaged)

    def mark(self, *parts: bytes) -> bytes:
        """The keyed hash of some parts; no two lists of parts have the same."""
        made = blake2b(digest_size=MARK_BYTES, key=self._mark_key)
        for part in parts:
            made.update(len(part).to_bytes(8, "little"))
            made.update(part)
        return made.digest()

    def find(self, mark: bytes, now: float) -> Head | None:
        """The newest head of a key; None for one that is not known, or has expired."""
        place = self._index.get(mark)
        if place is None:
            return None
        head = self._head(place)
        if head is None or head.mark != mark:
            # Its file is damaged or gone. That it was used is all that is known of it.
            return Head(DOUBT, 0, mark, bytes(MARK_BYTES), "", 0, 0)
        return head if head.expires_us > now * 1e6 else None

    def keep(self, mark: bytes, call_id: str, now: float, expires: float, kept: Kept) -> int:
        """Stores what is known whole, without an intent before it; as which kind. Raises AnswersFull."""
        head = self._next(ANSWER, mark, mark, call_id, now, expires)
        writer = self._room()
        head = self._seal(writer, head, kept)
        self._put(writer, head)
        return head.kind

    def begin(self, mark: bytes, fingerprint: bytes, call_id: str, now: float, expires: float) -> Head:
        """Stores that a key is about to be used. Raises AnswersFull; then the call must not be made."""
        head = self._next(INTENT, mark, fingerprint, call_id, now, expires)
        self._put(self._room(), head)
        self._open_intents += 1
        return head

    def _next(
        self, kind: int, mark: bytes, fingerprint: bytes, call_id: str, now: float, expires: float
    ) -> Head:
        """A new head, where there is nothing that forbids one."""
        at_us = int(now * 1e6)
        if at_us - self._swept_us >= SWEEP_US or at_us < self._swept_us:
            self._swept_us = at_us
            self._drop_expired(at_us)
        if self.trouble:
            raise AnswersFull(self.trouble)
        return Head(kind, 0, mark, fingerprint, call_id, at_us, int(expires * 1e6))

    def end(self, intent: Held, kind: int, status: int = 0, kept: Kept | None = None) -> int:
        """Stores what became of an intent; the kind that it is stored as: an answer that finds no room is UNKEPT.

        Room for the head was kept when the intent was stored, so this does not fail on a full disk.
        """
        self._open_intents -= 1
        writer = self._writer
        if writer is None:
            # Closed already: the key stays in doubt, which is safe.
            return DOUBT
        assert isinstance(intent, Head)
        head = intent._replace(kind=kind, status=status, body_at=0, body_bytes=0)
        if kept is not None:
            head = self._seal(writer, head, kept)
        self._put(writer, head)
        return head.kind

    def read(self, held: Held) -> Kept | None:
        """The answer of a head of kind ANSWER; None if it cannot be opened any more."""
        assert isinstance(held, Head)
        head = held
        place = self._index.get(head.mark, 0)
        number = place >> _SLOT_BITS
        box = segment.read_body(self._folder, number, head)
        try:
            return _kept.decode(self._box.decrypt(head.nonce, box, _bound(head)))
        except (InvalidTag, DecodeError, ValueError):
            return None

    def stats(self) -> dict[str, int]:
        """Numbers for the console."""
        numbers = [*self._expires_us, *([self._writer.number] if self._writer is not None else [])]
        return {"keys": len(self._index), "segments": len(numbers), "running": self._open_intents}

    def tend(self) -> None:
        """Brings what is new to the disk. What fails is said in `trouble` until it works again."""
        try:
            while self._retired:
                self._retired[0].sync()
                self._retired.popleft().close()
            writer = self._writer
            if writer is not None:
                writer.sync()
            self.trouble = ""
        except OSError as fault:
            self.trouble = (
                f"the answer store in {self._folder} cannot be brought to the disk: {fault.strerror}"
            )

    def close(self) -> None:
        """Brings everything to the disk and lets it go."""
        if not self._is_open:
            return
        self._is_open = False
        self._stop.set()
        self._dirty.set()
        if self._thread is not None:
            self._thread.join()
        if self._writer is not None:
            self._retired.append(self._writer)
            self._writer = None
        self.tend()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._dirty.wait()
            self._dirty.clear()
            self.tend()
            while self.trouble and not self._stop.wait(1.0):
                self.tend()
            self._stop.wait(SYNC_INTERVAL_S)

    def _head(self, place: int) -> Head | None:
        number, slot = place >> _SLOT_BITS, place & (1 << _SLOT_BITS) - 1
        writer = self._writer
        if writer is not None and writer.number == number:
            return writer.head(slot)
        return segment.read_head(self._folder, number, slot)

    def _put(self, writer: Writer, head: Head) -> None:
        slot = writer.put(head)
        self._index[head.mark] = writer.number << _SLOT_BITS | slot
        if not self._dirty.is_set():
            self._dirty.set()

    def _seal(self, writer: Writer, head: Head, kept: Kept) -> Head:
        """The head with the place of its body; without the body if the disk does not take it."""
        head = head._replace(nonce=os.urandom(NONCE_BYTES))
        box = self._box.encrypt(head.nonce, to_pack(kept), _bound(head))
        try:
            return head._replace(body_at=writer.put_body(box), body_bytes=len(box))
        except OSError:
            return head._replace(kind=UNKEPT, nonce=bytes(NONCE_BYTES))

    def _room(self) -> Writer:
        """A segment with room for an intent, its outcome, and the outcomes of all that run."""
        writer = self._writer
        if (
            writer is not None
            and writer.next + self._open_intents + 2 <= writer.count
            and writer.tail < self._segment_bytes
        ):
            return writer
        if not self._is_open:
            raise AnswersFull("the answer store is not open")
        if self._open_intents + 3 > self._slots:
            raise AnswersFull(f"{self._open_intents} calls with a key run at once; no more fit in a segment")
        while (used := self._used()) + self._slots * segment.HEAD_BYTES > self.max_bytes:
            if self._rolls and self._expires_us:
                self._drop(min(self._expires_us))
                continue
            raise AnswersFull(
                f"the answer store in {self._folder} holds {used >> 20} MB of at most {self.max_bytes >> 20} MB of keys "
                "that have not expired"
            )
        try:
            made = Writer(self._folder, self._next_number, self._slots)
        except OSError as fault:
            raise AnswersFull(f"the answer store in {self._folder} gets no room: {fault.strerror}") from None
        self._next_number += 1
        if writer is not None:
            self._expires_us[writer.number] = writer.expires_us
            self._retired.append(writer)
        self._writer = made
        return made

    def _used(self) -> int:
        return sum(segment.bytes_of(self._folder, number) for number in segment.numbers(self._folder))

    def _drop_expired(self, now_us: int) -> None:
        """Drops one segment in which everything has expired; one, because letting its keys go takes milliseconds."""
        gone = next((number for number, until in self._expires_us.items() if until <= now_us), None)
        if gone is not None:
            self._drop(gone)

    def _drop(self, gone: int) -> None:
        del self._expires_us[gone]
        with contextlib.suppress(OSError):
            for mark, slot in segment.scan(self._folder, gone).last.items():
                if self._index.get(mark) == gone << _SLOT_BITS | slot:
                    del self._index[mark]
            segment.drop(self._folder, gone)


def _bound(head: Head) -> bytes:
    """What a sealed body belongs to: one moved to another head does not open."""
    return to_pack((head.mark, head.fingerprint, head.call_id, head.status))
