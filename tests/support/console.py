"""The console process over the state folder of a test's gateway. Not for: the console's own pages and API (tests/unit/console)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.gateway import Trunkline
from tests.support.ports import spare_port
from tests.support.processes import ended
from trunkline.control.child import child_environ


@contextmanager
def running_console(trunkline: Trunkline) -> Iterator[subprocess.Popen[bytes]]:
    """Starts it beside a running gateway, ends it afterwards, and sees that it ended in order and wrote of no defect."""
    where = {"TRUNKLINE_STATE_DIR": str(trunkline.state.path), "TRUNKLINE_CONSOLE_PORT": str(spare_port())}
    environ = child_environ({}, where)
    log = trunkline.folder / "console.stderr"
    with log.open("ab") as errors:
        process = subprocess.Popen([sys.executable, "-m", "trunkline.console"], env=environ, stderr=errors)
    try:
        yield process
    finally:
        process.terminate()
        ended(process)
    told = log.read_text()
    assert "Traceback" not in told, told
    assert process.returncode == 0, told
