"""The registry that a first run writes when there is none: every vendor that is useful at once, and comments that teach."""

from __future__ import annotations

from pathlib import Path


def first_run() -> str:
    """Text of a first `trunkline.yaml`."""
    return Path(__file__).with_name("first_run.yaml").read_text("utf-8")
