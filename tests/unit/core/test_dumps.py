"""No memory of ours gets into a core dump, not of processes that we start either."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import resource, subprocess, sys
from pathlib import Path
from trunkline.core.dumps import no_core_dumps
FILTER = Path("/proc/self/coredump_filter")
if "tell" not in sys.argv:
    no_core_dumps()
    sys.exit(subprocess.call([sys.executable, "-c", sys.argv[1], sys.argv[1], "tell"]))
print(resource.getrlimit(resource.RLIMIT_CORE), FILTER.read_text().strip() if FILTER.exists() else "00000000")
"""


@pytest.mark.row("S1")
def test_neither_this_process_nor_one_that_it_starts_leaves_a_dump_with_memory() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, PROGRAM], capture_output=True, text=True, timeout=30, check=True
    )
    assert ran.stdout.strip() == "(0, 0) 00000000"
