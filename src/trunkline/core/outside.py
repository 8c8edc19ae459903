"""How an outside store of secrets is reached, as the registry says it (`stores`): plain data between `registry` and who fetches.

Never part of what the gateway gets. Not for: the credentials of the store itself, which come from its usual variables and files.
"""

from __future__ import annotations

import msgspec

CACHE_S = 300.0
SCHEMES = ("vault", "aws-sm", "gcp-sm", "azure-kv", "doppler", "infisical", "keyring")
"""The stores that Trunkline can read, by the scheme of their references."""


class StoreSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One store. What is empty comes from the store's usual variables (`VAULT_ADDR`, `AWS_REGION`, ...)."""

    address: str = ""
    cache_s: float = CACHE_S
    """How long a value is believed before the store is asked again."""
    region: str = ""
    """aws-sm."""
    project: str = ""
    """gcp-sm, doppler, infisical: where a reference names none."""
    namespace: str = ""
    """vault."""
    auth: str = ""
    """vault: token, approle or kubernetes; empty: what the variables allow."""
    role: str = ""
    """vault: role of the login."""
    mount: str = ""
    """vault: where the login is mounted, if not under its usual name."""
    ca_file: str = ""
    allow_http: bool = False


def is_outside(ref: str) -> bool:
    """Whether a reference leads to an outside store."""
    return ref.partition(":")[0] in SCHEMES
