"""What scopes of keys cover, and what two sets of them have in common. Pure.

Used where one who hands out rights must not hand out more than it has: keys made by keys and by people, browser tokens, tokens of
other issuers. Sound rather than complete: where it cannot be told that everything is covered, it is not. Not for: judging a call
(`plugins/policies/access.py`).
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable

EVERYTHING = "*"
SECRETS = "secrets:"
"""Scope of who may read the secrets of a process (`trunkline run`)."""
_SPECIAL = frozenset("*?[")
_GLOBBED = ("model",)
_FORM = re.compile(
    r"\*|health:read|metrics:read|integration:[a-z0-9_.@-]+(:[A-Za-z0-9_.*-]+)?|integration:\*|model:\S+|(route|connection):[a-z0-9_.@*-]+"
)


def problem(scope: str) -> str:
    """What is wrong with a scope's form, with the cure; empty when nothing is."""
    if _FORM.fullmatch(scope):
        return ""
    if ":" not in scope:
        return f"names no kind; write e.g. 'integration:{scope}' or 'model:{scope}'."
    return (
        "must be integration:NAME[:OPERATION], model:GLOB, route:NAME, connection:NAME, health:read, metrics:read or * "
        "(names in small letters)."
    )


def covers(held: str, asked: str) -> bool:
    """Whether who holds one scope may hand out the other. Every call is not every secret: `*` covers no `secrets:NAME`."""
    if held == asked or (held == EVERYTHING and not asked.startswith(SECRETS)):
        return True
    sort, _, has = held.partition(":")
    kind, _, wants = asked.partition(":")
    if sort == "integration" and ":" not in has:
        if kind == "integration":
            name = wants.partition(":")[0]
            return has in (EVERYTHING, name, name.partition("@")[0])
        if kind == "model":
            vendor = wants.partition("/")[0]
            return _plain(vendor) and "/" in wants and has in (EVERYTHING, vendor)
    if sort == "integration" and kind == "integration":
        return has.endswith(":*") and wants.partition(":")[0] == has[:-2] and ":" in wants
    if sort == kind and kind in _GLOBBED:
        return _within(wants, has)
    return False


def covered(asked: str, held: Iterable[str]) -> bool:
    """Whether one of the scopes held covers what is asked."""
    return any(covers(one, asked) for one in held)


def common(asked: Iterable[str], held: Iterable[str]) -> list[str]:
    """What both allow: those asked that are covered, and those held that lie within something asked."""
    wanted, has = list(asked), list(held)
    found = [one for one in wanted if covered(one, has)]
    found += [one for one in has if covered(one, wanted)]
    return list(dict.fromkeys(found))


def _within(inner: str, outer: str) -> bool:
    """Whether every name that one glob matches is matched by the other, as far as can be told."""
    if _plain(inner):
        return fnmatch.fnmatchcase(inner, outer)
    # A glob within a glob: only where the outer one is a beginning and then anything.
    start = outer[:-1]
    return outer.endswith("*") and _plain(start) and inner.startswith(start)


def _plain(text: str) -> bool:
    return _SPECIAL.isdisjoint(text)
