"""Takes over what the gateway has accepted: from the inbox into the database, then out of the inbox.

An item leaves the inbox only once it lies in the database, durably; one that is taken over twice is one task all the same.
Not for: running anything.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, cast

from trunkline.core.codec import DecodeError, pack_decoder
from trunkline.core.deferral import Deferred, Item, Order
from trunkline.journal.deferrals import Damaged, Inbox
from trunkline.tasks.deferral import facts, start
from trunkline.tasks.port import Engine

_item = pack_decoder(cast(Any, Item))


class Intake:
    """From one inbox into one engine."""

    def __init__(
        self,
        inbox: Inbox,
        engine: Engine,
        said: Callable[[str], None],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._inbox = inbox
        self._engine = engine
        self._said = said
        self._wall = wall

    def take(self) -> int:
        """Takes over all that lies there; answers how many items. Raises what the database raises; nothing is lost then."""
        # Calls first: a wish may be about a call that lies here as well.
        names = sorted(self._inbox.names(), key=lambda name: (not name.startswith("tsk_"), name))
        for name in names:
            self._take(name)
        return len(names)

    def _take(self, name: str) -> None:
        try:
            data = self._inbox.read(name)
            item = _item.decode(data) if data is not None else None
        except (Damaged, DecodeError) as problem:
            self._said(f"an item of the inbox cannot be used and was set aside in `damaged`: {problem}")
            self._inbox.set_aside(name)
            return
        if isinstance(item, Deferred):
            self._engine.start(start(item))
        elif isinstance(item, Order):
            self._follow(item)
        self._inbox.remove(name)

    def _follow(self, order: Order) -> None:
        if order.what == "cancel":
            self._engine.cancel(order.id, order.actor)
            return
        task = self._engine.get(order.id)
        if task is not None:
            self._engine.again(order.id, self._wall() + facts(task).span_s)
