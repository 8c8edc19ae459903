"""Where an earlier call was answered, for those that go on with it: what an account has stored (OpenAI's Responses and
conversations) or encrypted (reasoning that a caller hands back) is known to that account alone.

Remembered are answers of pools, of fallbacks and of virtual models, in memory, the newest MOST. Who is not remembered any
more is asked for at one member after the other (`plan.py`, `homeless`), unless it was stored by id
(`plugins/policies/stored_responses.py`). Not for: choosing among members that are
all as good (`pool.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trunkline.core.call import Member, Target
from trunkline.core.exchange import Exchange
from trunkline.core.stored import BOUND, DIALECT, Place
from trunkline.engine.fallback import Fallbacks, lead
from trunkline.engine.pool import aim

MOST = 50_000
_SEALED = 100
"""So much of what is encrypted tells it from anything else."""

_STORED = re.compile(rb'"(?:previous_response_id|conversation)"\s*:\s*(?:\{\s*"id"\s*:\s*)?"([^"\\]{1,200})"')
_ENCRYPTED = re.compile(rb'"encrypted_content"\s*:\s*"([^"\\]{16,100})')
_PATH = re.compile(rb"/(?:responses|conversations)/([^/]{1,200})")


class Affinity:
    """Places by what binds a call to them; those used last behind."""

    def __init__(self, fallbacks: Fallbacks) -> None:
        self._fallbacks = fallbacks
        self.places: dict[int, Place] = {}

    def learn(self, exchange: Exchange) -> None:
        """A call was answered by a vendor."""
        attempt, reading = exchange.attempt, exchange.reading
        if attempt is None or reading is None or not reading.binding:
            return
        target = attempt.target
        place = Place(target.live.name, target.member.name, target.model)
        if exchange.turn is not None:
            exchange.home = place
        if len(target.live.members) == 1 and exchange.via is None and exchange.choice is None:
            return  # the next call comes here anyway
        for name in reading.binding:
            self._keep(hash(name.encode()[:_SEALED]), place)

    def _keep(self, key: int, place: Place) -> None:
        self.places.pop(key, None)
        self.places[key] = place
        if len(self.places) > MOST:
            del self.places[next(iter(self.places))]

    def first(self, exchange: Exchange) -> Target | None:
        """The target at which a call must begin; None where any will do, or none is remembered."""
        place = self._place(exchange)
        if place is None:
            return None
        route = exchange.route
        assert route is not None
        if place.integration != route.live.name:
            home = self._fallbacks.home(exchange, f"{place.integration}/{place.model}")
            if home is None or _member(home.live.members, place) is None:
                return None
            if not self._fallbacks.affords(exchange, home, False):
                return None
            lead(exchange, home, exchange.body)
            if exchange.choice is None:
                name = f"{home.live.name}/{home.model}".encode("ascii", "replace")
                exchange.extra += b"x-trunkline-fallback: target=%b\r\n" % name
            route = home
        member = _member(route.live.members, place)
        if member is None:
            return None
        exchange.notes += (f"affinity={place.integration}",)
        return aim(route.live, member, route.model)

    def _place(self, exchange: Exchange) -> Place | None:
        if exchange.home is not None:
            return exchange.home
        for name in _names(exchange):
            key = hash(name[:_SEALED])
            place = self.places.get(key)
            if place is not None:
                self._keep(key, place)
                return place
        return None


def _names(exchange: Exchange) -> Iterator[bytes]:
    """What binds a call, the surest first."""
    if exchange.dialect in BOUND:
        body = exchange.body
        yield from _STORED.findall(body)
        # The last is the newest: earlier ones may stem from before a failover.
        yield from reversed(_ENCRYPTED.findall(body))
    elif not exchange.dialect and exchange.route is not None:
        hit = _PATH.search(exchange.path)
        if hit is not None and DIALECT in exchange.route.live.dialects.values():
            yield hit[1]


def _member(members: list[Member], place: Place) -> Member | None:
    return next((member for member in members if member.name == place.member), None)
