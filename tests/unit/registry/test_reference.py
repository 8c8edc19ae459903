"""The generated page is the one in the docs."""

from pathlib import Path

from trunkline.registry import catalog, shape
from trunkline.registry.lint import RULES
from trunkline.registry.reference import markdown

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "registry.md"


def test_the_page_in_the_docs_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == markdown(), (
        "run: python -m trunkline.registry.reference > docs/reference/registry.md"
    )


def test_every_key_vendor_and_finding_is_on_it() -> None:
    page = markdown()
    for key in (*shape.Integration.__struct_fields__, *catalog.names(), *RULES):
        assert f"| `{key}` |" in page
