"""What idempotency keys mean to all parts: the outcomes of a key, the store as the policy sees it, the keys that we mint. No I/O.

Not for: deciding what a repeat gets (`plugins/policies/idempotency.py`), nor for files (`journal/answers.py`).
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Literal, Protocol
from uuid import UUID

import msgspec

from trunkline.core.errors import KINDS
from trunkline.core.record import Tried

INTENT, ANSWER, UNKEPT, DOUBT, FREED = 1, 2, 3, 4, 5
"""What stands under a key: begun; answered and kept; answered, but the answer was too long or could not be kept; nobody knows
whether it happened; it did not happen, so the key is free again."""

FIRST, AGAIN = "idempotency=first", "idempotency=again"
"""Notes of a call under a caller's key; `again`: what went out before under it is in doubt."""
DEFAULT_HOURS = 24.0
"""How long a key lives unless the vendor keeps its own for another time."""
LONGEST_KEY = 255
KEPT_BYTES = 1 << 20
"""Longer answers are not kept."""

Resolution = Literal["happened", "did-not-happen", "repeat"]
"""What a person found out about an unknown outcome; `repeat`: whatever happened, the request may go out again."""
RESOLUTIONS: tuple[Resolution, ...] = ("happened", "did-not-happen", "repeat")
SETTLED = "settled"
"""Instead of a person's word: a later call with the same key brought the vendor's answer."""

_CUT = frozenset(("internal", "unauthenticated", "shutting_down"))
"""Failures of ours that may end an attempt in the middle of an answer."""


class Kept(msgspec.Struct, array_like=True, frozen=True):
    """A kept answer. `digest` is of a request body too long to be in the fingerprint, else empty; `code` and `source` are those
    of a failure.
    """

    fields: bytes
    body: bytes
    digest: bytes = b""
    code: str = ""
    source: str = ""


class Held(Protocol):
    """The newest record under a key."""

    @property
    def kind(self) -> int: ...
    @property
    def status(self) -> int: ...
    @property
    def mark(self) -> bytes: ...
    @property
    def fingerprint(self) -> bytes: ...
    @property
    def call_id(self) -> str: ...
    @property
    def expires_us(self) -> int: ...


class AnswerStore(Protocol):
    """Keeps keys and answers (journal/answers.py). Times are epoch seconds."""

    def mark(self, *parts: bytes) -> bytes:
        """A keyed hash."""

    def find(self, mark: bytes, now: float) -> Held | None:
        """None for a key that is not known, or has expired."""

    def keep(self, mark: bytes, call_id: str, now: float, expires: float, kept: Kept) -> int:
        """What is known whole, without an intent before it; the kind that it is stored as. Raises an OSError."""

    def begin(self, mark: bytes, fingerprint: bytes, call_id: str, now: float, expires: float) -> Held:
        """Raises an OSError when it cannot be stored."""

    def end(self, intent: Held, kind: int, status: int = 0, kept: Kept | None = None) -> int:
        """What became of an intent; the kind that it is stored as. `intent` says under which call and until when."""

    def read(self, held: Held) -> Kept | None:
        """The answer of a record of kind ANSWER; None if it cannot be opened any more."""


def acted_unseen(tried: Tried) -> bool:
    """Whether an attempt may have done what it was asked without anyone having seen it."""
    if not tried.sent or not tried.code:
        return False
    return tried.status == 0 or tried.code in _CUT or KINDS[tried.code].acted


def minted(call_id: str) -> str:
    """The key that a call gets when its caller sent none. It follows from the call's id, so that it can be found again after a
    crash, and looks like a random UUID, since some vendors take nothing else.
    """
    digest = blake2b(call_id.encode(), digest_size=16, person=b"trunkline mint").digest()
    return str(UUID(bytes=digest, version=4))


def scope_of(team: str, key_id: str, subject: str, integration: str, operation: str) -> tuple[bytes, ...]:
    """Within what a key is one and the same (ruling 4); `subject` only of a browser token, which stands for one person."""
    return tuple(part.encode() for part in (team, key_id, subject, integration, operation))
