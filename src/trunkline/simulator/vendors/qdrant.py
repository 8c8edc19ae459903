"""Qdrant: collections, and points that are written, counted, listed, deleted and searched by cosine similarity.

Not for: filters, sparse and named vectors, other distances; what it does not know is echoed like a plain API.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from trunkline.simulator.failures import refuse
from trunkline.simulator.reply import Reply, json_reply
from trunkline.simulator.request import Request
from trunkline.simulator.vendors.generic import Generic

MOST_COLLECTIONS = 100
MOST_POINTS = 10_000
"""Of one collection. Beyond both the oldest are let go."""

Id = int | str
T = TypeVar("T")


class Point(msgspec.Struct):
    """What is stored under an id."""

    id: Id
    vector: list[float]
    payload: dict[str, Any] | None = None


class Points(msgspec.Struct):
    """The body of a write."""

    points: list[Point]


class Size(msgspec.Struct):
    """How long the vectors of a collection are."""

    size: int


class Wanted(msgspec.Struct):
    """The body of a new collection."""

    vectors: Size


class Nearest(msgspec.Struct):
    """A query, as `/query` takes it beside a plain vector."""

    nearest: list[float]


class Asked(msgspec.Struct):
    """The body of what reads or deletes points; each operation looks at its own members."""

    query: list[float] | Nearest | None = None
    vector: list[float] | None = None
    ids: list[Id] = []
    points: list[Id] = []
    limit: int = 10
    score_threshold: float | None = None
    with_payload: bool | None = None
    with_vector: bool = False


class Collection:
    """Points by their ids."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.points: dict[Id, Point] = {}
        self.writes = 0

    def upsert(self, points: list[Point]) -> None:
        """All of them or, where one does not fit, none."""
        for point in points:
            self._fits(point.vector)
        for point in points:
            self.points[point.id] = point
        for old in list(self.points)[:-MOST_POINTS]:
            del self.points[old]
        self.writes += 1

    def delete(self, ids: list[Id]) -> None:
        """Those that are there."""
        for one in ids:
            self.points.pop(one, None)
        self.writes += 1

    def nearest(self, asked: Asked) -> list[dict[str, Any]]:
        """The points nearest to the vector asked for, best first; those of equal score in the order of their ids."""
        query = asked.query.nearest if isinstance(asked.query, Nearest) else asked.query or asked.vector or []
        self._fits(query)
        scored = [(cosine(query, one.vector), one) for one in self.points.values()]
        least = asked.score_threshold
        good = [both for both in scored if least is None or both[0] >= least]
        good.sort(key=lambda both: (-both[0], str(both[1].id)))
        return [{**shown(one, asked), "version": 0, "score": score} for score, one in good[: asked.limit]]

    def _fits(self, vector: list[float]) -> None:
        if len(vector) != self.size:
            told = f"Wrong input: Vector dimension error: expected dim: {self.size}, got {len(vector)}"
            raise refuse(400, told)


class Qdrant:
    """Keeps collections."""

    def __init__(self) -> None:
        self._collections: dict[str, Collection] = {}
        self._others = Generic("qdrant")

    def answer(self, request: Request) -> Reply:
        """Routes by `/collections/{name}/points/{operation}`."""
        match request.method, request.segments:
            case "GET", ["collections"]:
                return done({"collections": [{"name": name} for name in self._collections]})
            case "PUT", ["collections", name]:
                return self._create(name, read(request, Wanted).vectors.size)
            case "DELETE", ["collections", name]:
                return done(self._collections.pop(name, None) is not None)
            case "GET", ["collections", name]:
                return done(described(self._found(name)))
            case "GET", ["collections", name, "exists"]:
                return done({"exists": name in self._collections})
            case "PUT", ["collections", name, "points"]:
                found = self._found(name)
                found.upsert(read(request, Points).points)
                return done(written(found))
            case "POST", ["collections", name, "points", *rest]:
                return done(worked(self._found(name), rest, read(request, Asked)))
        return self._others.answer(request)

    def _found(self, name: str) -> Collection:
        if name not in self._collections:
            raise refuse(404, f"Not found: Collection `{name}` doesn't exist!")
        return self._collections[name]

    def _create(self, name: str, size: int) -> Reply:
        if name in self._collections:
            raise refuse(409, f"Wrong input: Collection `{name}` already exists!")
        if len(self._collections) >= MOST_COLLECTIONS:
            self._collections.pop(next(iter(self._collections)))
        self._collections[name] = Collection(size)
        return done(True)


def worked(found: Collection, operation: list[str], asked: Asked) -> Any:
    """The result of an operation on points."""
    match operation:
        case []:
            return [shown(found.points[one], asked) for one in asked.ids if one in found.points]
        case ["query"]:
            return {"points": found.nearest(asked)}
        case ["search"]:
            return found.nearest(asked)
        case ["count"]:
            return {"count": len(found.points)}
        case ["scroll"]:
            first = list(found.points.values())[: asked.limit]
            return {"points": [shown(one, asked, by_itself=True) for one in first], "next_page_offset": None}
        case ["delete"]:
            found.delete(asked.points)
            return written(found)
    raise refuse(404, "Not found")


def read(request: Request, kind: type[T]) -> T:
    """The body as what an operation takes."""
    try:
        return msgspec.convert(request.json(), kind)
    except msgspec.ValidationError as problem:
        raise refuse(400, f"Format error in JSON body: {problem}") from None


def done(result: Any) -> Reply:
    """A success, as the vendor dresses it."""
    return json_reply({"result": result, "status": "ok", "time": 0.0001})


def written(found: Collection) -> dict[str, Any]:
    """What a write is answered with."""
    return {"operation_id": found.writes, "status": "completed"}


def described(found: Collection) -> dict[str, Any]:
    """What the vendor says of a collection."""
    vectors = {"size": found.size, "distance": "Cosine"}
    count = len(found.points)
    return {"status": "green", "points_count": count, "config": {"params": {"vectors": vectors}}}


def shown(point: Point, asked: Asked, *, by_itself: bool = False) -> dict[str, Any]:
    """A point with as much of it as was asked for; `by_itself`: its payload unless told otherwise."""
    told: dict[str, Any] = {"id": point.id}
    if asked.with_payload if asked.with_payload is not None else by_itself:
        told["payload"] = point.payload
    if asked.with_vector:
        told["vector"] = point.vector
    return told


def cosine(one: list[float], two: list[float]) -> float:
    """From -1 to 1."""
    length = (sum(x * x for x in one) * sum(x * x for x in two)) ** 0.5
    return round(sum(x * y for x, y in zip(one, two, strict=True)) / length, 6) if length else 0.0
