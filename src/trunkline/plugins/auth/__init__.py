"""How credentials are put on requests, one scheme a file; the name of a file is the `auth.kind` of the registry.

A scheme's `prepare(auth, secret)` gives a Signer whose header lines and query are ready, since these schemes do not depend on the
request; the token of `oauth2` comes later (gateway/tokens.py). Not for: where credentials come from (`plugins/secrets`), nor for who
may call (`plugins/policies/access.py`).
"""

from __future__ import annotations

from collections.abc import Callable

from trunkline.core.ports import Signer
from trunkline.core.service import Auth
from trunkline.plugins.auth import basic, bearer, header, none, oauth2, query

SCHEMES: dict[str, Callable[[Auth, str], Signer]] = {
    "basic": basic.prepare,
    "bearer": bearer.prepare,
    "header": header.prepare,
    "none": none.prepare,
    "oauth2": oauth2.prepare,
    "query": query.prepare,
}


def prepare(auth: Auth, secret: str) -> Signer:
    """Raises ValueError (without the secret) when the secret cannot be sent this way."""
    return SCHEMES[auth.kind](auth, secret)
