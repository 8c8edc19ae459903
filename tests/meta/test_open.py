"""All of it is in the open edition (W3): one licence, and nothing to be called, set or answered that asks for another."""

from __future__ import annotations

import re
import tomllib

import pytest
from tree import ROOT, python

from trunkline.console.endpoints import ENDPOINTS
from trunkline.core.errors import KINDS

pytestmark = pytest.mark.row("W3")

GATE = re.compile(r"licen[cs]e|enterprise|premium|entitle|paywall|upsell|(?<!credit)edition_|\btrial_")


def test_one_open_licence_holds_for_everything() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text()[:200]
    assert list((ROOT / "src").rglob("LICENSE*")) == []
    own = [name for name in project["dependencies"] if name.lower().startswith("trunkline")]
    assert own == [], "nothing of ours comes from a package of its own"


def test_no_command_setting_key_route_or_failure_asks_for_a_licence() -> None:
    told = [path.read_text() for path in (ROOT / "docs" / "reference").glob("*.md")]
    names = [name for text in told for name in re.findall(r"`([^`\n]+)`|--([a-z-]+)", text) for name in name]
    names += [endpoint.path for endpoint in ENDPOINTS] + [str(kind) for kind in KINDS]
    assert len(names) > 1000
    assert [name for name in names if GATE.search(name.lower())] == []


def test_no_code_looks_for_one() -> None:
    named = re.compile(
        r"\bdef \w*(licen[cs]e|enterprise|premium|entitle)|\bclass \w*(Licen[cs]e|Enterprise|Premium|Entitle)"
    )
    found = [path.name for path in python("src") if named.search(path.read_text(encoding="utf-8"))]
    assert found == []


@pytest.mark.parametrize("gate", ["--license-key", "TRUNKLINE_LICENSE", "enterprise_only", "premium"])
def test_the_rule_bites(gate: str) -> None:
    assert GATE.search(gate.lower())
