"""What the formats share: bounded texts, and which of two states is worse."""

from __future__ import annotations

from typing import Any

from trunkline.ops.outside import Indicator

ORDER: tuple[Indicator, ...] = ("none", "maintenance", "minor", "major", "critical")
TEXT_MAX = 200
LISTED_MAX = 20


class NotAStatusPage(Exception):
    """What was read is no status page in a known form; says why."""


def text(value: Any) -> str:
    """A vendor's text as one short line; empty for what is no text."""
    if not isinstance(value, str):
        return ""
    line = " ".join("".join(c if c.isprintable() else " " for c in value[: 4 * TEXT_MAX]).split())
    return line if len(line) <= TEXT_MAX else line[: TEXT_MAX - 1] + "…"


def rows(value: Any) -> list[dict[str, Any]]:
    """The objects of a list, as many as are ever shown."""
    return [one for one in value if isinstance(one, dict)][:LISTED_MAX] if isinstance(value, list) else []


def many(value: Any) -> list[dict[str, Any]]:
    """All the objects of a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def worst(*states: Indicator) -> Indicator:
    """The worst of them."""
    return max(states, key=ORDER.index, default="none")


def link(value: Any) -> str:
    """An address that may be shown as a link; empty for anything else."""
    line = text(value)
    return line if line.startswith(("https://", "http://")) else ""
