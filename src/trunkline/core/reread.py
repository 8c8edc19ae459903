"""How the gateway asks the supervisor to look at a secret's source once more, after a vendor refused the value: two small files.

The gateway writes `rereads.asked.json`, the supervisor answers in `rereads.done.json` after it has published what it found. Never a value.
Not for: deciding when to ask (`gateway/rereads.py`) or how to look (`control/rereads.py`).
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from trunkline.core.codec import DecodeError, json_decoder

ASKED, DONE = "rereads.asked.json", "rereads.done.json"


class Ask(msgspec.Struct, frozen=True):
    """A wish to have one reference read anew. `id` is new for each wish."""

    ref: str
    id: str


class Done(msgspec.Struct, frozen=True):
    """What became of a wish: `changed` when there was another value, which is published by then."""

    ref: str
    id: str
    changed: bool
    problem: str = ""


_asks: msgspec.json.Decoder[list[Ask]] = json_decoder(list[Ask])
_dones: msgspec.json.Decoder[list[Done]] = json_decoder(list[Done])


def asked(state: Path) -> list[Ask]:
    """All wishes; none where the file is missing or does not read."""
    try:
        return _asks.decode((state / ASKED).read_bytes())
    except (OSError, DecodeError):
        return []


def done(state: Path) -> list[Done]:
    """All answers."""
    try:
        return _dones.decode((state / DONE).read_bytes())
    except (OSError, DecodeError):
        return []
