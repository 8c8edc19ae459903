"""What the gateway process says: lines on standard error, without credentials. The supervisor passes them on.

Not for: what happened to calls; that is the journal's.
"""

from __future__ import annotations

import sys
from typing import TextIO

from trunkline.core.scrub import Scrubber
from trunkline.core.text import printable


def say(text: str) -> None:
    """One line, whatever stands in it."""
    sys.stderr.write(f"trunkline gateway: {printable(text)}\n")
    sys.stderr.flush()


class Scrubbed:
    """Stands before a stream and takes live credentials out of all that is written, tracebacks too."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.scrubber = Scrubber()

    def write(self, text: str) -> int:
        """Writes the text without credentials."""
        return self._stream.write(self.scrubber.text(text))

    def flush(self) -> None:
        """As of any stream."""
        self._stream.flush()

    def fileno(self) -> int:
        """As of any stream."""
        return self._stream.fileno()
