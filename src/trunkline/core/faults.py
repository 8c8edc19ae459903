"""Faults on demand (F12): what `trunkline faults set` writes into the state folder and a gateway outside of production plays.

Each holds all that is needed to play it, the vendor's own words included, so that the gateway needs no simulator. Pure but for
`read`. Not for: playing (`gateway/faults.py`), changing the file (`control/faults.py`), drills (`ops/drill`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from trunkline.core.codec import json_decoder

FILE = "faults.json"
JOURNAL = "store:journal"
"""Stands for an integration: the journal of the gateway itself, which can be made to act as on a full disk."""
DISK_FULL = "disk_full"
LIFTED = "no fault is set any more"
"""What the gateway says when the last one was cleared."""

Play = Literal["answer", "refused", "never", "latency", "cut", "event", "disk_full"]
"""`answer`: this instead of the vendor's; `refused`: no connection; `never`: sent and never answered; `latency`: the vendor's answer,
later; `cut`: the vendor's answer, broken off; `event`: the vendor's stream up to an error event (a whole answer: `answer`)."""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """A fault in force. Times are epoch seconds."""

    integration: str
    fault: str
    """Its name, as in `trunkline faults set` and in the header `x-trunkline-fault`."""
    play: Play
    share: float = 1.0
    """Of the attempts, drawn by chance."""
    since: float = 0.0
    until: float = 0.0
    """0: until it is cleared."""
    ms: float = 0.0
    """Delay."""
    after: int = 0
    """Events of a stream that pass before it strikes."""
    status: int = 0
    fields: list[tuple[str, str]] = []
    body: str = ""
    events: dict[str, str] = {}
    """The error event by family of dialects (`anthropic`, `responses`; empty: all others)."""

    def holds(self, now: float) -> bool:
        """Whether it is in force."""
        return not self.until or now < self.until


class Faults(msgspec.Struct, frozen=True):
    """The content of the file."""

    faults: list[Fault] = []


_decoder: msgspec.json.Decoder[Faults] = json_decoder(Faults)


def read(path: Path) -> list[Fault]:
    """The faults of a file; none if there is no file. Raises DecodeError for one that does not fit."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    return _decoder.decode(content).faults
