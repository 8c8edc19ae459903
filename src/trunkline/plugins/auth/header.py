"""The credential in a header that the vendor names, e.g. `x-api-key: SECRET`."""

from __future__ import annotations

from trunkline.core.service import Auth
from trunkline.plugins.auth.ready import Ready, line


def prepare(auth: Auth, secret: str) -> Ready:
    """The header line. Raises ValueError for a secret that a header cannot carry."""
    return Ready(line(auth.name, auth.template.replace("{secret}", secret)))
