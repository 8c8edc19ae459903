"""What vendors said in header fields of the end of things, as the gateway writes it down and the console reads it: one small file.

Not for: what it means (`lifecycle.py`).
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from trunkline.core.codec import DecodeError, json_decoder

FILE = "vendor-notices.json"
SAID_S = 14 * 86_400.0
"""What a vendor has not said for so long holds no more."""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was said of an operation. Times are epoch seconds."""

    integration: str
    operation: str
    """Declared name; empty for an undeclared one."""
    method: str
    path: str
    """Of the call that was answered so first."""
    pinned: str
    """The API version that was asked for; empty where none is pinned."""
    fields: dict[str, str]
    """Lower-cased names of header fields -> what they said."""
    first_at: float
    last_at: float
    correlation_id: str


_decoder: msgspec.json.Decoder[list[Notice]] = json_decoder(list[Notice])


def read(state: Path) -> list[Notice]:
    """What the gateway has noticed since it started; nothing where there is no file that can be read."""
    try:
        return _decoder.decode((state / FILE).read_bytes())
    except (OSError, DecodeError):
        return []


def mark(state: Path) -> tuple[int, ...]:
    """Tells whether the file is another one than before; empty while there is none."""
    try:
        stat = (state / FILE).stat()
    except OSError:
        return ()
    return stat.st_ino, stat.st_mtime_ns, stat.st_size
