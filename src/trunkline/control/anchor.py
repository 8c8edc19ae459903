"""Anchors of the audit chain: where it ended at some time, so that a missing tail shows.

The newest one lies beside the database (`audit.anchor`), written after each change. Whoever can replace both files could still roll
both back: an anchor that is kept elsewhere (`trunkline audit anchor`, an export, a sign-off) shows that too. Not for: the chain
itself (`audit.py`).
"""

from __future__ import annotations

import contextlib
import hmac
from typing import TYPE_CHECKING, Any

import msgspec

from trunkline.core import codec

if TYPE_CHECKING:
    from trunkline.control.state import State

FILE_NAME = "audit.anchor"
BEFORE = "audit.anchor.before"
"""One that is of no use to this database: it was another's that lay in this folder, or somebody wrote into it."""
SCHEMAS_WITHOUT = ("0001", "0002")
"""Of the control database, from before there were anchors."""


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """The chain had this row at this place."""

    seq: int
    hash: str
    """Of the row, hexadecimal."""
    at: float
    seal: str
    """Under a key of the installation."""

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}:{self.seal}"


_decoder: msgspec.json.Decoder[Anchor] = codec.json_decoder(Anchor)


class AnchorProblem(Exception):
    """A text is no anchor, or not of this installation."""


def made(state: State, seq: int, digest: bytes, at: float) -> Anchor:
    """The anchor of a row."""
    return Anchor(seq=seq, hash=digest.hex(), at=at, seal=_seal(state, seq, digest.hex()))


def parse(state: State, text: str) -> Anchor:
    """An anchor as `audit anchor` printed it. Raises AnchorProblem."""
    seq, _, rest = text.strip().partition(":")
    digest, _, seal = rest.partition(":")
    if not seq.isdigit() or not hmac.compare_digest(seal.encode(), _seal(state, int(seq), digest).encode()):
        raise AnchorProblem("This is no anchor of this installation; `trunkline audit anchor` prints one.")
    return Anchor(seq=int(seq), hash=digest, at=0.0, seal=seal)


def latest(state: State) -> Anchor | None:
    """The one beside the database; None if there is none that is of this installation."""
    try:
        found = _decoder.decode((state.path / FILE_NAME).read_bytes())
    except (OSError, codec.DecodeError):
        return None
    genuine = hmac.compare_digest(found.seal.encode(), _seal(state, found.seq, found.hash).encode())
    return found if genuine else None


def left_over(state: State) -> str:
    """Name of the file of an anchor that tells of another database in this folder; empty if there is none."""
    if (state.path / BEFORE).exists():
        return BEFORE
    return FILE_NAME if (state.path / FILE_NAME).exists() and latest(state) is None else ""


def drop(state: State, anchor: Anchor) -> None:
    """Makes an anchor the newest one, unless there is a newer. What fails here fails nothing: the change is made."""
    with contextlib.suppress(OSError), state.lock("anchor.lock"):
        there = latest(state)
        if there is None and left_over(state) == FILE_NAME:
            (state.path / FILE_NAME).rename(state.path / BEFORE)
        if there is None or there.seq < anchor.seq:
            state.write(state.path / FILE_NAME, codec.to_json(anchor) + b"\n")


def drop_first(state: State) -> None:
    """The anchor of an installation from before there were any, once, when its database is upgraded."""
    from trunkline.ledger import control_tables as tables

    with state.view() as connection:
        last = tables.last_audit(connection)
    if last is not None:
        drop(state, made(state, last["seq"], last["hash"], last["at"]))


def fault(anchor: Anchor, rows: dict[int, Any], count: int) -> str:
    """What is wrong with a chain of `count` rows by an anchor; `rows`: hash by number, of the row in question at least. Pure."""
    if anchor.seq > count:
        return f"row {count + 1} and those after it are missing: there were {anchor.seq}"
    if rows.get(anchor.seq) != anchor.hash:
        return f"row {anchor.seq} is not the one that was anchored"
    return ""


def _seal(state: State, seq: int, digest: str) -> str:
    return hmac.digest(state.keys["audit"], f"anchor|{seq}|{digest}".encode(), "sha256").hex()
