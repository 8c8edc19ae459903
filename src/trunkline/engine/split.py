"""A named route that several integrations serve, each its share of the callers: two versions of one API side by side.

Who calls stays with one of them, by subject where a call names one, else by key: nobody gets an answer of one version and then of the
other. A share that grows takes callers over and gives none back. Pure. Not for: models that stand for several (`virtual.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

from trunkline.core.call import Route
from trunkline.core.exchange import Exchange

_WHOLE = 1 << 32


class Split:
    """The shares of one named route. `routes`: by integration."""

    def __init__(self, name: str, shares: Mapping[str, float], routes: Mapping[str, Route]) -> None:
        self._salt = name.encode()
        total = sum(shares.values())
        self._ends: list[tuple[int, Route]] = []
        end = 0.0
        for integration, share in shares.items():
            end += share / total * _WHOLE
            self._ends.append((round(end), routes[integration]))

    def of(self, exchange: Exchange) -> Route:
        """The route of whoever calls."""
        caller = exchange.caller
        who = exchange.subject_hash or (caller.id if caller is not None else "")
        place = int.from_bytes(blake2b(who.encode(), key=self._salt[:64], digest_size=4).digest())
        return next((route for end, route in self._ends if place < end), self._ends[-1][1])
