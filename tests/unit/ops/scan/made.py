"""Makes folders of the small projects in `projects/`, with credentials that are made up anew for each."""

from __future__ import annotations

import base64
import random
import re
import string
from pathlib import Path
from typing import Any

import yaml

PROJECTS = Path(__file__).with_name("projects")
LETTERS = string.ascii_letters + string.digits
SIZES: dict[str, tuple[str, str, int]] = {
    "OPENAI": ("sk-proj-", LETTERS, 48),
    "STRIPE_LIVE": ("sk_live_", LETTERS, 24),
    "STRIPE_TEST": ("sk_test_", LETTERS, 24),
    "SLACK": ("xoxb-", string.digits + LETTERS, 40),
    "GITHUB": ("ghp_", LETTERS, 36),
    "JWTLIKE": ("eyJhbGciOiJIUzI1NiJ9.", LETTERS, 80),
    "PASSWORD": ("", LETTERS, 20),
    "BASE64": ("", LETTERS + "+/", 40),
    **dict.fromkeys(("HEX", "HEX2", "HEX3"), ("", "0123456789abcdef", 32)),
}


def value(name: str, seed: int = 1) -> str:
    """A made-up credential: the same for the same name and seed."""
    chance = random.Random(f"{name}-{seed}")
    if name == "SENDGRID":
        return f"SG.{''.join(chance.choices(LETTERS, k=22))}.{''.join(chance.choices(LETTERS, k=43))}"
    if name == "SLACK_HOOK":
        upper = string.ascii_uppercase + string.digits
        parts = (("T", upper, 10), ("B", upper, 10), ("", LETTERS, 24))
        return "https://hooks.slack.com/services/" + "/".join(
            start + "".join(chance.choices(of, k=size)) for start, of, size in parts
        )
    if name == "PEM":
        return base64.b64encode(chance.randbytes(96)).decode()
    start, letters, size = SIZES[name]
    # A digit in front: a real key has one somewhere, and chance alone would spare it now and then.
    return start + chance.choice("23456789") + "".join(chance.choices(letters, k=size - 1))


def make(name: str, folder: Path, seed: int = 1) -> tuple[dict[str, Any], list[str]]:
    """Writes the project into the folder; answers what is expected, and every made-up credential in it."""
    text = (PROJECTS / f"{name}.project").read_text("utf-8")
    used: dict[str, str] = {}

    def put(match: re.Match[str]) -> str:
        return used.setdefault(match[1], value(match[1], seed))

    text = re.sub(r"@@([A-Z]+(?:_[A-Z]+)?[0-9]*)@@", put, text)
    parts = re.split(r"^=== (\S+)\n", text, flags=re.MULTILINE)[1:]
    files = dict(zip(parts[::2], parts[1::2], strict=True))
    expected = yaml.safe_load(files.pop("expected"))
    for path, content in files.items():
        where = folder / path
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_text(content, "utf-8")
    return expected, list(used.values())


def all_projects() -> list[str]:
    return sorted(path.stem for path in PROJECTS.glob("*.project"))
