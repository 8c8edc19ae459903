"""The faults that a drill plays, one row each: how the simulator plays it, to which kinds of calls, and how it may be told.

Not for: playing them (the simulator), nor judging (`verdict.py`).
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

Form = Literal["model", "stream", "read", "act"]
"""A model call, a model call as a stream, a proxied call that may be repeated, and one that may not."""

FORMS: tuple[Form, ...] = ("model", "stream", "read", "act")
EVERY = frozenset(FORMS)
REFUSED = "refused"
"""Nothing listens: no fault of the simulator, but an address."""
PAUSE_S = 1
"""What the 429 with `Retry-After` asks for."""


class Fault(NamedTuple):
    """`inject`: the simulator's name for it. `codes`: how a caller without fallback may be told, besides `outcome_unknown`
    for an act without any answer. `late`: it strikes after the answer has begun, when no fallback can help any more.
    """

    name: str
    title: str
    inject: str
    codes: frozenset[str]
    forms: frozenset[Form] = EVERY
    args: dict[str, Any] = {}
    late: bool = False
    doubtful: bool = False
    """Nothing may tell it from an answer: that it passes as one is a finding, no failure."""


def _row(name: str, title: str, inject: str, codes: str, forms: str = "", *, late: bool = False, doubtful: bool = False,
         **args: Any) -> Fault:  # fmt: skip
    chosen = frozenset(form for form in FORMS if not forms or form in forms.split())
    return Fault(name, title, inject, frozenset(codes.split()), chosen, args, late, doubtful)


_LIMITED = "rate_limited concurrency_limited quota_exhausted spend_exhausted slow_down deadline_exceeded"
"""What a 429 can mean to a vendor, and that the call's time was over before the pause was."""

FAULTS: dict[str, Fault] = {
    row.name: row
    for row in (
        _row("rate_limit", f"429 with Retry-After: {PAUSE_S}", "rate_limit", _LIMITED, retry_after=PAUSE_S),
        _row("rate_limit_bare", "429 that names no time", "rate_limit_bare", _LIMITED),
        _row("quota", "quota used up", "quota", f"{_LIMITED} billing"),
        _row("server_error", "500", "server_error", "server_error"),
        _row("overloaded", "503 or 529: overloaded", "overloaded", "overloaded server_error"),
        _row("auth_invalid", "credential refused (401)", "auth", "auth_invalid permission_denied"),
        _row("refused", "connection refused", REFUSED, "network"),
        _row("never", "accepts and never answers", "never", "timeout_upstream deadline_exceeded"),
        _row("slow_start", "first byte too late", "slow_start", "timeout_upstream deadline_exceeded"),
        _row("reset", "reset before the answer", "reset", "network"),
        _row("cut", "cut in the middle of the answer", "reset_mid", "network malformed_response", late=True),
        _row("bad_json", "status 200, JSON that is none", "bad_json", "malformed_response server_error", "model"),
        _row("html", "status 200, a page of HTML", "html", "malformed_response server_error network", "model stream"),
        _row("error_in_200", "status 200 with the vendor's error inside", "error_after", "", "model", doubtful=True),
        _row("error_first", "stream: error event before any content", "error_first", "", "stream"),
        _row("error_after", "stream: error event after content", "error_after", "", "stream", late=True),
        _row("truncated", "stream: clean end without its last event", "truncate", "", "stream", late=True),
    )
}  # fmt: skip
"""By name. An empty `codes` takes any code of the vendor's side."""

OUTAGE = "outage"
"""What breakers are drilled with: an integration that fails with 500 for a while."""

STORES: dict[str, str] = {
    "console_stopped": "the console is gone",
    "ledger_locked": "the ledger's database is locked by somebody else",
    "disk_full": "no room for the journal (injected)",
    "secret_lost": "the secret store is gone: at a reload, and at a start",
}
"""Stores of Trunkline's own that go away."""


def names() -> list[str]:
    """Everything that can be drilled."""
    return [*FAULTS, OUTAGE, *STORES]
