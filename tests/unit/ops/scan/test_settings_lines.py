"""Names and values of every kind of settings file; any text at all."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trunkline.ops.scan import settings_lines
from trunkline.ops.scan.settings_lines import Setting


def plain(settings: list[Setting]) -> list[tuple[str, str, int]]:
    return [(one.name, one.value, one.line) for one in settings]


def test_env_files() -> None:
    text = (
        "A=1\nexport B=\"x # y\" # c\n# C_KEY=abc\n# Some = words\nD='q'  \n"
        'PK="-----BEGIN\nabc\n-----END"\nE=x#y\nF=\nbad line\nG="open\n'
    )
    found = settings_lines.env(text)

    assert plain(found) == [
        ("A", "1", 1),
        ("B", "x # y", 2),
        ("C_KEY", "abc", 3),
        ("D", "q", 5),
        ("PK", "-----BEGIN\nabc\n-----END", 6),
        ("E", "x#y", 9),
        ("F", "", 10),
        ("G", "open", 12),
    ]
    assert [one.name for one in found if one.commented] == ["C_KEY"]


def test_yaml_with_lists_of_pairs_and_names_with_values() -> None:
    text = """
x: &e
  KEY: ${KEY}
services:
  web:
    environment:
      <<: *e
      - A=b
      - "C=d"
    env:
      - name: FOO
        value: "bar"
      - key: BAZ
        value: qux # why
{{ broken }}
"""
    found = [
        one
        for one in settings_lines.yaml(text)
        if one.value and one.name not in ("name", "key", "value", "x")
    ]

    assert plain(found) == [
        ("KEY", "${KEY}", 3),
        ("A", "b", 8),
        ("C", "d", 9),
        ("FOO", "bar", 12),
        ("BAZ", "qux", 14),
    ]
    assert found[1].parents == ("services", "web", "environment")


def test_toml_ini_and_properties() -> None:
    text = (
        '; no\n# no\n! no\n[build.environment]\nA = "b" # c\nspring.x=${Y:z}\n"q r": s\n[[list]]\nB = [1]\n'
    )

    assert plain(list(settings_lines.read(".toml", text))) == [
        ("A", "b", 5),
        ("spring.x", "${Y:z}", 6),
        ("q r", "s", 7),
        ("B", "[1]", 9),
    ]


def test_json_on_one_line_and_on_many() -> None:
    text = '{"env": {"A": "b",\n "n": 1, "l": ["x"]}, // c\n "B": "d\\"e",}'
    found = list(settings_lines.read(".json", text))

    assert plain(found) == [("A", "b", 1), ("B", 'd\\"e', 3)]
    assert found[0].parents == ("env",)


@given(st.text(max_size=300), st.sampled_from([".yml", ".toml", ".json", ".properties", ""]))
def test_any_text_is_read(text: str, suffix: str) -> None:
    last = text.count("\n") + 1
    for one in [*settings_lines.read(suffix, text), *settings_lines.env(text)]:
        assert 1 <= one.line <= last


def test_variables_that_compose_hands_through_have_names_and_no_values() -> None:
    text = """
services:
  web:
    environment:
      - TELEGRAM_TOKEN
      - SECRET=12345
      # - OLD_TOKEN
    ports:
      - EIGHTY
"""
    assert plain(settings_lines.yaml(text))[3:] == [
        ("TELEGRAM_TOKEN", "", 5),
        ("SECRET", "12345", 6),
        ("ports", "", 8),
    ]
