"""Reads the `kills` file (ruling 25): keys, credentials and integrations that are dead at once, running calls included.

Written by `trunkline keys revoke`, `secrets revoke` and `integrations disable` (control/kills.py), also while console and database
are away. Not for: what `cut` does to a call (`engine/gateway.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from trunkline.core.call import Target
from trunkline.core.codec import DecodeError, json_decoder
from trunkline.core.errors import CallError
from trunkline.core.exchange import Exchange
from trunkline.engine.world import Dead, refuse, refused_member


class _Line(msgspec.Struct):
    what: str = ""
    subject: str = ""
    dead: bool = True
    why: str = ""


_line: msgspec.json.Decoder[_Line] = json_decoder(_Line)


class Kills(NamedTuple):
    """What is dead now: ids of keys, and what may not be called any more."""

    keys: frozenset[str] = frozenset()
    vendors: Dead = Dead()


def read(path: Path) -> Kills:
    """The last line about each subject counts; a torn line is passed over."""
    last: dict[tuple[str, str], _Line] = {}
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return Kills()
    for text in lines:
        try:
            line = _line.decode(text)
        except DecodeError:
            continue
        last[line.what, line.subject] = line

    def dead(kind: str) -> Mapping[str, str]:
        return {subject: line.why for (what, subject), line in last.items() if what == kind and line.dead}

    return Kills(frozenset(dead("key")), Dead(frozenset(dead("credential")), dead("integration")))


def ended(exchange: Exchange, kills: Kills) -> CallError | None:
    """Why a running call must end now; None if it may go on."""
    if exchange.caller is not None and exchange.caller.id in kills.keys:
        return CallError("unauthenticated", "the key of this call was revoked", scope="key")
    beside = exchange.race.second if exchange.race is not None else None
    for attempt in (exchange.attempt, beside):
        if attempt is not None and attempt.response is not None and attempt.error is None:
            error = refused_member(attempt.target.live.name, attempt.target.member.name, kills.vendors)
            if error is not None:
                return error
    return None


def enforce(
    kills: Kills,
    running: Iterable[Exchange],
    cut: Callable[[Exchange, CallError], None],
    recheck: Callable[[Callable[[Target], CallError | None]], None],
) -> None:
    """Ends the running calls that must end. A call keeps the world that it began with: there too no further attempt goes out, and
    those that wait in line for one (`recheck`, plugins/policies/queue.py) wait no longer.
    """
    calls = list(running)
    for world in {exchange.heading.world for exchange in calls if exchange.heading is not None}:
        for live in world.services.values():
            refuse(live, kills.vendors)
    # First the lines: who is cut makes room, and nobody may be let into it who must not go.
    recheck(lambda target: refused_member(target.live.name, target.member.name, kills.vendors))
    for exchange in calls:
        error = ended(exchange, kills)
        if error is not None:
            cut(exchange, error)
