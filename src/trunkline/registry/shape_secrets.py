"""The keys about secrets besides an integration's own: outside stores, and processes that get secrets into their environment.

Not for: an integration's credential (`shape_vendor.py`) and its schedule (`shape.py`).
"""

from __future__ import annotations

from typing import Literal

from .part import Part
from .quantity import Duration

StoreName = Literal["vault", "aws-sm", "gcp-sm", "azure-kv", "doppler", "infisical", "keyring"]


class OutsideStore(Part):
    """How an outside store is reached; what is not said comes from its usual variables. Its own credential never stands here."""

    address: str = ""
    """Its address, e.g. `https://vault.example.com:8200`. azure-kv: with `{vault}` in the place of the vault's name."""
    cache: Duration = ""
    """How long a value is believed before the store is asked again, at least 5s; default 5m."""
    region: str = ""
    """aws-sm: the region; default `AWS_REGION`."""
    project: str = ""
    """gcp-sm, infisical: the project of references that name none."""
    namespace: str = ""
    """vault: the namespace; default `VAULT_NAMESPACE`."""
    auth: Literal["token", "approle", "kubernetes"] | None = None
    """vault: how to log in; default: what the variables allow."""
    role: str = ""
    """vault: role of the login by kubernetes, or the role id of approle."""
    mount: str = ""
    """vault: where the login is mounted; default: its kind."""
    ca_file: str = ""
    """Certificates of a private authority, path relative to this file."""
    allow_http: bool = False
    """Permits plain HTTP to a host that is not this machine."""


class Process(Part):
    """A process of yours that gets secrets into its environment: `trunkline run --as NAME -- command`."""

    env: dict[str, str]
    """Variable -> reference of the secret that it gets, e.g. `DATABASE_PASSWORD: vault:secret/db#password`."""
    on_rotate: Literal["restart", "SIGHUP", "SIGUSR1", "SIGUSR2", "none"] = "restart"
    """What happens to a running process when one of them changes: it is started again, gets a signal, or nothing."""
    owner: str = ""
    """Who answers for it."""
