"""The registry as text: what a person goes on with."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from trunkline.ops.scan.found import Credential, Place
from trunkline.ops.scan.registry_text import MergeRefused, entry_of, is_asked, merged, secret_name, text_of
from trunkline.ops.scan.services import Evidence, Service
from trunkline.registry.load import load


def service(name: str = "things", **more: object) -> Service:
    usual = {
        "base_url": f"https://api.{name}.io",
        "auth": {"kind": "bearer"},
        "evidence": [Evidence(Place("a.py", 3), "sent by fetch")],
    }
    return Service(name=name, **{**usual, **more})  # type: ignore[arg-type]


def key(name: str) -> Credential:
    return Credential(name=name, place=Place(".env", 1), kind="env")


def test_an_entry_says_where_it_was_seen_and_what_is_open() -> None:
    assert entry_of(service(key=key("THINGS_KEY"))) == (
        "  # things: a.py:3 sent by fetch\n"
        "  things:\n"
        "    base_url: https://api.things.io\n"
        "    auth: {kind: bearer, secret: store:THINGS_KEY} # is it a bearer token? else header {name}, query {name}, basic\n"
        "    timeout: {first_byte: 30s, total: 60s}\n"
        "    # owner: who?\n"
        "    # data: [...]   which kinds of data may it get? e.g. prompts, pii.email, payment; [] for none\n"
    )


def test_an_entry_without_an_address_is_a_comment() -> None:
    lines = entry_of(service(base_url="", key=key("LOST_KEY"))).splitlines()
    assert all(line.startswith("  #") for line in lines)
    assert lines[-1] == "  #   auth: {kind: bearer, secret: store:LOST_KEY}"


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("OPENAI_API_KEY", "OPENAI_API_KEY"),
        ("NEXT_PUBLIC_OPENAI_API_KEY", "OPENAI_API_KEY"),
        ("openAiKey", "OPEN_AI_KEY"),
        ("stripe.api_key", "stripe.api_key"),
        ("a b#c", "A_B_C"),
    ],
)
def test_names_in_the_store(name: str, stored: str) -> None:
    assert secret_name(service(key=key(name))) == stored


def test_nothing_of_a_project_can_break_out_of_its_comment_or_value(tmp_path: Path) -> None:
    evil = service(
        title="x\n  evil: {base_url: https://e.com}",
        evidence=[Evidence(Place("a\nb: c.py", 1), "uses \x1b[31m# x")],
        base_url="https://api.things.io",
    )
    (tmp_path / "trunkline.yaml").write_text(text_of([evil]))
    loaded = load(tmp_path / "trunkline.yaml", environment="prod", environ={})

    assert [one.name for one in loaded.snapshot.services] == ["things"]
    assert "\x1b" not in text_of([evil])


def test_hosts_that_differ_from_run_to_run_go_to_the_listener() -> None:
    data = yaml.safe_load(text_of([service(hosts=["api.things.io", "*.blob.core.windows.net"])]))
    assert data["egress"] == {"allow": ["*.blob.core.windows.net"]}


def test_a_project_that_calls_nothing_has_a_valid_registry(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(text_of([]))
    assert load(tmp_path / "t.yaml", environment="prod", environ={}).snapshot.services == []


THERE = """# ours
version: 1
integrations:
  # the main one
  openai: {secret: env:OPENAI_API_KEY} # keep me
  stripe:
    secret: env:STRIPE_SECRET_KEY
    # last words of stripe

routes: {llm: openai}
"""


def test_what_is_missing_is_added_behind_the_others_and_nothing_else_changes(tmp_path: Path) -> None:
    text = merged(THERE, [service()])
    (tmp_path / "t.yaml").write_text(text)
    loaded = load(tmp_path / "t.yaml", environment="prod", environ={})

    assert [one.name for one in loaded.snapshot.services] == ["openai", "stripe", "things"]
    assert [line for line in THERE.splitlines() if line not in text.splitlines()] == []
    assert merged(THERE, []) == THERE


@pytest.mark.parametrize(
    "there",
    [
        "version: 1\n",
        "version: 1\nintegrations: {}\n",
        "version: 1\nintegrations:\n",
        "version: 1\nintegrations:\n    openai: {secret: env:A}\n",
    ],
)
def test_any_form_of_a_registry_is_added_to(there: str, tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(merged(there, [service()]))
    assert "things" in [
        one.name for one in load(tmp_path / "t.yaml", environment="prod", environ={}).snapshot.services
    ]


def test_comments_stay_with_the_entry_that_they_speak_of() -> None:
    there = text_of([service("old", key=key("OLD_KEY"))])
    after = "\n  # a remark\n\negress:\n  allow: [a.io]\n"

    assert merged(there + after, [service("new")]) == there + "\n" + entry_of(service("new")) + after


def test_an_entry_that_stands_there_as_a_comment_is_not_added_again() -> None:
    lost = service("lost", base_url="", key=key("LOST_KEY"))
    there = text_of([service("old"), lost])

    assert is_asked(there, lost)
    assert not is_asked(there, service("other", base_url=""))
    assert not is_asked("# things: not an entry of one\n", service("things"))


def test_integrations_in_braces_are_refused_with_the_cure() -> None:
    with pytest.raises(MergeRefused, match="--force"):
        merged("version: 1\nintegrations: {openai: {secret: env:A}}\n", [service()])
