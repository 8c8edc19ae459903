"""`keyring:service/name`: the keyring of the operating system (Secret Service, KWallet, macOS Keychain), by the package `keyring`.

For a developer's own machine: a server has no unlocked keyring. Not for: writing to it; `keyring set service name` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trunkline.core.outside import StoreSettings
from trunkline.plugins.secrets import Given, SecretUnavailable, StoreDown
from trunkline.plugins.secrets.place import member, place


class Keyring:
    """The keyring of who runs Trunkline."""

    def __init__(self, settings: StoreSettings, environ: Mapping[str, str], *, backend: Any = None) -> None:
        self._backend = backend

    def fetch(self, rest: str) -> Given:
        at = place("keyring", rest, known=())
        service, _, name = at.path.rpartition("/")
        if not service or not name:
            raise SecretUnavailable(
                at.ref, "it does not name service and name", "Write `keyring:service/name`."
            )
        value = self._asked(service, name)
        if value is None:
            cure = f"Run: keyring set {service} {name}"
            raise SecretUnavailable(at.ref, "the keyring has no such entry", cure)
        return Given(member(at, value))

    def _asked(self, service: str, name: str) -> str | None:
        try:
            import keyring
            from keyring.errors import KeyringError
        except ImportError:
            cure = "Install the extra: pip install 'trunkline[keyring]'."
            raise StoreDown("the package `keyring` is not installed", cure) from None
        try:
            found: str | None = (self._backend or keyring).get_password(service, name)
        except KeyringError as problem:  # its texts name the backend, never a value
            cure = "Unlock it, or start Trunkline in the session that it belongs to."
            raise StoreDown(f"the keyring cannot be opened ({type(problem).__name__})", cure) from None
        return found
