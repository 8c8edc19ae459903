"""`Authorization: Bearer SECRET` (RFC 6750), or another template in its place, e.g. `Token {secret}`."""

from __future__ import annotations

from trunkline.core.service import Auth
from trunkline.plugins.auth.ready import Ready, line


def prepare(auth: Auth, secret: str) -> Ready:
    """The `Authorization` line. Raises ValueError for a secret that a header cannot carry."""
    template = "Bearer {secret}" if auth.template == "{secret}" else auth.template
    return Ready(line("authorization", template.replace("{secret}", secret)))
