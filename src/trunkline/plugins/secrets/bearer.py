"""A token that a cloud's login gives to a store's reader, and when the next one is due. Pure.

Not for: tokens toward vendors (`gateway/tokens.py`).
"""

from __future__ import annotations

from typing import NamedTuple

from trunkline.plugins.secrets import StoreDown
from trunkline.plugins.secrets.asking import Answer

EARLY_S = 60.0


class Bearer(NamedTuple):
    """A token and when to replace it (epoch seconds)."""

    token: str
    due_at: float

    def __repr__(self) -> str:
        return f"Bearer(due_at={self.due_at})"


def bearer(
    whose: str, answer: Answer, now: float, *, name: str = "access_token", life: str = "expires_in"
) -> Bearer:
    """The token in an answer. Raises StoreDown when there is none, with the code that the login gave."""
    token = answer.get(name)
    if answer.status != 200 or not isinstance(token, str) or not token:
        code = answer.get("error")
        said = f" {code[:60]}" if isinstance(code, str) else ""
        raise StoreDown(
            f"the login of {whose} was refused ({answer.status}{said})", "Check what it logs in with."
        )
    try:
        life_s = float(answer.get(life) or 300)
    except (TypeError, ValueError):
        life_s = 300.0
    return Bearer(token, now + max(life_s - EARLY_S, life_s / 2))
