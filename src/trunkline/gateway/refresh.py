"""Makes a call once more in the background, for a cache that has just given its last answer although it is no longer fresh.

The call goes the way of every call, as its caller's own: its key is checked, its limits and budgets count it, it has a record.
Not for: deciding when (`plugins/policies/cache.py`).
"""

from __future__ import annotations

from collections.abc import Callable

from trunkline.core.call import Exchange
from trunkline.core.ports import Inbound, Outbound
from trunkline.engine.inside import Asked, Gathered

LONGEST = 128
"""A correlation id (ruling 7)."""
_REPLACED = frozenset((b"x-trunkline-cache", b"x-correlation-id", b"x-trunkline-priority", b"traceparent"))


class Refresh:
    """Makes such calls through `handle`, the gateway's entry."""

    def __init__(self, handle: Callable[[Inbound, Outbound], None], bytes_max: int = 16 << 20) -> None:
        self._handle = handle
        self._bytes_max = bytes_max

    def __call__(self, exchange: Exchange, ended: Callable[[], None]) -> None:
        """Nobody waits for it, so it goes in the lowest lane; `ended` is told when it is over, however it went."""
        request = exchange.request
        headers = [field for field in request.headers if field[0] not in _REPLACED]
        correlation = exchange.correlation_id[: LONGEST - 8] + ".refresh"
        headers += [
            (b"x-correlation-id", correlation.encode()),
            (b"x-trunkline-cache", b"no-cache"),
            (b"x-trunkline-priority", b"batch"),
        ]
        again = Asked(request.method, request.target, headers, request.body, request)
        self._handle(again, Gathered(ended, self._bytes_max))
