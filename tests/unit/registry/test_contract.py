"""Whatever the gateway can be told, the registry can say: no field of the compiled structs is without its line in a merge."""

import re
from pathlib import Path

import pytest

from trunkline.core import flow, service
from trunkline.registry import merge

FOLDER = Path(merge.__file__).parent
MADE_ELSEWHERE = {
    "Service": {"simulated", "problem"},
    "Model": {"created"},
    "Snapshot": {"version", "created"},
}
"""Set by `load.py`, or (created) by nobody yet."""
STRUCTS = {
    "merge.py": ["Service", "Auth", "Operation", "Model"],
    "merge_flow.py": [
        *("Timeouts", "Limit", "Retry", "Breaker", "Queue", "Adaptive"),
        *("Fallback", "Cache", "Hedge", "Repair", "Probe"),
    ],
    "merge_models.py": ["Alias"],
    "merge_whole.py": ["Snapshot", "Scope", "Budget", "CallerLimit", "Notify", "Shedding"],
}


@pytest.mark.row("R2")
@pytest.mark.parametrize(("file", "struct"), [(file, one) for file, many in STRUCTS.items() for one in many])
def test_every_field_can_be_said_in_the_registry(file: str, struct: str) -> None:
    made = (FOLDER / file).read_text("utf-8")
    fields = set(
        (getattr(service, struct, None) or getattr(flow, struct)).__struct_fields__
    ) - MADE_ELSEWHERE.get(struct, set())
    assert {field for field in fields if not re.search(rf"\b{field}=", made)} == set()
