"""Which calls a budget or a limit counts, and by what. Pure; the gateway, the console and the command line judge alike.

Not for: what is counted (`plugins/policies/budget.py`, `caller_limits.py`).
"""

from __future__ import annotations

import fnmatch
from typing import NamedTuple

from trunkline.core.flow import Scope


class Labels(NamedTuple):
    """Who made a call and what serves it."""

    key: str
    """Id of the caller key; it stays through rotations."""
    team: str
    feature: str
    integration: str
    model: str
    """`integration/model`; empty for what is no model call."""


def covers(scope: Scope, labels: Labels, key_name: str) -> bool:
    """Whether a call counts: it matches everything that the scope names. `key_name` is the name of `labels.key`, if known."""
    return (
        (not scope.team or scope.team == labels.team)
        and (not scope.feature or scope.feature == labels.feature)
        and (not scope.key or scope.key in (labels.key, key_name))
        and (not scope.integration or scope.integration == labels.integration)
        and (not scope.model or (bool(labels.model) and fnmatch.fnmatchcase(labels.model, scope.model)))
    )


def counted_by(scope: Scope, labels: Labels) -> str:
    """The value of `each` that a call is counted under; empty where all are counted together."""
    return str(getattr(labels, scope.each)) if scope.each else ""


def model_label(integration: str, model: str) -> str:
    """A model as labels have it. `model` is the vendor's name, alone or already behind its integration's."""
    if not model or model.startswith(f"{integration}/"):
        return model
    return f"{integration}/{model}"
