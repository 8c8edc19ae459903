"""Reads the `kills` file (ruling 25): keys and credentials that are dead at once, running calls included.

Written by `trunkline keys revoke --now` and `trunkline secrets kill` (control/kills.py), also while console and database are away.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import msgspec

from trunkline.core.codec import DecodeError, json_decoder


class _Line(msgspec.Struct):
    what: str = ""
    subject: str = ""
    dead: bool = True


_line: msgspec.json.Decoder[_Line] = json_decoder(_Line)


class Kills(NamedTuple):
    """Ids of keys and references of credentials that are dead now."""

    keys: frozenset[str] = frozenset()
    credentials: frozenset[str] = frozenset()


def read(path: Path) -> Kills:
    """The last line about each subject counts; a torn line is passed over."""
    dead: dict[tuple[str, str], bool] = {}
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return Kills()
    for text in lines:
        try:
            line = _line.decode(text)
        except DecodeError:
            continue
        dead[line.what, line.subject] = line.dead
    alive = [pair for pair, is_dead in dead.items() if is_dead]
    return Kills(
        frozenset(s for w, s in alive if w == "key"), frozenset(s for w, s in alive if w == "credential")
    )
