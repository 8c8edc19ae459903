"""What is known of OpenID providers for a few minutes: their documents and keys; and the secrets that Trunkline is known to them by.

Not for: asking them (`ops/oidc.py`), nor for signing in (`oidc.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from trunkline.console.watching import Secrets
from trunkline.control.state import State
from trunkline.core.identity import TokenKey
from trunkline.ops import oidc
from trunkline.ops.oidc import OidcProblem, Provider

KNOWN_S = 300.0


class Providers:
    """Those of one console."""

    def __init__(self, state: State, clock: Callable[[], float] = time.monotonic) -> None:
        self._secrets = Secrets(state)
        self._clock = clock
        self._documents: dict[str, tuple[float, Provider]] = {}
        self._keys: dict[str, tuple[float, list[TokenKey]]] = {}

    def provider(self, issuer: str) -> Provider:
        """Raises OidcProblem."""
        known = self._documents.get(issuer)
        if known is None or self._clock() - known[0] > KNOWN_S:
            known = self._clock(), oidc.discover(issuer)
            self._documents = {issuer: known}
        return known[1]

    def keys(self, of: Provider, *, again: bool = False) -> list[TokenKey]:
        """Raises OidcProblem."""
        known = self._keys.get(of.issuer)
        if again or known is None or self._clock() - known[0] > KNOWN_S:
            known = self._clock(), oidc.keys(of.issuer, of.jwks)
            self._keys = {of.issuer: known}
        return known[1]

    def secret(self, ref: str) -> str:
        """The value behind a reference. Raises OidcProblem."""
        self._secrets.look()
        try:
            return self._secrets.value(ref)
        except ValueError as problem:
            raise OidcProblem(f"the client secret {ref} cannot be had: {problem}") from None
