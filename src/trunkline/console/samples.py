"""How sampled calls fare, in the admin API and as metrics. What stands in them is never shown. Not for: looking at them (`looking.py`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from trunkline.console.declare import Endpoint, Nothing
from trunkline.ops.metrics import Metric, Sample

if TYPE_CHECKING:
    from trunkline.console.context import Console


class SamplesReply(msgspec.Struct):
    """Numbers since the start of the processes."""

    taken: int = 0
    """By the gateway."""
    dropped: int = 0
    """For which there was no room, in memory or on the disk."""
    unseen_files: int = 0
    """Files of samples that were deleted before all of them were looked at: expired, or no room."""
    looked: int = 0
    failed: int = 0
    """Times that a looker failed on one."""
    damaged: int = 0
    waiting_bytes: int = 0
    lag_s: float = 0.0
    """Age of the sample looked at last, while more wait."""


def samples(console: Console, query: Nothing) -> Any:
    """How sampling and looking fare."""
    told: dict[str, int] = console.published.table("samples")
    own = console.looking.stats() if console.looking is not None else {}
    return SamplesReply(
        taken=told.get("taken", 0),
        dropped=told.get("dropped", 0),
        unseen_files=told.get("unseen", 0),
        **own,
    )


def metrics(console: Console) -> list[Metric]:
    """What the gateway tells has its own metric already (`trunkline_gateway_samples`)."""
    if console.looking is None:
        return []
    texts = {
        "looked": "Samples looked at since the start.",
        "failed": "Times that looking at a sample failed.",
        "damaged": "Samples that did not open.",
        "waiting_bytes": "Samples that wait to be looked at.",
        "lag_s": "Age of the sample looked at last, while more wait.",
    }
    found = console.looking.stats()
    return [
        Metric(
            f"trunkline_samples_{name.replace('lag_s', 'lag_seconds')}",
            "gauge",
            text,
            [Sample({}, found[name])],
        )
        for name, text in texts.items()
    ]


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET", path="/api/samples", role="viewer", name="samples",
        summary="How sampled calls fare; never what stands in them", reply=SamplesReply, handler=samples,
    ),
)  # fmt: skip
