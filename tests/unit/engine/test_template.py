"""Declared answers are filled so that they stay what they are: JSON stays JSON, markup stays markup."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.engine.template import Template

pytestmark = pytest.mark.row("F4")
JSON, HTML, TEXT = "application/json", "text/html; charset=utf-8", "text/plain"
ORDER = {"order": {"id": "A-7", "total": 19.5, "lines": [{"sku": "x"}, {"sku": "y"}], "note": None}}
FACTS = {"correlation_id": "c-1", "code": "overloaded", "retry_at": None}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def filled(body: str, content_type: str = JSON, request: Any = ORDER, facts: Any = FACTS) -> str:
    sent = request if isinstance(request, bytes) else json.dumps(request).encode()
    return Template(body, content_type).fill(sent, facts).decode()


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ('{"a": 1}', {"a": 1}),
        ('{"id": "{{ /order/id }}"}', {"id": "A-7"}),
        ('{"total": "{{/order/total}}", "all": "{{ /order }}"}', {"total": 19.5, "all": ORDER["order"]}),
        ('{"total": {{ /order/total }}}', {"total": 19.5}),
        ('{"text": "Order {{ /order/id }} of {{ /order/total }}"}', {"text": "Order A-7 of 19.5"}),
        ('{"skus": "{{ /order/lines/*/sku }}"}', {"skus": ["x", "y"]}),
        ('{"sku": "{{ /order/lines/1/sku }}"}', {"sku": "y"}),
        ('{"note": "{{ /order/note }}", "gone": "[{{ /no/such }}]"}', {"note": None, "gone": "[]"}),
        ('{"why": "{{ code }}", "at": "{{ retry_at }}"}', {"why": "overloaded", "at": None}),
        ('"{{ correlation_id }}"', "c-1"),
        ('{"q": "say \\"{{ code }}\\""}', {"q": 'say "overloaded"'}),
        ('{"{{ code }}": "{{ code }}{{ code }}"}', {"overloaded": "overloadedoverloaded"}),
    ],
)
def test_json_takes_values_as_they_are_and_texts_as_texts(body: str, wanted: Any) -> None:
    assert json.loads(filled(body)) == wanted


def test_a_request_that_is_no_json_holds_nothing() -> None:
    assert (
        filled('{"a": "{{ /x }}", "c": "{{ code }}"}', request=b"a=1&b=2") == '{"a": null, "c": "overloaded"}'
    )


def test_markup_is_escaped_and_plain_text_is_not() -> None:
    request = {"name": "<b>A&B</b>"}
    assert filled("<p>{{ /name }}</p>", HTML, request) == "<p>&lt;b&gt;A&amp;B&lt;/b&gt;</p>"
    assert filled("Dear {{ /name }},", TEXT, request) == "Dear <b>A&B</b>,"


def test_a_pointer_may_hold_what_json_escapes() -> None:
    body = json.dumps({"a": '{{ /say "hi" }}', "b": 'x {{ /say "hi" }}'})
    assert json.loads(filled(body, request={'say "hi"': "yes"})) == {"a": "yes", "b": "x yes"}


@given(VALUES, st.text(), st.text())
def test_whatever_a_request_holds_the_answer_is_json_with_just_that_in_its_place(
    value: Any, before: str, after: str
) -> None:
    body = json.dumps({"whole": "{{ /v }}", "part": "<{{ /v }}>", "fact": "{{ message }}"})
    told = json.loads(filled(body, request={"v": value}, facts={"message": before + after}))
    text = value if isinstance(value, str) else "" if value is None else None
    assert told["whole"] == value
    assert told["fact"] == before + after
    assert told["part"] == f"<{text}>" if text is not None else json.loads(told["part"][1:-1]) == value


@given(st.text(), st.sampled_from([JSON, HTML, TEXT]))
def test_without_placeholders_a_body_stays_as_it_is(body: str, content_type: str) -> None:
    if "{{" not in body:
        assert filled(body, content_type) == body


@given(st.text(alphabet='{}" \\/ab\n'), VALUES)
def test_no_body_makes_it_fail(body: str, value: Any) -> None:
    for content_type in (JSON, HTML, TEXT):
        filled(body, content_type, request={"a": value})
