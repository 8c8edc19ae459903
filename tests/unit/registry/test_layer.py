"""Overlays of environments: merged key by key, and every fault at its own line."""

import pytest

from trunkline.registry import document
from trunkline.registry.findings import RegistryInvalid
from trunkline.registry.layer import declared, layer, overlaid

from .conftest import Load, Refused

BASE = """\
version: 1
integrations:
  crm:
    base_url: https://crm.example.com
    auth: {kind: header, name: X-Key, secret: env:CRM}
    headers: {X-A: "1", X-B: "2"}
    limits: [{requests: 10, per: 1s}]
environments:
  dev:
    integrations:
      crm:
        base_url: http://127.0.0.1:9100
        auth: {secret: env:CRM_DEV}
        headers: {X-B: "3", X-A: null}
        limits: [{concurrency: 2}]
    routes: {sales: crm}
  staging: {health: {public: true}}
"""


@pytest.mark.row("R9")
def test_mappings_merge_lists_replace_and_null_removes() -> None:
    base = {"a": {"b": 1, "c": [1, 2]}, "d": 1, "e": 2}
    over = {"a": {"c": [3], "x": {"y": 1}}, "d": {"z": 1}, "e": None, "gone": None}
    assert overlaid(base, over) == {"a": {"b": 1, "c": [3], "x": {"y": 1}}, "d": {"z": 1}}


@pytest.mark.row("R9")
def test_an_environment_changes_secret_address_and_limits(loaded: Load) -> None:
    prod = loaded(BASE).snapshot.services[0]
    dev = loaded(BASE, env="dev").snapshot.services[0]
    assert (prod.base_url, prod.credentials[0].ref, prod.limits[0].requests) == (
        "https://crm.example.com",
        "env:CRM",
        10,
    )
    assert (dev.base_url, dev.credentials[0].ref, dev.limits[0].concurrency) == (
        "http://127.0.0.1:9100",
        "env:CRM_DEV",
        2,
    )
    assert (dev.auth.kind, dev.auth.name) == ("header", "X-Key"), "what the overlay leaves out stays"
    assert [(h.name, h.value) for h in dev.headers] == [("X-B", "3")]
    assert loaded(BASE, env="dev").snapshot.routes == {"sales": "crm"}
    assert loaded(BASE).snapshot.routes == {}
    assert loaded(BASE, env="staging").snapshot.health_public


def test_tells_which_environments_are_declared() -> None:
    assert declared(document.parse(BASE, "f")) == ["dev", "staging"]


@pytest.mark.row("R4")
def test_a_fault_of_the_overlay_stands_at_the_overlays_line(refused: Refused) -> None:
    (fault,) = refused(BASE.replace("http://127.0.0.1:9100", "http://10.0.0.1:9100"), env="dev")
    assert (fault.line, fault.item, fault.code) == (12, "integrations.crm.base_url", "bad-address")


@pytest.mark.row("R9")
def test_the_overlay_of_prod_is_checked_in_dev(refused: Refused) -> None:
    text = "version: 1\nintegrations: {openai: {secret: env:A}}\nenvironments:\n  prod: {integrations: {opnai: {secret: env:B}}}\n"
    (fault,) = refused(text, env="dev")
    assert (fault.line, fault.code, fault.cure) == (
        4,
        "unknown-vendor",
        "Did you mean `openai`? For an API of your own give it a `base_url`.",
    )


def test_a_fault_of_the_base_is_told_once_although_overlays_repeat_it(refused: Refused) -> None:
    found = refused(BASE.replace("    limits: [{req", "    limts: [{req"), env="dev")
    assert [(f.line, f.code) for f in found] == [(7, "unknown-key")]


@pytest.mark.parametrize(
    ("overlay", "code"),
    [
        ("{version: 1}", "bad-key"),
        ("{environments: {}}", "bad-key"),
        ("[1]", "bad-type"),
        ("{integration: {}}", "unknown-key"),
    ],
)
def test_an_overlay_is_a_part_of_a_registry(refused: Refused, overlay: str, code: str) -> None:
    (fault,) = refused(f"version: 1\nenvironments: {{dev: {overlay}}}\n", env="prod")
    assert (fault.code, fault.line) == (code, 2)


@pytest.mark.parametrize("text", ["", "[]", "just text", "# nothing"])
def test_a_file_without_a_mapping_is_refused(text: str) -> None:
    with pytest.raises(RegistryInvalid, match="Begin it with `version: 1`"):
        layer(document.parse(text, "f"), "prod")
