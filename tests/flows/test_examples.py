"""Each example product does what its README says, typed word for word, with nothing but the simulator."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.support.polling import eventually
from tests.support.served import Serving, serving

pytestmark = pytest.mark.row("A5", "Q4")
EXAMPLES = Path(__file__).parents[2] / "examples"
PRODUCTS = sorted(path.parent.name for path in EXAMPLES.glob("*/trunkline.yaml"))
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```", re.MULTILINE | re.DOTALL)
ANEW = re.compile(r"tsk_[0-9a-f]{32}|\$\d+\.\d+")
"""What is another with each run, or follows the table of prices."""


@pytest.fixture(params=PRODUCTS)
def product(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLES / request.param, tmp_path / request.param))


def steps(readme: str) -> list[tuple[list[str], str | None]]:
    """Lines to type, and what they print where the page says so."""
    found = [(kind, text) for kind, text in BLOCK.findall(readme)]
    told = {n - 1: text for n, (kind, text) in enumerate(found) if kind == "text"}
    return [(text.splitlines(), told.get(n)) for n, (kind, text) in enumerate(found) if kind == "sh"]


def typed(place: Serving, lines: list[str]) -> str:
    return "".join(out if out.endswith("\n") or not out else out + "\n" for out in map(place.type, lines))


def test_its_readme_is_true(product: Path) -> None:
    (serve, _), *rest = steps((product / "README.md").read_text())
    assert serve == ["trunkline serve --simulate-missing --env dev"]
    assert rest[0][0].pop(0) == "export TRUNKLINE_KEY=tl_..."
    with serving(product) as place:
        for lines, told in rest:
            printed = typed(place, lines)
            if told is not None:
                assert ANEW.sub("...", printed) == ANEW.sub("...", told), lines
        if product.name == "checkout":
            the_deferred_charge_is_made_once(place)


def the_deferred_charge_is_made_once(place: Serving) -> None:
    line = "trunkline tasks list --json"
    eventually(lambda: '"state":"done"' in place.type(line).replace(" ", ""), "the charge to be made", 60.0)
    assert len(re.findall(r'"tsk_[0-9a-f]{32}"', place.type(line))) == 1


def test_there_are_products_and_each_is_linked() -> None:
    assert PRODUCTS == ["checkout", "rag-chat", "support-triage"]
    page = (EXAMPLES / "README.md").read_text()
    assert [name for name in PRODUCTS if f"({name}/README.md)" not in page] == []
