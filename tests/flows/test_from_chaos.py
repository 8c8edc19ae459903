"""`examples/from-chaos`: the shop as it was, and the walk that its page in the docs is written from."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from trunkline.ops.scan import gather, judge, plan, services, vendors

ROOT = Path(__file__).parents[2]
WALK = ROOT / "examples" / "from-chaos" / "walk.py"
PAGE = ROOT / "docs" / "from-chaos-to-control.md"
FOLDERS = {
    ".env",
    ".env.local",
    "answers.py",
    "checkout.py",
    "docs/from-the-chat.md",
    "vercel.json",
}


def walked(*arguments: str, timeout: float) -> str:
    ran = subprocess.run(
        [sys.executable, str(WALK), *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
    )
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


@pytest.mark.row("R6")
def test_the_shop_as_it_was_is_read_whole(tmp_path):
    walked("--copy", str(tmp_path), timeout=60)
    known = vendors.load()
    look = gather.look(tmp_path, vendors=known)
    found = services.services_of(look.found, known)
    sites = plan.sites_of(look, found, known, "http://127.0.0.1:4000")
    problems = judge.problems_of(look.found, found, [], judge.Declared(known=False))

    assert {one.place.path for one in problems} == FOLDERS
    assert [one.name for one in found] == ["openai", "pdfshift", "sendgrid", "stripe"]
    assert {(site.place.path, bool(site.diff)) for site in sites} == {
        (path, True) for path in ("answers.py", "checkout.py", "invoices.py", "web/notify.mjs")
    }


def told(text: str) -> list[str]:
    """What is typed, and what is shown by it; without what differs from run to run."""
    lines = [line.strip() for line in text.splitlines() if re.match(r"\s*(\$|->|edit|delete) ", line)]
    return [re.sub(r"127\.0\.0\.1:\d+|port \d+", "", line) for line in lines]


@pytest.mark.slow
@pytest.mark.row("R6", "R1", "R4")
def test_the_walk_removes_all_five_signs_as_its_page_says():
    assert told(walked(timeout=600)) == told(PAGE.read_text("utf-8"))
