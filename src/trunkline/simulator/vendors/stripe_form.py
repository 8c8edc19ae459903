"""Stripe's form encoding with nested brackets: `metadata[a]=1`, `items[0][price]=x`, `expand[]=customer`.

Not for: telling which parameters exist; unknown ones are passed over.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl

from trunkline.simulator.request import Request

_NAME = re.compile(r"\[([^\]]*)\]")


def decoded(request: Request) -> dict[str, Any]:
    """Parameters of the body of a POST, or of the query of anything else."""
    text = request.body.decode("utf-8", "replace") if request.method == "POST" else request.query_text
    form: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        head, _, _ = name.partition("[")
        _put(form, [head, *_NAME.findall(name[len(head) :])], value)
    return {name: _lists(value) for name, value in form.items()}


def _put(form: dict[str, Any], steps: list[str], value: str) -> None:
    for step, following in pairwise(steps):
        key = step or str(len(form))
        inner = form.setdefault(key, {})
        if not isinstance(inner, dict):
            inner = form[key] = {}
        form = inner
        if following == "":
            form[str(len(form))] = value
            return
    form[steps[-1]] = value


def _lists(value: Any) -> Any:
    """Turns dictionaries with the keys 0, 1, 2... into lists."""
    if not isinstance(value, dict):
        return value
    inner = {name: _lists(item) for name, item in value.items()}
    if inner and list(inner) == [str(index) for index in range(len(inner))]:
        return list(inner.values())
    return inner
