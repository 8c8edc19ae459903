"""The generated pages, and what the page of routes promises to hold."""

from pathlib import Path

import pytest

from trunkline.cli import reference, reference_routes

FOLDER = Path(__file__).parents[3] / "docs" / "reference"


@pytest.mark.row("Q4")
@pytest.mark.parametrize("name", reference.pages())
def test_a_page_in_the_docs_is_up_to_date(name):
    assert (FOLDER / name).read_text("utf-8") == reference.pages()[name], (
        "run: python -m trunkline.cli.reference"
    )


def test_only_what_must_be_is_open():
    """Ruling 13: liveness, readiness, preflight; health when declared public."""
    open_rows = {row.path for row in reference_routes.rows() if row.identity == reference_routes.OPEN}
    assert open_rows == {"`/health/live`", "`/health/ready`", "any path"}


def test_every_model_endpoint_of_every_dialect_stands_there():
    paths = {row.path.strip("`") for row in reference_routes.rows()}
    assert {"/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/messages"} <= paths
    assert {"/v1beta/models/{model}:streamGenerateContent", "/v1/models/{model}:countTokens"} <= paths


def test_a_route_without_words_is_an_error(monkeypatch):
    monkeypatch.delitem(reference_routes.WORDS, "token")
    with pytest.raises(KeyError, match="token"):
        reference_routes.rows()
