"""What must hold of the CONNECT listener's keys, and what the listener works with.

Not for: the keys (`shape_egress.py`), nor the listener itself (`ops/egress`).
"""

from __future__ import annotations

import re

from trunkline.core import egress

from .layer import Scribe
from .shape_egress import Egress

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?:\*\.)?(?:{_LABEL}\.)*{_LABEL}(?::[0-9]{{1,5}})?", re.IGNORECASE)


def verify_egress(own: Egress | None, scribe: Scribe) -> None:
    """Writes every error."""
    if own is None:
        return
    if not 0 <= own.port <= 65535:
        cure = "Use a number from 1 to 65535, e.g. 4002."
        scribe.error(("egress", "port"), "bad-value", f"{own.port} is no port.", cure, value=str(own.port))
    for number, host in enumerate(own.allow):
        place = ("egress", "allow", number)
        name, _, port = host.partition(":")
        if not _HOST.fullmatch(host) or "." not in name or (port and not 0 < int(port) < 65536):
            cure = "Write e.g. `api.example.com`, `*.example.com` or `db.example.com:5432`."
            scribe.error(place, "bad-value", f"`{host[:80]}` is no host.", cure, value=host[:80])
        elif name.startswith("*.") and name.count(".") < 2:
            said = f"`{host}` lets a whole top-level domain through."
            scribe.error(place, "too-broad", said, "Name the domain, e.g. `*.example.com`.", value=host)
        elif name.replace(".", "").isdigit():
            cure = "Name the host, or declare an integration with that address."
            scribe.error(place, "bad-value", f"`{host}` is an address, not a name.", cure, value=host)


def merged(own: Egress | None) -> egress.Egress:
    """As the listener works with it."""
    return (
        egress.Egress(port=own.port, allow=[host.lower() for host in own.allow]) if own else egress.Egress()
    )
