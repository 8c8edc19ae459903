"""Reading YAML so that every value still knows where it stood."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from trunkline.registry import document
from trunkline.registry._pure import PureParser
from trunkline.registry.findings import Finding, RegistryInvalid


def faults(text: str) -> list[Finding]:
    with pytest.raises(RegistryInvalid) as caught:
        document.parse(text, "f.yaml")
    return caught.value.findings


def test_reads_the_scalars_of_yaml_1_2_only() -> None:
    text = "a: [1, -2, 2.5, 1e3, true, False, no, on, off, 1:30, 0x10, 1_000, 2026-10-01, ~, null, '', \"1\", !!str 7]"
    expected = [
        1,
        -2,
        2.5,
        1000.0,
        True,
        False,
        "no",
        "on",
        "off",
        "1:30",
        "0x10",
        "1_000",
        "2026-10-01",
        None,
        None,
        "",
        "1",
        "7",
    ]
    assert document.parse(text, "f").data == {"a": expected}


def test_knows_the_place_of_a_value_a_key_and_an_item() -> None:
    read = document.parse(
        "version: 1\nitems:\n  crm:\n    limits: [{requests: 1},\n             {requests: 2}]\n", "f"
    )
    place = ("items", "crm", "limits", 1, "requests")
    assert read.find(place) == (5, 25, 5)
    assert read.find(place, key=True) == (5, 15, 5)
    assert read.find(("items", "crm", "nothing", 3)) == (4, 5, 2), "the nearest ancestor stands in"


def test_a_duplicate_key_is_an_error_with_both_places() -> None:
    (fault,) = faults("a: 1\nb:\n  x: 1\n  y: 2\n  x: 3\n")
    assert (fault.code, fault.line, fault.column, fault.item) == ("duplicate-key", 5, 3, "b.x")
    assert fault.message == "`x` stands here a second time; the first is in line 3."


def test_every_fault_of_the_nodes_is_told_at_once() -> None:
    found = faults("a: 1\na: 2\nb: !vault x\n? [k]\n: v\n")
    assert [(f.code, f.line) for f in found] == [("duplicate-key", 2), ("bad-tag", 3), ("bad-key", 4)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: [1\nb: 2\n", 2),
        ("a: 'x\n", 2),
        ("--- 1\n--- 2\n", 2),
        ("a: b: c\n", 1),
        ("\tx: 1\n", 1),
        ("a: *nowhere\n", 1),
        ("%x\n", 1),
    ],
)
def test_text_that_is_no_yaml_is_an_error_with_its_line(text: str, line: int) -> None:
    (fault,) = faults(text)
    assert (fault.code, fault.line) == ("bad-yaml", line)
    assert fault.cure


def test_anchors_and_merge_keys_work() -> None:
    text = "base: &b {x: 1, y: 2}\none: {<<: *b, y: 3}\ntwo: {<<: [*b, {z: 9}]}\n"
    data = document.parse(text, "f").data
    assert data["one"] == {"x": 1, "y": 3}
    assert data["two"] == {"z": 9, "x": 1, "y": 2}


def test_a_quoted_merge_key_is_a_plain_key() -> None:
    assert document.parse("{'<<': {a: 1}}", "f").data == {"<<": {"a": 1}}


def test_an_anchor_within_itself_is_an_error() -> None:
    (fault,) = faults("x: &a [1, *a]\n")
    assert (fault.code, fault.item) == ("recursive", "x[1]")


def test_anchors_cannot_expand_without_bound() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))
    (fault,) = faults(bomb)
    assert fault.code == "too-large"


@pytest.mark.parametrize(
    "value", ["!!int abc", "!!bool maybe", "!!float x", "1e999", "9" * 5000, "!!int 0x1F"]
)
def test_a_number_that_is_none_is_an_error(value: str) -> None:
    (fault,) = faults(f"a: {value}\n")
    assert (fault.code, fault.item, fault.line) == ("bad-value", "a", 1)


def test_json_is_accepted_even_with_tabs_and_surrogates() -> None:
    value = {"a": ["x/y", "é😀", 1.5, None, True], "b": {"c": "tab\there"}}
    assert document.parse(json.dumps(value, indent="\t"), "f").data == value
    assert document.parse(json.dumps(value).replace("/", "\\/"), "f").data == value


def test_an_empty_file_holds_nothing() -> None:
    assert document.parse("# only a comment\n", "f").data is None
    assert document.parse("", "f").find(("a",)) == (1, 1, 0)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(RegistryInvalid, match="cannot be read: No such file or directory"):
        document.read(tmp_path / "none.yaml")


def test_bytes_that_are_no_utf8_are_an_error_with_their_place(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(RegistryInvalid) as caught:
        document.read(path)
    (fault,) = caught.value.findings
    assert (fault.code, fault.line, fault.column) == ("bad-encoding", 2, 4)


def test_a_byte_order_mark_is_passed_over_and_a_huge_file_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert document.read(path).data == {"a": 1}
    path.write_bytes(b"#" * (document.MAX_BYTES + 1))
    with pytest.raises(RegistryInvalid, match="at most"):
        document.read(path)


def test_the_parser_without_libyaml_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    class Pure(PureParser):
        resolve = document._Composer.resolve
        descend_resolver = document._Composer.descend_resolver
        ascend_resolver = document._Composer.ascend_resolver

    text = "a: [1, no, 2026-10-01, 'x']\nb: &b {c: 1.5}\nd: {<<: *b}\n"
    fast = document.parse(text, "f")
    monkeypatch.setattr(document, "_Composer", Pure)
    slow = document.parse(text, "f")
    assert slow.data == fast.data
    assert slow.find(("a", 3)) == fast.find(("a", 3)) == (1, 24, 2)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_any_text_is_read_or_refused_with_a_finding(text: str) -> None:
    found: list[Finding] = []
    try:
        document.parse(text, "f")
    except RegistryInvalid as error:
        found = error.findings
    assert all(f.code and f.message and f.cure for f in found)


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.text(max_size=12)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(PLAIN)
def test_any_json_comes_back_as_it_was(value: Any) -> None:
    assert document.parse(json.dumps({"value": value}), "f").data == {"value": value}


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,6}", fullmatch=True), st.text(max_size=20) | st.integers(), max_size=6
    )
)
def test_quoted_text_is_read_as_pyyaml_wrote_it(value: dict[str, Any]) -> None:
    text = yaml.safe_dump(value, allow_unicode=True, default_style='"')
    assert (document.parse(text, "f").data or {}) == value
