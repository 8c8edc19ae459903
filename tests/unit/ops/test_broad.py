"""Credentials that may do more than their use."""

from __future__ import annotations

import pytest

from trunkline.core.service import Credential, Dialect, Operation
from trunkline.ops.broad import shared
from trunkline.registry import catalog
from trunkline.testing import service

pytestmark = pytest.mark.row("S6")
REFS = [Credential(ref="store:ACME")]
OPERATIONS = [
    Operation(name="list", method="GET", path="/x"),
    Operation(name="make", method="POST", path="/x"),
]


@pytest.mark.parametrize(
    ("vendor", "key", "instead"),
    [
        (
            "stripe",
            "sk_live_notarealkey0000",
            "a restricted key (rk_...) with only the resources that are used",
        ),
        ("stripe", "rk_live_notarealkey0000", ""),
        ("openai", "sk-admin-notarealkey00000000", "this one administers the organization"),
        ("openai", "sk-proj-notarealkey00000000", ""),
        ("openai", "sk-notarealkey0000000000000", "a key of one project"),
        ("anthropic", "sk-ant-admin01-notarealkey000", "a key of one workspace"),
        ("anthropic", "sk-ant-api03-notarealkey0000", ""),
        ("github", "ghp_notarealkey0000000000000", "a fine-grained token"),
        ("slack", "xoxp-not-a-real-key", "a bot token"),
        ("mistral", "anything", ""),
    ],
)
def test_full_keys_are_told_from_narrow_ones(vendor: str, key: str, instead: str) -> None:
    said = catalog.broad_key(catalog.entry(vendor), key)
    assert instead in said
    assert bool(said) is bool(instead)
    assert key not in said


def test_without_a_catalog_entry_nothing_is_said() -> None:
    assert catalog.broad_key(None, "sk_live_notarealkey0000") == ""


def test_one_credential_for_readers_and_writers_is_told_with_who() -> None:
    acme = service(operations=OPERATIONS, credentials=REFS, dialects=[])
    (one,) = shared([acme], {"acme": {"reports": {"list"}, "shop": {"list", "make"}, "jobs": {"make"}}})
    assert (one.readers, one.writers) == (["reports"], ["jobs", "shop"])
    assert "serves keys that only read (reports) and keys that write (jobs, shop)" in one.said


@pytest.mark.parametrize(
    "used",
    [{"a": {"list"}, "b": {"list"}}, {"a": {"make"}, "b": {"make", "list"}}, {"a": {"list", "make"}}, {}],
)
def test_where_all_read_or_all_write_nothing_is_said(used: dict[str, set[str]]) -> None:
    assert shared([service(operations=OPERATIONS, credentials=REFS, dialects=[])], {"acme": used}) == []


def test_models_and_pools_are_passed_over() -> None:
    used = {"acme": {"a": {"list"}, "b": {"make"}}}
    ai = service(
        operations=OPERATIONS,
        credentials=REFS,
        dialects=[Dialect(name="openai-chat", path="/v1/chat/completions")],
    )
    pool = service(
        operations=OPERATIONS, dialects=[], credentials=[Credential(ref="store:A"), Credential(ref="store:B")]
    )
    assert shared([ai], used) == shared([pool], used) == []
