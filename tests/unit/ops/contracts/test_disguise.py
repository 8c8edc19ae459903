"""Whoever's data is taken out of recordings; what remains has the form that it had."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.scrub import Scrubber
from trunkline.ops.contracts.disguise import Disguise
from trunkline.ops.contracts.formats import text_format
from trunkline.ops.contracts.observe import Seen
from trunkline.wire.sse import Splitter

SECRET = "sk_live_51Hxyzsecretsecret"
PERSON: dict[str, Any] = {
    "id": "cus_NffrFeUfNV2Hib", "object": "customer", "name": "Jane Doe", "email": "jane.doe@corp.example", "phone": "+491711234567",
    "address": {"line1": "Gartenweg 7", "city": "Ulm", "postal_code": "89073", "country": "DE"},
    "metadata": {"nickname": "jd", "tier": "gold"}, "description": "Jane's order of 3 books", "created": 1_764_000_000,
    "url": "https://shop.example/u/jane?t=1", "ip": "203.0.113.9", "ssn": 123456789, "token": SECRET,
    "uuid": "6f1f0a52-7d1e-4a4e-9a5c-0c1f2d3e4f50",
}  # fmt: skip
OF_HER = (
    "Jane", "Doe", "jane", "corp", "491711234567", "Gartenweg", "Ulm", "89073", "jd", "books", "203.0.113.9", "123456789", SECRET,
    "6f1f0a52", "NffrFeUfNV2Hib",
)  # fmt: skip


def disguise(key: bytes = b"k" * 32) -> Disguise:
    return Disguise(key, Scrubber([SECRET]))


def hidden(value: Any, media: str = "application/json") -> Any:
    return json.loads(disguise().body(json.dumps(value).encode(), media))


@pytest.mark.row("C5")
def test_nothing_of_a_person_is_left() -> None:
    told = json.dumps(hidden(PERSON))
    assert [word for word in OF_HER if re.search(rf"\b{re.escape(word)}\b", told)] == []


def test_what_is_left_has_the_same_form() -> None:
    told = hidden(PERSON)
    assert list(told) == list(PERSON)
    assert re.fullmatch(r"cus_[A-Za-z0-9]{14}", told["id"])
    assert (told["object"], told["created"]) == ("customer", 1_764_000_000)
    assert told["email"].endswith("@example.com")
    assert told["url"].startswith("https://example.com/")
    assert re.fullmatch(r"\d{9}", str(told["ssn"]))
    assert text_format(told["uuid"]) == "uuid"
    assert len(told["description"]) == len(PERSON["description"])


def test_the_same_value_has_one_stand_in_within_a_recording_and_another_in_the_next() -> None:
    one, other = disguise(), disguise(b"x" * 32)
    body = json.dumps({"id": "cus_NffrFeUfNV2Hib"}).encode()
    first = json.loads(one.body(body, ""))["id"]
    assert one.path("/v1/customers/cus_NffrFeUfNV2Hib") == f"/v1/customers/{first}"
    assert json.loads(other.body(body, ""))["id"] != first


def test_words_of_the_vendors_sets_settings_and_dates_stay() -> None:
    body = {
        "status": "requires_action",
        "model": "gpt-4.1-mini",
        "currency": "eur",
        "at": "2026-11-21T10:00:00Z",
        "none": None,
        "ok": True,
        "n": 5,
    }
    assert hidden(body) == body


def test_what_users_wrote_is_replaced_even_where_it_is_one_word() -> None:
    body = {"messages": [{"role": "user", "content": "Hello, I am Jane."}], "metadata": {"tier": "gold"}}
    told = hidden(body)
    assert told["messages"][0]["role"] == "user"
    assert "Jane" not in told["messages"][0]["content"]
    assert told["metadata"]["tier"] != "gold"


def test_vectors_say_nothing() -> None:
    assert hidden({"embedding": [0.25] * 100})["embedding"] == [0.0] * 100
    assert hidden({"box": [1, 2]})["box"] == [1, 2]


def test_forms_queries_texts_and_bytes() -> None:
    one = disguise()
    form = one.body(
        b"amount=2000&currency=eur&address[city]=Ulm&email=a%40b.example", "application/x-www-form-urlencoded"
    )
    assert form.startswith(b"amount=")
    assert b"currency=eur" in form
    assert b"Ulm" not in form
    assert b"b.example" not in form
    assert "example.com" in one.query("limit=5&email=a%40b.example")
    assert one.body(b"", "application/json") == b""
    assert b"Jane" not in one.body(b"Jane was here", "text/plain")
    assert one.body(b"\x89PNG", "image/png") == b"<4 bytes of image/png>"


def test_an_event_keeps_its_name_and_form() -> None:
    raw = b'event: delta\nid: 77\ndata: {"type":"delta","text":"Jane Doe"}\n\n'
    told = disguise().event(raw)
    assert told.startswith(b"event: delta\n")
    assert b'"type":"delta"' in told
    assert b"Jane" not in told
    assert b"77" not in told
    assert disguise().event(b"data: [DONE]\n\n") == b"data: [DONE]\n\n"
    assert disguise().event(b"data: Jane Doe said something long\n\n") == b"data: <text>\n\n"


@pytest.mark.row("C5")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("password", "hunter"), ("client_secret", "sesame"), ("token", "abcdef"), ("accessToken", "opensesame"),
        ("authorization", "bearer"),
        ("api_key", "sk-test-not-a-real-key"), ("pin", 4711), ("otp", "123456"), ("date_of_birth", "1980-05-01"), ("first", "jane"),
        ("last", "doe"), ("note", "divorced"), ("content", "jane"), ("text", "jane"), ("sub", "jane"), ("card", 4_111_111_111_111_111),
        ("msisdn", 491_711_234_567), ("account", -12_345_678_901), ("lat", 48.401082), ("longitude", "9.987608"), ("slug", "jane-doe"),
        ("cart", "jane-doe-4711x"),
    ],
)  # fmt: skip
def test_what_a_field_is_called_tells_that_a_plain_word_or_number_is_somebodys(name: str, value: Any) -> None:
    told = hidden({name: value})[name]
    assert type(told) is type(value)
    for word in re.findall(r"[a-z]{3,}|[\d.]{4,}", str(value)):
        assert word not in str(told)


def test_keys_that_users_chose_are_replaced_where_they_are_no_names() -> None:
    assert "Jane" not in json.dumps(hidden({"metadata": {"Jane Doe": 1, "tier": "x"}}))
    assert list(hidden({"Meta Data": {"tier": 1}})) == ["Meta Data"]


def test_steps_of_a_path_are_read_as_they_are_meant() -> None:
    one = disguise()
    for path in (
        "/v1/customers/jane%40corp.example",
        "/v1/customers/cus_NffrFeUfNVxyab",
        "/services/T0123456/x",
        "/u/Jane%20Doe",
    ):
        assert one.path(path).rpartition("/")[0].startswith(path.split("/")[0])
        assert not re.search("jane|Jane|NffrFe|T0123456", one.path(path))
    for path in ("/v1/chat/completions", "/admin/api/2024-10/orders.json", "/2010-04-01/Accounts"):
        assert one.path(path) == path


def test_nesting_without_end_is_cut_off() -> None:
    deep = json.loads(disguise().body(b"[" * 900 + b"]" * 900, "application/json"))
    assert json.dumps(deep).count("[") < 200


@pytest.mark.row("C5")
@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b": Jane is here\n\n", b":\n\n"),
        (b"data: Jane\n\n", b"data: <text>\n\n"),
        (b"data: [DONE]\n\n", b"data: [DONE]\n\n"),
        (b"Jane\ndata: {}\n\n", b"data: {}\n\n"),
        (b"x: Jane\nretry: 100\ndata: 1\n\n", b"retry: 100\ndata: 1\n\n"),
        (b"event: Jane Doe\ndata: 1\n\n", b"event: event\ndata: 1\n\n"),
        (b"event:a\r\ndata:{}\r\n\r\n", b"event:a\r\ndata:{}\r\n\r\n"),
    ],
)
def test_lines_of_a_stream_that_are_no_json(raw: bytes, told: bytes) -> None:
    assert disguise().event(raw) == told


def test_json_over_several_lines_of_data_is_read_as_one() -> None:
    told = disguise().event(b'event: a\ndata: {"name":\ndata:  "jane"}\n\n')
    assert told.startswith(b'event: a\ndata: {"name":"')
    assert b"jane" not in told
    assert told.count(b"data:") == 1


def test_an_id_of_an_event_does_not_end_the_event() -> None:
    """It was left out with its line, so that an empty line stood in its place and the event lost its name."""
    (event,) = Splitter().feed(disguise().event(b"event: delta\nid: 77\ndata: {}\n\n"))
    assert (event.event, event.data) == ("delta", "{}")
    assert event.id != "77"


def test_json_lines_keep_their_form() -> None:
    body = b'{"name":"jane","done":false}\n\nJane\n{"done":true}'
    told = disguise().body(body, "application/x-ndjson").split(b"\n")
    assert [json.loads(told[0])["done"], told[1], told[2], told[3]] == [
        False,
        b"",
        b"<text>",
        b'{"done":true}',
    ]
    assert b"jane" not in told[0]


def test_header_fields_hold_no_addresses_and_no_secrets() -> None:
    one = disguise()
    link = one.header("link", '<https://api.example/x?cursor=jane>; rel="next"')
    assert re.fullmatch(r'<https://example\.com/[0-9a-f]{12}>; rel="next"', link)
    assert "jane" not in one.header("warning", '299 - "jane@corp.example"')
    assert SECRET not in one.header("warning", f'299 - "{SECRET}"')
    assert (
        one.header("content-type", "multipart/form-data; boundary=jane") == "multipart/form-data; boundary=x"
    )
    assert one.header("sunset", "Thu, 31 Dec 2026 23:59:59 GMT") == "Thu, 31 Dec 2026 23:59:59 GMT"


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.text(max_size=20)
    | st.just("cus_NffrFeUfNV2Hib")
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abcde"), inner, max_size=4),
    max_leaves=15,
)


@given(TREES)
def test_types_and_fields_are_never_changed(tree: Any) -> None:
    def kinds(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: kinds(item) for key, item in value.items()}
        return [kinds(item) for item in value] if isinstance(value, list) else type(value)

    assert kinds(disguise().value("", tree)) == kinds(tree)


def test_a_disguised_body_fits_the_contract_of_the_first() -> None:
    """Types and places are the same, so that a cassette can be judged against the lock."""
    first, second = Seen(), Seen()
    first.body(PERSON)
    second.body(hidden(PERSON))
    types = [
        {place: {fact for fact in facts if fact[:2] == "t:"} for place, facts in seen.places.items()}
        for seen in (first, second)
    ]
    assert types[0] == types[1]
