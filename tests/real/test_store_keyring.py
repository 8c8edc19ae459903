"""`keyring:` with the real package `keyring` over a backend that needs no desktop (`keyrings.alt`); without the package it says so."""

from __future__ import annotations

import sys
from pathlib import Path

import keyring.errors
import pytest
from keyrings.alt.file import PlaintextKeyring

from trunkline.core.outside import StoreSettings
from trunkline.plugins.secrets import SecretUnavailable, StoreDown
from trunkline.plugins.secrets.keyring import Keyring

pytestmark = [pytest.mark.real, pytest.mark.row("S1")]


@pytest.fixture
def backend(tmp_path: Path) -> PlaintextKeyring:
    made = PlaintextKeyring()
    made.file_path = str(tmp_path / "keyring.cfg")
    return made


def test_an_entry_is_read(backend: PlaintextKeyring) -> None:
    backend.set_password("trunkline/test", "stripe", "value-not-real")
    store = Keyring(StoreSettings(), {}, backend=backend)
    assert store.fetch("trunkline/test/stripe").value == "value-not-real"
    with pytest.raises(SecretUnavailable, match="no such entry") as missing:
        store.fetch("trunkline/test/other")
    assert missing.value.cure == "Run: keyring set trunkline/test other"
    with pytest.raises(SecretUnavailable, match="service and name"):
        store.fetch("stripe")


def test_the_backend_of_the_system_is_asked_by_default(
    backend: PlaintextKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend.set_password("trunkline", "stripe", "value-not-real")
    monkeypatch.setattr(keyring.core, "_keyring_backend", backend)
    assert Keyring(StoreSettings(), {}).fetch("trunkline/stripe").value == "value-not-real"


def test_a_locked_keyring_is_a_store_that_does_not_answer() -> None:
    class Locked:
        def get_password(self, service: str, name: str) -> str:
            raise keyring.errors.KeyringLocked("locked")

    with pytest.raises(StoreDown, match="KeyringLocked"):
        Keyring(StoreSettings(), {}, backend=Locked()).fetch("trunkline/stripe")


def test_without_the_package_it_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(StoreDown) as missing:
        Keyring(StoreSettings(), {}).fetch("trunkline/stripe")
    assert missing.value.cure == "Install the extra: pip install 'trunkline[keyring]'."
