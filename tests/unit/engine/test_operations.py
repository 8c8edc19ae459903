"""Requests are known by the operations that the registry declares: literal paths first, then templates in their order."""

from __future__ import annotations

import pytest

from trunkline.core.service import Operation
from trunkline.engine.operations import Matcher, undeclared

OPERATIONS = [
    Operation(name="get_any", method="GET", path="/v1/{kind}/{id}"),
    Operation(name="get_charge", method="GET", path="/v1/charges/{id}"),
    Operation(name="latest", method="GET", path="/v1/charges/latest"),
    Operation(name="file", method="GET", path="/files/{path+}"),
    Operation(name="charge", method="POST", path="/v1/charges", repeat="with_key"),
    Operation(name="dots", method="GET", path="/a.b/{x}.json"),
]


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", b"/v1/charges/latest", "latest"),
        ("GET", b"/v1/charges/ch_1", "get_any"),
        ("GET", b"/v1/refunds/r%2F1", "get_any"),
        ("POST", b"/v1/charges", "charge"),
        ("GET", b"/files/a/b/c.pdf", "file"),
        ("GET", b"/a.b/c.json", "dots"),
        ("GET", b"/aXb/c.json", None),
        ("GET", b"/a.b/cXjson", None),
        ("GET", b"/files/", None),
        ("PUT", b"/v1/charges", None),
        ("DELETE", b"/v1/charges/ch_1", None),
        ("POST", b"/v1/charges/", None),
        ("GET", b"/v1/charges/a/b", None),
        ("GET", b"/x/v1/charges/ch_1", None),
    ],
)
def test_a_request_is_its_operation(method: str, path: bytes, name: str | None) -> None:
    matcher = Matcher(OPERATIONS)
    for _ in range(2):
        found = matcher.find(method, path)
        assert (found.name if found is not None else None) == name


def test_what_was_looked_up_does_not_grow_without_end() -> None:
    matcher = Matcher(OPERATIONS)
    for n in range(5000):
        matcher.find("GET", b"/v1/charges/%d" % n)
    assert len(matcher._cache) == 4096
    last = matcher.find("GET", b"/v1/charges/4999")
    assert last is OPERATIONS[0]


@pytest.mark.row("F1")
@pytest.mark.parametrize(
    ("method", "repeat"),
    [("GET", "always"), ("HEAD", "always"), ("OPTIONS", "always"), ("PUT", "with_key"), ("DELETE", "with_key"),
     ("POST", "never"), ("PATCH", "never"), ("BREW", "never")],
)  # fmt: skip
def test_what_nobody_declared_is_repeated_by_its_method(method: str, repeat: str) -> None:
    operation = undeclared(method)
    assert (operation.name, operation.repeat) == ("", repeat)
