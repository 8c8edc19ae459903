"""Who looks at sampled calls, in their order. Each is given every sample once, in a thread (`looking.py`).

Not for: how samples come here.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from trunkline.console.contracts import Contracts
from trunkline.core.persons import person_hash
from trunkline.core.sample import Looker
from trunkline.ledger.persons import tie
from trunkline.ops.data.about import AboutLooker
from trunkline.ops.data.looker import DataLooker

if TYPE_CHECKING:
    from trunkline.console.context import Console


def lookers(console: Console) -> list[Looker]:
    """All of them."""
    state = console.state
    data = DataLooker(state, console.published.snapshot, clock=console.clock)
    about = AboutLooker(partial(person_hash, state.keys["subject_salt"]), partial(tie, state.ledger))
    return [Contracts(console), data, about]
