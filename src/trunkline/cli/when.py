"""Instants on the command line: `7d` (that long ago), dates, RFC 3339; as epoch microseconds."""

from __future__ import annotations

import time

import click


def micros(text: str | None, flag: str) -> int | None:
    """Microseconds of what a person wrote; None for nothing."""
    if not text:
        return None
    from trunkline.control.periods import instant, seconds

    now = time.time()
    try:
        return int((now - seconds(text)) * 1e6)
    except ValueError:
        pass
    try:
        return int(instant(text, now) * 1e6)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no time; write e.g. 2h, 7d or 2026-10-01", param_hint=flag
        ) from None
