"""`egress:` in the registry."""

from __future__ import annotations

import pytest

from trunkline.core.egress import Egress

from .conftest import Load, Refused


@pytest.mark.row("R7")
def test_hosts_and_port_reach_the_listener(loaded: Load) -> None:
    text = "version: 1\negress: {port: 4002, allow: [PyPI.org, '*.Example.com', 'db.example.com:5432']}\n"
    assert loaded(text).snapshot.egress == Egress(
        port=4002, allow=["pypi.org", "*.example.com", "db.example.com:5432"]
    )
    assert loaded("version: 1\n").snapshot.egress == Egress()


def test_an_environment_has_its_own(loaded: Load) -> None:
    text = "version: 1\negress: {allow: [a.example.com]}\nenvironments: {dev: {egress: {port: 4002}}}\n"
    assert loaded(text, env="dev").snapshot.egress == Egress(port=4002, allow=["a.example.com"])


@pytest.mark.parametrize(
    ("text", "code", "item"),
    [
        ("{port: 70000}", "bad-value", "egress.port"),
        ("{port: -1}", "bad-value", "egress.port"),
        ("{allow: ['*.com']}", "too-broad", "egress.allow[0]"),
        ("{allow: ['*']}", "bad-value", "egress.allow[0]"),
        ("{allow: [ok.example.com, 'https://x.example.com']}", "bad-value", "egress.allow[1]"),
        ("{allow: ['a b.com']}", "bad-value", "egress.allow[0]"),
        ("{allow: [10.0.0.1]}", "bad-value", "egress.allow[0]"),
        ("{allow: ['x.example.com:99999']}", "bad-value", "egress.allow[0]"),
        ("{hosts: []}", "unknown-key", "egress.hosts"),
    ],
)
def test_what_is_no_host_or_port_is_an_error_with_the_cure(
    text: str, code: str, item: str, refused: Refused
) -> None:
    (fault,) = refused(f"version: 1\negress: {text}\n")
    assert (fault.code, fault.item, bool(fault.cure)) == (code, item, True)
