"""What an adapter of a dialect without streams says of streams."""

from __future__ import annotations

from trunkline.core.ports import Reading


class Streamless:
    """There is nothing to look at on the way."""

    def watch(self, block: bytes, into: Reading) -> bytes | None:
        """No event is an error, for there are none."""
        del block, into
        return None

    def opens(self, block: bytes) -> bool:
        """Nothing is held back."""
        del block
        return False
