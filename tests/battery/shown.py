"""Runs the ordinary tests that show an experiment, in a process of their own, and counts them. Not for: which they are (the lists)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

ROOT = Path(__file__).parents[2]


class Shown(NamedTuple):
    """How many there were, the names of those that did not pass, and what was said."""

    total: int
    failed: list[str]
    said: str


def run(files: Sequence[str], folder: Path) -> Shown:
    """`folder` is for the report."""
    report = folder / "ordinary.xml"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-m",
        "not slow",
        f"--junitxml={report}",
        *files,
    ]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
    if not report.exists():
        return Shown(0, ["no report"], ran.stdout + ran.stderr)
    cases = list(ET.parse(report).getroot().iter("testcase"))
    failed = [
        case.get("name", "")
        for case in cases
        if any(child.tag in ("failure", "error", "skipped") for child in case)
    ]
    return Shown(len(cases), failed, ran.stdout[-3000:])
