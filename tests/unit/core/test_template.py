"""Placeholders of declared answers: which can be filled, and what is wrong with the others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.template import FACTS, PLACEHOLDER, faulty


@pytest.mark.row("F4")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain { braces } stay",
        "{{ /title }}",
        "{{/a/0/b~1c~0}}",
        "{{ / }}",
        '{"a": "{{ /x }} and {{ code }}", "b": "{{ retry_at }}"}',
        "a lone }} closes nothing",
    ],
)
def test_what_can_be_filled_is_silent(text: str) -> None:
    assert faulty(text) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{{ title }}", [("title", "it is neither a JSON pointer nor a fact of the call")]),
        ("{{ }}", [("", "it is neither a JSON pointer nor a fact of the call")]),
        (
            "{{ /a~2 }} {{ code }} {{ /~ }}",
            [("/a~2", "it is no JSON pointer"), ("/~", "it is no JSON pointer")],
        ),
        ("so {{ /a", [("{{", "it is never closed by `}}`")]),
        ("{{ code }} {{", [("{{", "it is never closed by `}}`")]),
    ],
)
def test_what_cannot_be_filled_is_told_with_its_reason(text: str, found: list[tuple[str, str]]) -> None:
    assert faulty(text) == found


@given(st.lists(st.sampled_from([*FACTS, "/a", "/a/0", "/messages/0/content"])), st.text("ab{} \n"))
def test_known_names_are_found_wherever_they_stand(names: list[str], between: str) -> None:
    between = between.replace("{{", "").replace("{", "(")
    text = between.join(f"{{{{ {name} }}}}" for name in names)
    assert PLACEHOLDER.findall(text) == names
    assert faulty(text) == []


@given(st.text())
def test_any_text_is_judged_without_an_exception(text: str) -> None:
    assert all(why for _, why in faulty(text))
