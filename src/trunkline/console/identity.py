"""Who asks the console, and how a request came: what handlers may take as `who` and `came`. Plain data.

Not for: finding out (`access.py`), nor for what a role may (`declare.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody with a role."""

    kind: Literal["nobody", "token", "session", "key"] = "nobody"
    id: str = ""
    """Of the user or the key; empty: the installation's admin. What is made by it has it as maker (`control/bounds.py`)."""
    name: str = ""
    role: str = ""
    teams: tuple[str, ...] | None = None
    """The teams whose things they may see and change; None: every one."""
    session: str = ""
    """Id of the session; only with a session a request needs a CSRF token to change anything."""

    @property
    def actor(self) -> str:
        """As audit rows name them."""
        if self.kind == "token":
            return "admin.token"
        return f"key:{self.id}" if self.kind == "key" else f"user:{self.name}"

    def sees(self, team: str) -> bool:
        """Whether things of a team are theirs to see; an empty team is nobody's, seen by who is bound to none."""
        return self.teams is None or team in self.teams


NOBODY = Identity()


class Came(NamedTuple):
    """How a request came."""

    address: str
    agent: str = ""
    host: str = ""
    cookies: str = ""
    site: str = ""
    """`Sec-Fetch-Site`: `none` for an address that a person has opened, `same-origin`, `cross-site`, ...; empty: not said."""
    prefetched: bool = False
    handed_on: bool = False
    """Through the gateway (`--one-port`), so that `host` is not the one that a browser knows."""


_LOOKERS = re.compile(
    r"bot\b|crawl|spider|preview|unfurl|expanding|facebookexternalhit|whatsapp", re.IGNORECASE
)
"""Programs of chats and mail that open a link to show what is behind it say so in their name."""


def came(headers: Mapping[str, str], address: str, method: str = "GET") -> Came:
    """From the header fields of a request. Who only looks (HEAD, previews of chats) counts as a prefetch."""
    purpose = headers.get("sec-purpose", "") + headers.get("purpose", "")
    looks = method == "HEAD" or _LOOKERS.search(headers.get("user-agent", "")) is not None
    return Came(
        address=address,
        agent=headers.get("user-agent", ""),
        host=headers.get("host", ""),
        cookies=headers.get("cookie", ""),
        site=headers.get("sec-fetch-site", ""),
        prefetched=looks or "prefetch" in purpose,
        handed_on="x-trunkline-from" in headers,
    )
