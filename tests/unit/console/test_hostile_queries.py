"""Whatever stands in a filter, a sort key, an id or an Authorization field: it is text, never SQL and never a pattern (S11 of the battery).

How long a search may take is judged by the battery alone.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trunkline.console.declare import Endpoint
from trunkline.console.endpoints import ENDPOINTS

Ask = Callable[..., Any]

pytestmark = pytest.mark.row("W1", "O1")

ATTACKS = [
    "' OR '1'='1", "' OR 1=1 --", '" OR ""="', "') OR ('1'='1", "'; DROP TABLE calls; --", "1; ATTACH DATABASE '/tmp/x' AS x",
    "' UNION SELECT 1,2,3 --", "x' AND randomblob(900000000) --", "%", "%%", "_", "____", "%a%", "*", "?", "[a-z]*", "\\", "\\%",
    "\\_", "'", '"', "''", "--", "/*", ";", "\x00", "\x1a", "a\x00b", "%' ESCAPE '!", "NULLS", "1e309", "-1", "0x1", "9" * 200,
    "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), "\u0660", "NEAR(a b)", "a AND", "col:x", "%" * 256,
    "_%" * 100, "cost_usd DESC", "(SELECT 1)", "../../etc/passwd",
]  # fmt: skip
GETS = [one for one in ENDPOINTS if one.method == "GET" and one.role != "open" and one.name != "tail"]
IDS = {b'"call_id":"a"', b'"call_id":"b"', b'"call_id":"c"'}


def asked(one: Endpoint, text: str) -> Iterator[str]:
    """Every address in which a text can stand for something of its own."""
    raw = quote(text, safe="")
    path = re.sub(r"{\w+}", raw.replace("\\", r"\\"), one.path)
    fields = [
        field.name for field in msgspec.structs.fields(one.query) if f"{{{field.name}}}" not in one.path
    ]
    yield from (f"{path}?{name}={raw}" for name in fields)
    if "{" in one.path or not fields:
        yield path


@pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.slow)])
async def test_no_text_is_a_pattern_or_a_statement(ask: Ask, every: int) -> None:
    wrong = []
    for one in GETS:
        for text in ATTACKS[::every]:
            for target in asked(one, text):
                answer = await ask(target)
                if answer.status not in (200, 400, 404):
                    wrong.append((target, answer.status))
                if "call" in one.name and answer.status == 200 and any(found in answer.body for found in IDS):
                    wrong.append((f"{target} finds what has no such text", 200))
    assert wrong[:9] == []
    assert len((await ask("/api/calls")).json()["calls"]) == 3


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as one:
        yield one


ANY_TEXT = st.text(max_size=80) | st.text(alphabet="'\"%_;-*/\\()|&=<> \x00\t\nOR1UNION", max_size=80)
QUICK = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUICK
@given(text=ANY_TEXT)
def test_any_text_in_a_filter_is_text(runner: asyncio.Runner, ask: Ask, text: str) -> None:
    raw = quote(text.encode("utf-8", "surrogatepass"), safe="")
    for name in ("text", "note", "integration", "before", "since"):
        answer = runner.run(ask(f"/api/calls?{name}={raw}"))
        assert answer.status in (200, 400), (name, answer.status)
        if answer.status == 200 and text and name in ("note", "integration"):
            assert answer.json()["calls"] == []
    assert runner.run(ask(f"/api/usage?by={raw}")).status in (200, 400)


@QUICK
@given(
    text=st.text(alphabet=st.characters(max_codepoint=255), max_size=120),
    scheme=st.sampled_from(["Bearer ", "Basic ", "", "bearer\t"]),
)
def test_any_text_as_authorization_is_nobody(
    runner: asyncio.Runner, ask: Ask, text: str, scheme: str
) -> None:
    answer = runner.run(ask("/api/calls", ("authorization", scheme + text), signed=False, peer="192.0.2.7"))
    assert answer.status in (401, 429)
    assert b"call_id" not in answer.body
