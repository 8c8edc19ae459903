"""S9 in a real browser: what others have written runs nowhere in the console."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.battery import report
from tests.battery.browser import browsing, missing
from tests.battery.markup import control, look_around, prepared, registry, texts, trap
from tests.battery.served import serving
from tests.support.simulator import SimulatorProcess
from trunkline.control.claim import free_port

pytestmark = [pytest.mark.slow, pytest.mark.row("W1", "O1")]

LABEL = "S9, in a browser"


def test_s9_a_browser_runs_nothing_that_others_have_written(
    tmp_path: Path, simulator: SimulatorProcess
) -> None:
    if without := missing():
        why = f"needs {' and '.join(without)} (Debian: apt-get install chromium chromium-driver)"
        report.tell(LABEL, "texts that ran", "0", report.NOT_RUN, why)
        assert not os.environ.get("CI"), f"this test must run where CI is set: {why}"
        return
    port = free_port()
    with trap() as caught, browsing(tmp_path) as browser:
        said = texts(caught)
        would = control(browser, caught)
        prepared(tmp_path / "served", said)
        with serving(tmp_path / "served", registry(simulator.address(), said), console_port=port) as served:
            served.console_ready()
            served.answers(f"/v1/models/{said[0]}")
            seen = look_around(browser, served, said, caught)
    pages = f"{seen.pages:,} pages of the console, {seen.texts} texts"
    report.tell(LABEL, f"{pages}: dialogs, requests to others, places left", "0, 0, 0",
                f"{len(seen.dialogs)}, {len(seen.loaded)}, {len(seen.elsewhere)}")  # fmt: skip
    report.tell(LABEL, "violations of the policy by our own pages", "0", len(seen.violations))
    report.tell(
        LABEL, "the same texts on a page that takes them for markup: dialogs, requests", "> 0",
        f"{len(would.dialogs)}, {len(would.loaded)}",
    )  # fmt: skip
    assert (seen.dialogs, seen.loaded, seen.elsewhere, seen.violations) == ([], [], [], [])
    assert {"runbooks/stripe", "api/calls", "api/incidents", "api/findings"} <= seen.shown
    assert (len(would.dialogs) > 5, len(would.loaded) > 2) == (True, True)
