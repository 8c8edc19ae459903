"""Collections of points, found again by their nearness."""

import pytest

from tests.unit.simulator.conftest import Ask
from trunkline.simulator.vendors import qdrant

PLACE = "/qdrant/collections/rules"
POINTS = [
    {"id": 1, "vector": [1.0, 0.0], "payload": {"text": "east"}},
    {"id": "b", "vector": [0.0, 1.0], "payload": {"text": "north"}},
    {"id": 3, "vector": [0.8, 0.6]},
]


@pytest.fixture
async def filled(call: Ask) -> Ask:
    made = await call("PUT", PLACE, {"vectors": {"size": 2, "distance": "Cosine"}})
    assert (made.status, made.json()["result"]) == (200, True)
    kept = await call("PUT", f"{PLACE}/points?wait=true", {"points": POINTS})
    assert kept.json() == {
        "result": {"operation_id": 1, "status": "completed"},
        "status": "ok",
        "time": 0.0001,
    }
    return call


async def test_the_nearest_points_come_first(filled: Ask) -> None:
    asked = {"query": [2.0, 0.0], "limit": 2, "with_payload": True}
    answer = await filled("POST", f"{PLACE}/points/query", asked)
    assert answer.json()["result"]["points"] == [
        {"id": 1, "payload": {"text": "east"}, "version": 0, "score": 1.0},
        {"id": 3, "payload": None, "version": 0, "score": 0.8},
    ]
    searched = await filled("POST", f"{PLACE}/points/search", {"vector": [0, 1], "score_threshold": 0.7})
    assert searched.json()["result"] == [{"id": "b", "version": 0, "score": 1.0}]
    nearest = await filled("POST", f"{PLACE}/points/query", {"query": {"nearest": [0, 1]}, "limit": 1})
    assert [one["id"] for one in nearest.json()["result"]["points"]] == ["b"]


async def test_points_are_read_counted_listed_replaced_and_deleted(filled: Ask) -> None:
    await filled("PUT", f"{PLACE}/points", {"points": [{"id": 1, "vector": [0, 1]}]})
    read = await filled("POST", f"{PLACE}/points", {"ids": [1, 9], "with_vector": True})
    assert read.json()["result"] == [{"id": 1, "vector": [0.0, 1.0]}]
    await filled("POST", f"{PLACE}/points/delete", {"points": [1, 9]})
    assert (await filled("POST", f"{PLACE}/points/count", {})).json()["result"] == {"count": 2}
    listed = await filled("POST", f"{PLACE}/points/scroll", {"limit": 1})
    assert listed.json()["result"]["points"] == [{"id": "b", "payload": {"text": "north"}}]


async def test_collections_are_described_listed_and_dropped(filled: Ask) -> None:
    told = (await filled("GET", PLACE)).json()["result"]
    assert (told["points_count"], told["config"]["params"]["vectors"]["size"]) == (3, 2)
    assert (await filled("GET", "/qdrant/collections")).json()["result"]["collections"] == [{"name": "rules"}]
    dropped = [(await filled("DELETE", PLACE)).json()["result"] for _ in range(2)]
    assert dropped == [True, False]
    assert (await filled("GET", f"{PLACE}/exists")).json()["result"] == {"exists": False}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("PUT", PLACE, {"vectors": {"size": 2}}, 409, "already exists"),
        ("PUT", "/qdrant/collections/x", {}, 400, "Format error"),
        ("PUT", f"{PLACE}/points", {"points": [{"id": 4, "vector": [1.0]}]}, 400, "expected dim: 2, got 1"),
        ("PUT", f"{PLACE}/points", {"points": [{"vector": [1.0, 0.0]}]}, 400, "missing required field `id`"),
        ("POST", f"{PLACE}/points/query", {"query": ["a", "b"]}, 400, "Format error"),
        ("POST", f"{PLACE}/points/query", {}, 400, "expected dim: 2, got 0"),
        ("POST", "/qdrant/collections/none/points/count", {}, 404, "`none` doesn't exist"),
        ("POST", f"{PLACE}/points/nonsense", {}, 404, "Not found"),
    ],
)
async def test_what_does_not_fit_is_refused_in_the_vendors_words(
    filled: Ask, method: str, path: str, body: object, status: int, says: str
) -> None:
    answer = await filled(method, path, body)
    assert answer.status == status
    assert says in answer.json()["status"]["error"]


async def test_other_paths_are_echoed(call: Ask) -> None:
    assert (await call("GET", "/qdrant/readyz")).status == 200


async def test_the_oldest_go_when_there_is_no_room(filled: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qdrant, "MOST_POINTS", 2)
    monkeypatch.setattr(qdrant, "MOST_COLLECTIONS", 1)
    await filled("PUT", f"{PLACE}/points", {"points": [{"id": 4, "vector": [1, 0]}]})
    kept = (await filled("POST", f"{PLACE}/points/scroll", {})).json()["result"]["points"]
    assert [one["id"] for one in kept] == [3, 4]
    await filled("PUT", "/qdrant/collections/new", {"vectors": {"size": 2}})
    assert (await filled("GET", f"{PLACE}/exists")).json()["result"] == {"exists": False}


def test_a_vector_of_zeros_is_near_to_nothing() -> None:
    assert qdrant.cosine([0.0, 0.0], [1.0, 0.0]) == 0.0
