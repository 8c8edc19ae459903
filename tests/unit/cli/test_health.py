"""What `trunkline health` prints of what the gateway says."""

from __future__ import annotations

import pytest

from trunkline.cli.health import _print, breakers, hit, seen, short

pytestmark = pytest.mark.row("H1")
CLOSED = {"credential": "env:A", "model": None, "state": "closed"}
OPEN = {"credential": "env:B", "model": None, "state": "open", "share": 0.0}
MODEL = {"credential": "env:A", "model": "big", "state": "returning", "share": 0.325}
DETAIL = {
    "status": "down",
    "reason": "the breaker is open",
    "evidence": [
        {"source": "registry", "age_s": None},
        {"source": "traffic", "age_s": 2.4},
        {"source": "probe", "age_s": 95.0},
        {"source": "status_page", "age_s": 7300.0},
    ],
    "features": [
        {"feature": "chat", "calls": 9, "failures": 4},
        {"feature": "search", "calls": 3, "failures": 0},
    ],
    "breakers": [CLOSED, OPEN, MODEL],
    "fallbacks": ["target anthropic", "template"],
}


def test_what_is_known_of_an_integration_in_few_words() -> None:
    assert (seen(DETAIL), hit(DETAIL)) == ("calls 2s, probe 2m, page 2h", "chat 4/9")
    assert breakers(DETAIL) == "env:B open (0%), env:A big returning (32%)"
    assert (seen({}), hit({}), breakers({})) == ("", "", "")
    assert [short(age) for age in (0.4, 59, 60, 3600, 90000)] == ["0s", "59s", "1m", "1h", "1d"]


def test_the_whole_page_with_fallbacks_and_findings(capsys: pytest.CaptureFixture[str]) -> None:
    finding = {"severity": "warning", "code": "x", "item": "y", "message": "stale for long"}
    _print(
        {
            "status": "degraded",
            "integrations": {"openai": "down"},
            "details": {"openai": DETAIL},
            "findings": [finding],
            "reload": {"ok": False},
        }
    )
    out, err = capsys.readouterr()
    assert out.startswith("Trunkline is degraded.\n")
    for wanted in ("openai", "down", "the breaker is open", "chat 4/9"):
        assert wanted in out
    assert "openai: its calls are served by target anthropic, template." in err
    assert "warning: stale for long." in err
    assert "The changed registry was refused" in err


@pytest.mark.row("H3")
def test_open_incidents_are_told_with_who_looks_after_them(capsys: pytest.CaptureFixture[str]) -> None:
    one = {
        "id": "inc_1", "integration": "openai", "severity": "critical", "title": "openai is down", "opened_at": "2026-11-21T12:00:00Z",
        "acknowledged_by": None,
    }  # fmt: skip
    _print({"status": "down", "incidents": [one, {**one, "acknowledged_by": "jan"}]})
    said = capsys.readouterr().err.splitlines()[-2:]
    assert (
        said[0]
        == "Incident inc_1 (critical), since 2026-11-21T12:00:00Z: openai is down; nobody has acknowledged it."
    )
    assert said[1].endswith("jan looks after it.")
