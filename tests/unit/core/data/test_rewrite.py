"""What is blotted out is gone, and everything else stays byte for byte."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.data.rewrite import blotted, blotted_text, found_in
from trunkline.core.data.text import EVERYTHING

JSON = "application/json"
WANTED = {"pii.email", "payment.card", "payment.iban"}
WORDS = st.sampled_from(
    [
        "jane@example.com",
        "4242424242424242",
        "DE89370400440532013000",
        "hello",
        'é"\\\n',
        "{}",
        "[1]",
        ":",
        "x" * 30,
        "",
    ]
)
DOCUMENTS = st.recursive(
    WORDS | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


def test_a_prompt_keeps_everything_but_the_hits() -> None:
    body = b'{ "model":"m",  "messages":[{"role":"user","content":"mail jane@example.com \\u00e9\\n"}], "n" : 4242424242424242 }'
    got, counts = blotted(body, JSON, WANTED)
    assert got == (
        b'{ "model":"m",  "messages":[{"role":"user","content":"mail [pii.email] \xc3\xa9\\n"}], "n" : 0 }'
    )
    assert counts == {"pii.email": 1, "payment.card": 1}


def test_a_body_without_hits_is_the_same_object() -> None:
    body = b'{"a": "b"}'
    assert blotted(body, JSON, WANTED) == (body, {})
    assert blotted(body, JSON, WANTED)[0] is body


def test_keys_that_are_somebodys_own_are_blotted_out() -> None:
    body = b'{"users": {"jane@example.com": {"ok": true}, "plain": 1}}'
    assert found_in(body, JSON, WANTED) == {"pii.email"}
    assert blotted(body, JSON, WANTED)[0] == b'{"users": {"[pii.email]": {"ok": true}, "plain": 1}}'


def test_text_is_looked_at_whatever_its_media_type_says() -> None:
    for media in ("application/octet-stream", "application/vnd.ms-excel", "x/y"):
        assert blotted(b"name,jane@example.com", media, WANTED)[0] == b"name,[pii.email]"
        assert blotted(b'{"a":"jane\\u0040example.com"}', media, WANTED)[0] == b'{"a":"[pii.email]"}'
    part = b'--b\r\ncontent-disposition: form-data; name="f"\r\ncontent-type: application/octet-stream\r\n\r\n%b\r\n--b--\r\n'
    upload = "multipart/form-data; boundary=b"
    assert blotted(part % b"a,jane@example.com", upload, WANTED)[0] == part % b"a,[pii.email]"
    assert blotted(part % b"\x89PNG\0 jane@example.com", upload, WANTED)[1] == {}


def test_only_what_is_base64_to_its_end_is_passed_over() -> None:
    file = "QUJD" * 200
    for text in (file, f"data:image/png;base64,{file}", "\n".join([file[:76]] * 10)):
        assert found_in(json.dumps({"a": text}).encode(), JSON, WANTED) == set()
    for text in (f"{file} jane@example.com", f"data:text/plain,{'x ' * 300}jane@example.com"):
        assert found_in(json.dumps({"a": text}).encode(), JSON, WANTED) == {"pii.email"}


def test_forms_and_texts() -> None:
    form = b"email=jane%40example.com&amount=5"
    assert blotted(form, "application/x-www-form-urlencoded", WANTED)[0] == b"email=%5Bpii.email%5D&amount=5"
    assert blotted("é jane@example.com".encode(), "text/plain", WANTED)[0] == "é [pii.email]".encode()
    assert blotted_text("to jane@example.com", WANTED) == ("to [pii.email]", {"pii.email": 1})


def test_what_cannot_be_read_stays() -> None:
    body = b"\x89PNG jane@example.com"
    assert blotted(body, "image/png", WANTED) == (body, {})


@given(DOCUMENTS)
def test_json_stays_json_of_the_same_form_and_holds_nothing_any_more(document: object) -> None:
    body = json.dumps(document).encode()
    got, counts = blotted(body, JSON, WANTED)
    assert found_in(got, JSON, WANTED) == set()
    assert shape(json.loads(got)) == shape(document)
    assert bool(counts) == (got is not body)


def shape(value: object) -> object:
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shape(one) for one in value]
    return type(value).__name__


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        (b'filename="Jane_Doe_CV.pdf"', b'filename="[pii.name] CV.pdf"'),
        (b'filename="jane.doe@example.com.csv"', b'filename="[pii.email].csv"'),
        (
            b"filename=a.pdf; filename*=UTF-8''J%C3%B6rg%40example.com.pdf",
            b"filename=a.pdf; filename*=UTF-8''%5Bpii.email%5D.pdf",
        ),
        (b'filename="invoice-2024-05-01.pdf"', b'filename="invoice-2024-05-01.pdf"'),
        (
            b'filename="Screenshot 2024-05-01 at 10.22.33.png"',
            b'filename="Screenshot 2024-05-01 at 10.22.33.png"',
        ),
    ],
)
def test_names_of_files_are_blotted_out_too(name: bytes, kept: bytes) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="cv"; %b\r\nContent-Type: application/pdf\r\n\r\n%%PDF\0\xff\r\n--x--\r\n'
    found, _ = blotted(body % name, "multipart/form-data; boundary=x", EVERYTHING)
    assert found == body % kept
