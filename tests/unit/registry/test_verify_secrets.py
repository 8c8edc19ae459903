"""Outside stores and processes that get secrets: what is right, and every error with its place and cure."""

from pathlib import Path

import pytest

from tests.unit.registry.conftest import Load, Refused
from trunkline.core.outside import StoreSettings
from trunkline.registry.shape_secrets import OutsideStore
from trunkline.registry.verify_secrets import settings_of

GOOD = """version: 1
stores:
  vault: {address: "https://vault.example.com:8200", auth: approle, role: trunkline, mount: logins/approle, cache: 1m}
  aws-sm: {region: eu-west-1}
processes:
  web: {env: {DATABASE_PASSWORD: "vault:secret/db#password", STRIPE_KEY: store:STRIPE}, on_rotate: SIGHUP, owner: platform}
"""


@pytest.mark.row("S1", "S6")
def test_stores_and_processes_are_read(loaded: Load) -> None:
    registry = loaded(GOOD).registry
    assert registry.stores["vault"].role == "trunkline"
    assert registry.processes["web"].on_rotate == "SIGHUP"


@pytest.mark.parametrize(
    ("rest", "item", "code"),
    [
        ("stores: {vault: {address: 'http://vault.example.com'}}", "stores.vault.address", "bad-address"),
        ("stores: {vault: {cache: 1s}}", "stores.vault.cache", "bad-value"),
        ("stores: {vault: {region: eu}}", "stores.vault.region", "unused-key"),
        ("stores: {aws-sm: {auth: token}}", "stores.aws-sm.auth", "unused-key"),
        ("stores: {vault: {role: hvs.CAESIJnotarealtoken0000}}", "stores.vault.role", "literal-secret"),
        ("stores: {safe: {}}", "stores.safe", "bad-value"),
        ("processes: {Web: {env: {A: store:B}}}", "processes.Web", "bad-name"),
        ("processes: {web: {env: {A-B: store:B}}}", "processes.web.env.A-B", "bad-name"),
        ("processes: {web: {env: {PATH: store:B}}}", "processes.web.env.PATH", "bad-name"),
        ("processes: {web: {env: {LD_PRELOAD: store:B}}}", "processes.web.env.LD_PRELOAD", "bad-name"),
        ("processes: {web: {env: {A: sk-test-not-a-real-key}}}", "processes.web.env.A", "literal-secret"),
        ("processes: {web: {env: {A: b}, on_rotate: maybe}}", "processes.web.on_rotate", "bad-value"),
    ],
)
def test_each_error_names_its_place_and_shows_no_secret(
    refused: Refused, rest: str, item: str, code: str
) -> None:
    found = refused(f"version: 1\n{rest}")
    assert (item, code) in [(f.item, f.code) for f in found]
    assert not any("notareal" in str(f) or "not-a-real" in str(f) for f in found)


def test_a_store_as_who_fetches_works_with_it(tmp_path: Path) -> None:
    own = OutsideStore(address="https://v.example.com", auth="kubernetes", ca_file="ca.pem", cache="30s")
    assert settings_of(own, str(tmp_path)) == StoreSettings(
        address="https://v.example.com", auth="kubernetes", ca_file=f"{tmp_path}/ca.pem", cache_s=30.0
    )
