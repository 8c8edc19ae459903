"""What is asked of a caller key, what of that cannot be, and what a person should hear about it. Pure.

Not for: making or changing keys (`keys.py`).
"""

from __future__ import annotations

import ipaddress
import math
import re
from typing import Literal

import msgspec

from trunkline.control.periods import rfc3339
from trunkline.core.flow import Lane
from trunkline.core.identity import ROLES, Role
from trunkline.core.scopes import problem as scope_problem
from trunkline.core.service import ErrorStyle

Kind = Literal["app", "sdk", "browser"]
KINDS: tuple[Kind, ...] = ("app", "sdk", "browser")
DEFAULT_CONCURRENCY = 256
LONGEST_TEXT = 128

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+")
LANES: tuple[Lane, ...] = ("interactive", "pipeline", "batch")
BudgetPeriod = Literal["day", "month"]
MOST_USD = 1e9


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a new key shall be like. Times are epoch seconds, 0 for never; concurrency 0 for no bound."""

    name: str
    team: str = ""
    scopes: list[str] = []
    kind: Kind = "app"
    role: Role = "caller"
    """What it may in the console and its API; a caller may nothing there."""
    expires_at: float = 0.0
    ips: list[str] = []
    origins: list[str] = []
    concurrency: int = DEFAULT_CONCURRENCY
    rate: int = 0
    rate_per: float = 0.0
    budget_usd: float = 0.0
    """0 for no budget of its own."""
    budget_per: BudgetPeriod = "month"
    feature: str = ""
    subject: str = ""
    tags: str = ""
    lane: Lane = "interactive"
    error_style: ErrorStyle | None = None


SETTINGS = tuple(f for f in Wish.__struct_fields__ if f not in ("name", "team", "kind", "role", "expires_at"))
"""What of a wish is kept as the key's settings; the rest has columns of its own."""


def problems_of(wish: Wish, now: float) -> list[str]:
    """What is wrong with a wish, a line per value; empty when it can be granted."""
    problems = []
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,63}", wish.name):
        problems.append(
            f"--name {wish.name!r}: must be 1 to 64 letters, digits, spaces or ._- and begin with a letter or digit."
        )
    if wish.kind not in KINDS:
        problems.append(f"--kind {wish.kind!r}: must be one of {', '.join(KINDS)}.")
    if wish.role not in ROLES:
        problems.append(f"--role {wish.role!r}: must be one of {', '.join(ROLES)}.")
    elif wish.role != "caller" and wish.kind == "browser":
        problems.append(f"--role {wish.role}: a key of kind browser only mints tokens; take kind app.")
    if not wish.scopes and wish.role == "caller":
        problems.append(
            "--scope is missing: name what the key may call, e.g. 'integration:stripe', 'model:*', or '*' for everything."
        )
    problems += scope_problems(wish.scopes)
    problems += [
        f"--ip {ip!r}: must be an address or a network, e.g. 203.0.113.7 or 10.0.0.0/8."
        for ip in wish.ips
        if not _is_net(ip)
    ]
    if wish.lane not in LANES:
        problems.append(f"--lane {wish.lane!r}: must be one of {', '.join(LANES)}.")
    bad_origins = [origin for origin in wish.origins if not _ORIGIN.fullmatch(origin)]
    problems += [
        f"--origin {origin!r}: must be scheme and host alone, e.g. https://app.example.com."
        for origin in bad_origins
    ]
    if wish.expires_at and wish.expires_at <= now:
        problems.append(f"--expires {rfc3339(wish.expires_at)}: lies in the past.")
    if wish.concurrency < 0:
        problems.append(f"--concurrency {wish.concurrency}: must be at least 1, or none.")
    if not (math.isfinite(wish.budget_usd) and 0 <= wish.budget_usd <= MOST_USD):
        problems.append(
            f"--budget-usd {wish.budget_usd:g}: must be more than 0 and at most {MOST_USD:g}, or none."
        )
    for name in ("team", "feature", "subject", "tags"):
        value = getattr(wish, name)
        if len(value) > LONGEST_TEXT or not value.isprintable():
            problems.append(
                f"--{name} {value[:20]!r}...: must be at most {LONGEST_TEXT} printable characters."
            )
    return problems


def scope_problems(scopes: list[str]) -> list[str]:
    """What is wrong with scopes, a line per scope."""
    return [f"--scope {scope!r}: {found}" for scope in scopes if (found := scope_problem(scope))]


def _is_net(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def warnings_of(wish: Wish) -> list[str]:
    """What a person should hear about a new key (ruling 17)."""
    found = []
    if not wish.rate and not wish.budget_usd:
        found.append(
            f"{wish.name} has no rate limit and no budget; give --rate N/period or --budget-usd N/month to bound what it can spend."
        )
    if not wish.expires_at:
        found.append(f"{wish.name} never expires; give --expires 90d for a key that ends by itself.")
    if wish.kind == "browser" and not wish.origins:
        found.append(
            f"{wish.name} has no origin, so that no browser page may use its tokens; give --origin https://..."
        )
    return found
