"""No credential: for services of one's own network, e.g. a PDF renderer."""

from __future__ import annotations

from trunkline.core.service import Auth
from trunkline.plugins.auth.ready import Ready


def prepare(auth: Auth, secret: str) -> Ready:
    """Nothing to add."""
    del auth, secret
    return Ready()
