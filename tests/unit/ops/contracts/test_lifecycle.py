"""What header fields say of the end of things."""

from datetime import date
from typing import Any

import pytest

from trunkline.engine.lifecycle import ENDING, LIFECYCLE, SERVED
from trunkline.ops.contracts import lifecycle
from trunkline.ops.contracts.lifecycle import Told, day_in, findings, told
from trunkline.ops.contracts.notices import Notice

TODAY = date(2026, 11, 21)


@pytest.mark.row("C3")
@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"deprecation": "@1688169599"}, {"since": "2023-06-30"}),
        ({"deprecation": "true"}, {}),
        ({"deprecation": "Sun, 11 Nov 2026 23:59:59 GMT", "sunset": "Thu, 31 Dec 2026 23:59:59 GMT"},
         {"since": "2026-11-11", "ends": "2026-12-31"}),
        (
            {"sunset": "Thu, 31 Dec 2026 23:59:59 GMT", "link": '<https://x.example/a>; rel="sunset", <https://x.example/b>; rel="next"'},
            {"ends": "2026-12-31", "links": ["https://x.example/a"]},
        ),
        ({"warning": '299 - "This API is deprecated, see https://x.example" "Sat, 21 Nov 2026 10:00:00 GMT"'},
         {"words": ["This API is deprecated, see https://x.example"]}),
        ({"warning": '299 api "Version 1 ends on October 1, 2027"'},
         {"words": ["Version 1 ends on October 1, 2027"], "ends": "2027-10-01"}),
        ({"x-api-warn": "v2 is going away 2027-02-01"}, {"words": ["v2 is going away 2027-02-01"], "ends": "2027-02-01"}),
        ({"x-shopify-api-deprecated-reason": "https://shopify.dev/x"}, {"words": ["https://shopify.dev/x"]}),
        ({"deprecation": "@1688169599;path=/v1"}, {"since": "2023-06-30"}),
        ({"deprecation": "@1700000000, @1688169599"}, {"since": "2023-06-30"}),
        ({"deprecation": 'version="v1", date="Sat, 21 Nov 2026 23:59:59 GMT"'}, {"since": "2026-11-21"}),
        ({"deprecation": "@-5"}, {}),
        ({"deprecation": "@99999999999"}, {}),
        ({"sunset": "Thursday, 31-Dec-26 23:59:59 GMT"}, {"ends": "2026-12-31"}),
        ({"sunset": "Thu Dec  3 23:59:59 2026"}, {"ends": "2026-12-03"}),
        ({"sunset": "1798761599000"}, {"ends": "2026-12-31"}),
        ({"sunset": "2026-12-31, 2026-06-30"}, {"ends": "2026-06-30"}),
        ({"sunset": "Thu, 31 Dec 2026 23:59:59 GMT, Tue, 30 Jun 2026 23:59:59 GMT"}, {"ends": "2026-06-30"}),
        ({"sunset": "soon"}, {"words": ["sunset: soon"]}),
        ({"sunset": "Thu, 31 Dec 0000 23:59:59 GMT"}, {"words": ["sunset: Thu, 31 Dec 0000 23:59:59 GMT"]}),
        ({"warning": '299 - "Deprecated since 2026-01-01"'}, {"words": ["Deprecated since 2026-01-01"], "since": "2026-01-01"}),
        ({"warning": '299 - "In use since 2019-01-01. Removed 31 Jan 2027"'},
         {"words": ["In use since 2019-01-01. Removed 31 Jan 2027"], "since": "2019-01-01", "ends": "2027-01-31"}),
        ({"x-deprecated": "true"}, {}),
        ({"azure-deprecating": "API version 2009-27-07 will retire on 2026-12-01;https://x"},
         {"words": ["API version 2009-27-07 will retire on 2026-12-01;https://x"], "ends": "2026-12-01"}),
    ],
)  # fmt: skip
def test_standards_and_vendors_own_fields(fields: dict[str, str], said: dict[str, Any]) -> None:
    assert told(fields) == Told(deprecated=True, **said)


@pytest.mark.parametrize(
    "fields",
    [
        {"deprecation": "false"},
        {"warning": '110 - "Response is stale"'},
        {"link": '<https://x>; rel="next"'},
        {},
        {"stripe-version": "2026"},
        {"warning": "nonsense"},
        {"x-deprecated": "false"},
        {"x-api-deprecated": "0"},
        {"sunset": ""},
    ],
)
def test_what_says_nothing_of_the_kind(fields: dict[str, str]) -> None:
    assert told(fields) == Told()


def test_a_list_of_deprecated_versions_matters_only_to_ours() -> None:
    assert told({"api-deprecated-versions": "1.0, 2.0"}, "2.0").words == ["version 2.0 is deprecated"]
    assert told({"api-deprecated-versions": "1.0"}, "2.0") == Told()


def test_another_version_that_answers_is_told() -> None:
    assert told({"x-shopify-api-version": "2025-01"}, "2024-10").served == "2025-01"
    assert told({"x-shopify-api-version": "2024-10"}, "2024-10") == Told()


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("@1688169599", "2023-06-30"),
        ("1688169599", "2023-06-30"),
        ("2026-12-31T23:59:59Z", "2026-12-31"),
        ("31 December 2026", "2026-12-31"),
        ("December 31st, 2026", "2026-12-31"),
        ("2026-02-31", ""),
        ("2026/12/31", "2026-12-31"),
        ("20261231", "2026-12-31"),
        ("Dec. 31, 2026", "2026-12-31"),
        ("Thu, 00 Dec 2026 00:00:00 GMT", ""),
        ("1" * 5000, ""),
        ("soon", ""),
        ("", ""),
    ],
)
def test_days(text: str, day: str) -> None:
    assert day_in(text) == day


def notice(fields: dict[str, str], **more: Any) -> Notice:
    usual: dict[str, Any] = {
        "integration": "shop",
        "operation": "list_orders",
        "method": "GET",
        "path": "/orders",
        "pinned": "2026-01",
    }
    return Notice(**{**usual, **more}, fields=fields, first_at=1.0, last_at=2.0, correlation_id="c1")


@pytest.mark.row("C3")
@pytest.mark.parametrize(
    ("sunset", "severity", "words"),
    [
        ("Thu, 31 Dec 2026 23:59:59 GMT", "warning", "shop list_orders ends on 2026-12-31"),
        ("Tue, 01 Dec 2026 23:59:59 GMT", "critical", "shop list_orders ends on 2026-12-01"),
        ("Sun, 01 Nov 2026 23:59:59 GMT", "critical", "shop list_orders has ended on 2026-11-01"),
    ],
)
def test_a_sunset_becomes_a_dated_task(sunset: str, severity: str, words: str) -> None:
    (found,) = findings(notice({"sunset": sunset}), TODAY)
    assert (found.kind, found.integration, found.subject) == ("contract.deprecation", "shop", "list_orders")
    assert (found.severity, found.title, found.due, found.correlation_ids) == (
        severity,
        words,
        lifecycle.day_in(sunset),
        ["c1"],
    )


def test_an_undeclared_operation_is_named_by_its_path() -> None:
    (found,) = findings(notice({"deprecation": "@1688169599"}, operation=""), TODAY)
    assert (found.subject, found.title, found.due) == (
        "GET /orders",
        "shop GET /orders is deprecated since 2023-06-30",
        "",
    )


def test_a_version_that_is_not_the_pinned_one_is_a_finding_of_its_own() -> None:
    (found,) = findings(notice({"x-shopify-api-version": "2025-10"}), TODAY)
    assert (found.kind, found.subject, found.severity) == ("contract.version", "api_version", "warning")
    assert found.title == "shop answers with version 2025-10, though 2026-01 is pinned"


def test_the_gateway_notices_what_is_understood_here() -> None:
    assert {name.decode() for name in SERVED} == set(lifecycle.SERVED)
    assert LIFECYCLE == ENDING | SERVED
    understood = {
        name.decode()
        for name in ENDING
        if told({name.decode(): "@1688169599 2027-01-01 1.0"}, "1.0") != Told()
    }
    assert understood == {name.decode() for name in ENDING} - {"warning"}
