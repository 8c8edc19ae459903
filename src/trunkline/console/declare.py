"""What an endpoint of the admin API is: method, path, who may, what it takes and gives. Everything else is made from this.

The routes, the checks of role, the OpenAPI document and the test that tries every route with every role all read the same list.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

ROLES = ("open", "viewer", "developer", "operator", "admin")
"""Each may what those before it may. `open` needs no identity."""


Reach = Literal["refused", "shared", "own"]
"""What somebody bound to teams has of an endpoint: nothing; all of it, because nothing in it is of a team; or the part of their own
teams, which the handler picks by `who`."""


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An endpoint that takes no parameters."""


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One declared endpoint."""

    method: str
    path: str
    """`{name}` stands for one segment, and is a field of `query` too."""
    role: str
    """The least role that may use it."""
    reach: Reach = "refused"
    """What of it somebody who is bound to teams has."""
    scope: str = ""
    """A caller key with this scope may use it as well; `{name}` in it is the path's."""
    name: str
    summary: str
    query: type[msgspec.Struct] = Nothing
    """Path and query parameters."""
    body: type[msgspec.Struct] | None = None
    """What it takes as JSON or as a form; for what must not stand in an address, and for what is long."""
    reply: Any = None
    """Shape of the JSON answer; None if it answers with something else."""
    media: str = "application/json"
    handler: Callable[..., Any]
    """Takes (console, query) and gives the reply, or a Starlette response. It may also take, by name, `who` (an Identity), `body`,
    `came` (how the request came), `accept` and `last_event_id`."""
    is_async: bool = False


def may(role: str, least: str) -> bool:
    """Whether a role is enough. A role that is not known is none."""
    return least == "open" or (role in ROLES and ROLES.index(role) >= ROLES.index(least))
