"""The keys of the CONNECT listener (`egress:`).

Not for: what must hold of them, nor what the listener works with (`verify_egress.py`).
"""

from __future__ import annotations

from .part import Part


class Egress(Part):
    """The CONNECT listener: lets clients that cannot go through the proxy reach declared hosts, and no others."""

    port: int = 0
    """Port of the listener, on the address of the data plane; without it (and without `--egress-port`) there is none."""
    allow: list[str] = []
    """Hosts that are no integration but may be reached, e.g. `pypi.org`, `*.example.com`, `db.example.com:5432`. Port 443 unless told."""
