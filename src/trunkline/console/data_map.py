"""The data map in the admin API.

Not for: what stands in it (`ops/data/map.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec
from starlette.responses import PlainTextResponse

from trunkline.console.declare import Endpoint
from trunkline.core.errors import CallError
from trunkline.ledger import data_tables
from trunkline.ops.data.map import DAYS, DataMap, data_map
from trunkline.ops.data.map_text import markdown, table_csv

if TYPE_CHECKING:
    from trunkline.console.context import Console

GROUPS = ("integration", "feature", "team", "simulated")


class DataMapQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In which form."""

    format: Literal["json", "markdown", "csv"] = "json"


def show(console: Console, query: DataMapQuery) -> Any:
    """Which integration may receive and did receive which data."""
    snapshot = console.published.snapshot()
    if snapshot is None:
        raise CallError("store_unavailable", "no registry is published yet")
    now = console.clock()
    usage = console.rollups.usage(GROUPS, int((now - DAYS * 86_400) * 1e6))
    with console.state.view() as connection:
        found = data_map(snapshot, data_tables.listed(connection), usage, now)
    if query.format == "json":
        return found
    text, media = (
        (markdown(found), "text/markdown") if query.format == "markdown" else (table_csv(found), "text/csv")
    )
    return PlainTextResponse(text, media_type=media)


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET", path="/api/data-map", role="viewer", name="data_map",
        summary="Which integration may receive and did receive which data", query=DataMapQuery, reply=DataMap, handler=show,
    ),
)  # fmt: skip
