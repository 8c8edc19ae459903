"""Who looks at sampled calls, in their order. Each is given every sample once, in a thread (`looking.py`).

Not for: how samples come here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trunkline.console.contracts import Contracts
from trunkline.core.sample import Looker
from trunkline.ops.data.looker import DataLooker

if TYPE_CHECKING:
    from trunkline.console.context import Console


def lookers(console: Console) -> list[Looker]:
    """All of them."""
    data = DataLooker(console.state, console.published.snapshot, clock=console.clock)
    return [Contracts(console), data]
