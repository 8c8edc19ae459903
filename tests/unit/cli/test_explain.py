"""`trunkline explain NAME`: which endpoint a name is asked at."""

from __future__ import annotations

import pytest

from trunkline.cli.explain import _embeds, _model
from trunkline.core.service import Alias, Model, Service, Snapshot
from trunkline.core.virtual import Candidate, Virtual

pytestmark = pytest.mark.row("F7")
LIVE = Snapshot(
    version="v1",
    created="",
    environment="prod",
    services=[
        Service(
            name="openai",
            base_url="https://api.openai.com",
            models=[Model(id="gpt-4o-mini"), Model(id="text-embedding-3-small", kind="embedding")],
        )
    ],
    aliases=[Alias(name="vectors", target="openai/text-embedding-3-small")],
    virtual=[
        Virtual(name="search", candidates=[Candidate(target="openai/text-embedding-3-small")]),
        Virtual(name="fast", candidates=[Candidate(target="openai/gpt-4o-mini")]),
    ],
)


@pytest.mark.parametrize(
    ("name", "embeds"),
    [
        ("openai/text-embedding-3-small", True),
        ("vectors", True),
        ("search", True),
        ("fast", False),
        ("openai/gpt-4o-mini", False),
        ("openai/unknown", False),
        ("nobody/nothing", False),
    ],
)
def test_a_name_of_an_embedding_model_is_asked_for_vectors(name: str, embeds: bool) -> None:
    assert _embeds(LIVE, name) is embeds
    assert _embeds(None, name) is False
    asked = _model(name, "Hi", False, {}, embeds=embeds)
    assert asked["path"] == ("/v1/embeddings" if embeds else "/v1/chat/completions")
    assert asked["body"]["model"] == name
    assert ("input" in asked["body"]) is embeds
