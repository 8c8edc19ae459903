"""Plays a golden file: the caller's request goes through a whole gateway in memory, the vendor answers as the file says.

`python -m tests.golden.play` writes what happens now into the files; read the difference before you commit it.
Not for: judging it (`test_golden.py`).
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from trunkline.core.price import Price
from trunkline.core.service import ApiVersion, Auth, Dialect, Header, Model
from trunkline.testing import Sent, Trial, answers, service
from trunkline.testing.trial import DIALECTS

FOLDER = Path(__file__).parent
OPENAI = [d for d in DIALECTS if d.name.startswith("openai")]
CLAUDE = [d for d in DIALECTS if d.name.startswith("anthropic")]
GOOGLE = [Dialect(name=d.name, path=d.path) for d in DIALECTS if d.name.startswith("gemini")]
PRICE = Price(input=1.0, output=4.0, cached=0.5)

SERVICES = [
    service("openai", dialects=OPENAI, models=[Model(id="gpt-x", price=PRICE), Model(id="embed-x")]),
    service(
        "anthropic",
        dialects=CLAUDE,
        auth=Auth(kind="header", name="x-api-key"),
        headers=[Header("Anthropic-Version", "2023-06-01")],
        models=[Model(id="claude-x", price=PRICE)],
    ),
    service(
        "gemini",
        dialects=GOOGLE,
        auth=Auth(kind="header", name="x-goog-api-key"),
        models=[Model(id="gemini-x", price=PRICE)],
    ),
    service(
        "crm", dialects=[], base_url="https://crm.test/api", api_version=ApiVersion(value="2026", query="v")
    ),
]
ALIASES = {
    "chat": "openai/gpt-x",
    "talk": "anthropic/claude-x",
    "look": "gemini/gemini-x",
    "vectors": "openai/embed-x",
}


def files() -> list[Path]:
    """All golden files."""
    return sorted(FOLDER.glob("*.json"))


def cases(path: Path) -> dict[str, dict[str, Any]]:
    """The cases of a file by name."""
    loaded: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def fields(lines: list[str]) -> list[tuple[str, str]]:
    """Header lines as pairs."""
    return [(name, value) for name, _, value in (line.partition(": ") for line in lines)]


async def played(case: dict[str, Any]) -> dict[str, Any]:
    """What the vendor got and what the caller got, as text, byte for byte."""
    trial = Trial(services=SERVICES, aliases=ALIASES)
    vendor = case["vendor_says"]
    headers = [(name.encode(), value.encode()) for name, value in fields(vendor["headers"])]

    def streamed(sent: Sent) -> None:
        sent.begin(vendor["status"], *headers)
        for piece in vendor["pieces"]:
            sent.piece(piece.encode())
        sent.end()

    trial.wire.plays.append(
        streamed if "pieces" in vendor else answers(vendor["status"], vendor["body"].encode(), *headers)
    )
    asks = case["caller_asks"]
    lines = [("x-correlation-id", "golden-1"), *fields(asks["headers"])]
    heard = await trial.ask(asks["method"], asks["target"], asks["body"].encode(), *lines)
    sent = trial.wire.sent[0]
    assert len(trial.wire.sent) == 1
    return {
        "vendor_gets": {"head": sent.head.decode().split("\r\n"), "body": sent.body.decode()},
        "caller_gets": {
            "status": heard.status,
            "headers": heard.lines.decode().split("\r\n"),
            "body": heard.body.decode(),
            "whole": heard.whole,
        },
    }


async def record() -> None:
    """Writes what happens now into all files."""
    for path in files():
        told = {name: {**case, **await played(case)} for name, case in cases(path).items()}
        path.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(record())
