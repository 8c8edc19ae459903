"""Contracts in the admin API: what is known of each operation, what has changed, readings of changelogs, two versions compared.

Not for: accepting changes, which is done where the registry is checked out (`trunkline contracts accept`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from trunkline.console.contracts import lock_file
from trunkline.console.declare import Endpoint, Nothing
from trunkline.console.identity import Identity
from trunkline.console.when import instant_us
from trunkline.control import contracts as control
from trunkline.core.errors import CallError
from trunkline.core.service import Snapshot
from trunkline.ops.contracts import beside, overview, reviews, store
from trunkline.ops.contracts import lock as locks
from trunkline.ops.contracts.change import Change
from trunkline.ops.contracts.lock import Lock

if TYPE_CHECKING:
    from trunkline.console.context import Console

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Note = Annotated[str, msgspec.Meta(max_length=2000)]


class ContractQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One integration."""

    name: Text


class ReadingQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reading of a changelog."""

    name: Text
    note: Note = ""


class CompareQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two integrations."""

    one: Text
    other: Text
    since: str = "7d"
    """RFC 3339, or a span back from now such as `24h`, `7d`."""


class ContractsReply(msgspec.Struct, frozen=True):
    """Every operation that is known."""

    operations: list[overview.Row]
    problem: str
    """Why the lock cannot be read; empty when it can."""


class ContractReply(msgspec.Struct, frozen=True):
    """The changes of one integration, by operation."""

    changes: dict[str, list[Change]]


class ReviewsReply(msgspec.Struct, frozen=True):
    """When each changelog was read, and is due."""

    reviews: list[reviews.Standing]


class CompareReply(msgspec.Struct, frozen=True):
    """Two integrations side by side."""

    calls: list[beside.Compared]
    shapes: list[beside.Shapes]


def contracts(console: Console, query: Nothing) -> Any:
    """What is known of each operation."""
    lock, problem = Lock(), ""
    try:
        lock = locks.read(lock_file())
    except locks.LockInvalid as invalid:
        problem = str(invalid)
    names = [service.name for service in _snapshot(console).services]
    return ContractsReply(overview.rows(console.state_dir, lock, names), problem)


def contract(console: Console, query: ContractQuery) -> Any:
    """What has changed."""
    _known(console, query.name)
    book = store.read(console.state_dir, query.name)
    found = {
        name or "errors": changes
        for name, one in sorted(book.operations.items())
        if (changes := one.changes())
    }
    return ContractReply(found)


def readings(console: Console, query: Nothing) -> Any:
    """Readings of changelogs."""
    today = datetime.fromtimestamp(console.clock(), UTC).date()
    return ReviewsReply(reviews.standings(_snapshot(console), control.latest(console.state), today))


def read_changelog(console: Console, query: ReadingQuery, who: Identity) -> Any:
    """Records that a changelog was read."""
    _known(console, query.name)
    return control.review(
        console.state, _snapshot(console), query.name, who.actor, query.note, console.clock()
    )


def compare(console: Console, query: CompareQuery) -> Any:
    """Two integrations side by side."""
    _known(console, query.one)
    _known(console, query.other)
    try:
        since = instant_us(query.since, console.clock())
    except ValueError as fault:
        raise CallError("invalid_request", str(fault), param="since") from None
    rollups = console.rollups
    calls = beside.compared(
        rollups.usage(("integration",), since),
        rollups.usage(("integration", "operation"), since),
        rollups.usage(("integration", "operation", "code"), since),
        query.one,
        query.other,
    )
    books = (store.read(console.state_dir, name) for name in (query.one, query.other))
    return CompareReply(calls, beside.shapes(*books))


def _snapshot(console: Console) -> Snapshot:
    found = console.published.snapshot()
    if found is None:
        raise CallError("not_ready", "nothing is published yet")
    return found


def _known(console: Console, name: str) -> None:
    if name not in [service.name for service in _snapshot(console).services]:
        raise CallError("not_found", f"there is no integration {name!r}")


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET", path="/api/contracts", role="viewer", reach="shared", name="contracts",
        summary="What is known of the shape of each operation", reply=ContractsReply, handler=contracts,
    ),
    Endpoint(
        method="GET", path="/api/contracts/reviews", role="viewer", reach="shared", name="contract_reviews",
        summary="When each changelog was read, and is due", reply=ReviewsReply, handler=readings,
    ),
    Endpoint(
        method="GET", path="/api/contracts/compare", role="viewer", name="compare_contracts",
        summary="Two integrations side by side: errors, latency, shapes", query=CompareQuery, reply=CompareReply, handler=compare,
    ),
    Endpoint(
        method="GET", path="/api/contracts/{name}", role="viewer", reach="shared", name="contract",
        summary="What has changed in an integration", query=ContractQuery, reply=ContractReply, handler=contract,
    ),
    Endpoint(
        method="POST", path="/api/contracts/{name}/reviews", role="operator", name="read_changelog",
        summary="Record that the changelog was read", query=ReadingQuery, reply=reviews.Review, handler=read_changelog,
    ),
)  # fmt: skip
