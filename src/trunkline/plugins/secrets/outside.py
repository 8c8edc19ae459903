"""The outside stores by the scheme of their references; each is imported when a registry names it.

Adding one: a file with a class of `Outside`, a row here and in `core/outside.py`. Not for: when they are asked (`control/stores.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from trunkline.core.outside import SCHEMES, StoreSettings
from trunkline.plugins.secrets import Outside

_CLASSES = {
    "vault": "vault:Vault",
    "aws-sm": "aws_sm:AwsSecretsManager",
    "gcp-sm": "gcp_sm:GcpSecretManager",
    "azure-kv": "azure_kv:AzureKeyVault",
    "doppler": "doppler:Doppler",
    "infisical": "infisical:Infisical",
    "keyring": "keyring:Keyring",
}
assert tuple(_CLASSES) == SCHEMES


def open_store(scheme: str, settings: StoreSettings, environ: Mapping[str, str]) -> Outside:
    """The reader of one store. Reads nothing yet."""
    module, _, name = _CLASSES[scheme].partition(":")
    found: Outside = getattr(import_module(f"trunkline.plugins.secrets.{module}"), name)(settings, environ)
    return found
