"""What people write of a key, as command-line options or in the admin API, -> fields of a wish. Pure.

`90d`, `600/1m`, `50/month`, `none`. Each raises ValueError with the cure. Not for: what cannot be asked of a key (`wish.py`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from trunkline.control.periods import instant, seconds

_PERIODS = {"day": "day", "d": "day", "1d": "day", "month": "month"}


def fields_of(given: Mapping[str, Any], now: float) -> dict[str, Any]:
    """Fields of `wish.Wish` for what was given; None is not given. Raises ValueError naming the first that is wrong."""
    wish: dict[str, Any] = {}
    for name, value in given.items():
        if value is None:
            continue
        read = _MEANING.get(name)
        try:
            wish |= (
                read(value, now)
                if read is not None
                else {name: list(value) if isinstance(value, tuple) else value}
            )
        except ValueError as problem:
            raise Unreadable(name, str(problem)) from None
    return wish


class Unreadable(ValueError):
    """A value that cannot be read; `name` is the field's."""

    def __init__(self, name: str, said: str) -> None:
        super().__init__(said)
        self.name = name


def expiry(text: str, now: float) -> dict[str, Any]:
    """`90d`, a date, or `never`."""
    return {"expires_at": instant(text, now)}


def concurrency(text: str | int, now: float = 0.0) -> dict[str, Any]:
    """A number, or `none`."""
    text = str(text)
    if text.lower() == "none":
        return {"concurrency": 0}
    if not _is_count(text):
        raise ValueError(f"{text!r} must be a number from 1 on, or none")
    return {"concurrency": int(text)}


def rate(text: str, now: float = 0.0) -> dict[str, Any]:
    """`600/1m` or `none`."""
    if not text or text.lower() == "none":
        return {"rate": 0, "rate_per": 0.0}
    count, slash, period = text.partition("/")
    if not slash or not _is_count(count):
        raise ValueError(f"{text!r} must be a number and a period, e.g. 600/1m or 10/s")
    return {"rate": int(count), "rate_per": seconds(period)}


def budget(text: str, now: float = 0.0) -> dict[str, Any]:
    """`50/month`, `2.50/day` or `none`."""
    if not text or text.lower() == "none":
        return {"budget_usd": 0.0, "budget_per": "month"}
    amount, _, period = text.partition("/")
    number = float(amount) if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", amount) else math.nan
    if not number > 0 or period.lower() not in _PERIODS:
        raise ValueError(f"{text!r} must be an amount and day or month, e.g. 50/month or 2.50/day, or none")
    return {"budget_usd": number, "budget_per": _PERIODS[period.lower()]}


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) >= 1


_MEANING: dict[str, Callable[..., dict[str, Any]]] = {
    "expires": expiry,
    "concurrency": concurrency,
    "rate": rate,
    "budget_usd": budget,
}
